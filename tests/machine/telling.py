"""What the wallets send, as the bytes they really send: sealed and signed, each delivery signed anew."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from portal.values.day import in_shanghai
from portal.wallets.jdpay import crypto
from portal.wallets.port import Acquirer, RefundState
from tests.portal.wallets.conftest import SP_MCHID, WechatSide, paid_order

# As the merchants' factory seals them into each contract with JD.
JD_DES_KEY, JD_MD5_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "k"
_JD_REFUND = {RefundState.SUCCESS: "FINISH", RefundState.CLOSED: "CLOSE", RefundState.PROCESSING: "PROCESSING"}


@dataclass(frozen=True)
class Transaction:
    """Money that a wallet has really taken, in fen. `trade_type` NATIVE: on the merchant's own static code."""

    number: str
    acquirer: Acquirer
    order_no: str
    sub_merchant_no: str
    amount: int
    currency: str = "CNY"
    trade_type: str = "JSAPI"
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class GivenBack:
    """A refund as a wallet has it."""

    refund_no: str
    acquirer: Acquirer
    order_no: str
    transaction_no: str
    sub_merchant_no: str
    amount: int


@dataclass(frozen=True)
class Message:
    """A notice, ready to be sent as often as anybody likes. `says` is what it tells, of a payment or of a refund."""

    acquirer: Acquirer
    key: str
    body: bytes
    payment: Transaction | None = None
    refund: tuple[GivenBack, RefundState] | None = None
    # Rightly signed, and not what the wallet will say when it is asked.
    lie: bool = False


@dataclass(frozen=True)
class Teller:
    """Both wallets' handwriting."""

    side: WechatSide

    def headers(self, message: Message, *, spoilt: bool = False) -> Mapping[str, str]:
        """Signed now; `spoilt`, over other bytes than those that are sent."""
        if message.acquirer is Acquirer.JDPAY:
            return {}
        signed = message.body + b" " if spoilt else message.body
        return self.side.headers(signed, at=datetime.now(UTC))

    def paid(self, told: Transaction, *, telling: int) -> Message:
        """The notice of a payment; another `telling` is another notice of the same."""
        if told.acquirer is Acquirer.JDPAY:
            return self._jd_paid(told, telling)
        key = f"EV-{told.number}-{telling}"
        money = {
            "total": told.amount,
            "payer_total": told.amount,
            "currency": told.currency,
            "payer_currency": told.currency,
        }
        plain = paid_order(
            out_trade_no=told.order_no,
            transaction_id=told.number,
            sub_mchid=told.sub_merchant_no,
            trade_type=told.trade_type,
            amount=money,
            promotion_detail=[],
            success_time=in_shanghai(told.at).isoformat(timespec="seconds"),
        )
        body = self.side.notice("TRANSACTION.SUCCESS", plain, id=key)
        return Message(told.acquirer, key, body, payment=told)

    def refunded(self, back: GivenBack, state: RefundState, *, telling: int) -> Message:
        """The notice that a refund has come to `state`."""
        if back.acquirer is Acquirer.JDPAY:
            return self._jd_refunded(back, state, telling)
        key = f"EV-{back.refund_no}-{state}-{telling}"
        plain = {
            "sp_mchid": SP_MCHID,
            "sub_mchid": back.sub_merchant_no,
            "out_trade_no": back.order_no,
            "transaction_id": back.transaction_no,
            "out_refund_no": back.refund_no,
            "refund_id": "5030",
            "refund_status": state.upper(),
            "user_received_account": "支付用户零钱",
            "amount": {"total": 100_000, "refund": back.amount, "payer_total": 100_000, "payer_refund": back.amount},
        }
        body = self.side.notice(f"REFUND.{state.upper()}", plain, id=key)
        return Message(back.acquirer, key, body, refund=(back, state))

    def _jd_paid(self, told: Transaction, telling: int) -> Message:
        fields = {
            "outTradeNo": told.order_no,
            "tradeNo": told.number,
            "piType": "JDPAY",
            "payStatus": "FINISH",
            "piAmount": told.amount,
            "payFinishTime": in_shanghai(told.at).strftime("%Y%m%d%H%M%S"),
            "productType": f"QR{telling}",
        }
        # JD's notices have no number of their own: what they tell is what they are known by.
        return Message(told.acquirer, f"JD-{told.number}", _sealed(fields, told.sub_merchant_no), payment=told)

    def _jd_refunded(self, back: GivenBack, state: RefundState, telling: int) -> Message:
        fields = {
            "outTradeNo": back.order_no,
            "outRefundNo": back.refund_no,
            "refundNo": "9",
            "amount": str(back.amount),
            "payStatus": _JD_REFUND[state],
            "productType": f"QR{telling}",
        }
        key = f"JD-{back.refund_no}-{state}"
        return Message(back.acquirer, key, _sealed(fields, back.sub_merchant_no), refund=(back, state))


def _sealed(fields: Mapping[str, Any], merchant_no: str) -> bytes:
    told = {"merchantNo": merchant_no, "resultCode": "SUCCESS", "version": "V3.0", **fields}
    envelope = {
        "success": True,
        "merchantNo": merchant_no,
        "cipherJson": crypto.seal(told, JD_DES_KEY),
        "sign": crypto.sign(told, JD_MD5_KEY),
    }
    return json.dumps(envelope).encode()
