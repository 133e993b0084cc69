"""A linked code, and what the acquirer and the clearing side say of one payment of 20.00 with 3.00 off."""

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from portal.codes.models import Code
from portal.wallets.directory import Holding
from portal.wallets.port import Acquirer, PaymentAnswer, PaymentState, Promotion, Wallet
from portal.wallets.routed import RoutedKind, RoutedPayment
from tests.factories.merchants import OPENED

SHOP = 482913057
NOW = datetime(2026, 11, 22, 6, 32, 5, tzinfo=UTC)
STATIC = PaymentAnswer(
    acquirer=Acquirer.WECHAT,
    order_no="1000202611220000000000000001",
    state=PaymentState.SUCCESS,
    sub_merchant_no=f"WX{SHOP}",
    wallet=Wallet.WECHAT,
    transaction_id="4200001",
    amount=2_000,
    payer_amount=1_700,
    promotions=(Promotion("G1", "京东扫码付立减", 300, "other"),),
    paid_at=NOW,
    trade_type="NATIVE",
    bank_type="OTHERS",
)
ROUTED = RoutedPayment(
    kind=RoutedKind.WALLET_TOLD,
    clearing_no="30001",
    holding=Holding.OWN_SUB_MERCHANT,
    acquirer=Acquirer.WECHAT,
    wallet=Wallet.JDPAY,
    code_text="https://payapp.weixin.qq.com/materialqr/entry/home?id=own",
    transaction_id="4200001",
    amount=2_000,
    payer_amount=1_700,
    paid_at=NOW,
    promotions=(Promotion("G1", "京东扫码付立减", 300, "wallet"),),
    sub_merchant_no=f"WX{SHOP}",
)
REPORTED = replace(
    ROUTED, kind=RoutedKind.CODE_PAID, holding=Holding.PERSONAL, sub_merchant_no=None, transaction_id="4200009"
)


def link(session: Session, code_id: int, holding: Holding) -> None:
    """A code of shop 1 that its owner has linked."""
    session.add(
        Code(
            merchant_id=SHOP,
            code_id=code_id,
            shop_id=1,
            kind="linked_personal" if holding is Holding.PERSONAL else "linked_merchant",
            state="active",
            name=f"码{code_id}",
            foreign_sealed="sealed",
            foreign_issuer="wechat",
            holding=holding,
            told_by="acquirer" if holding is Holding.OWN_SUB_MERCHANT else "interconnect",
            created_at=OPENED,
            changed_at=OPENED,
        )
    )
    session.flush()
