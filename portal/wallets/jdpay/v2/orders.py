"""Orders of JD Pay V2.0: placed by `uniorder` or by the payer's own browser, asked for, ended. Amounts are fen."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from portal.values.day import SHANGHAI
from portal.wallets.errors import WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.jdpay.settings import Closing, OnScreen
from portal.wallets.jdpay.v2 import forms, words
from portal.wallets.jdpay.v2.client import V2Client
from portal.wallets.jdpay.v2.keys import V2Keys
from portal.wallets.jdpay.v2.revocations import revoke
from portal.wallets.jdpay.v2.words import Call, TradeType
from portal.wallets.jdpay.v2.xml import Element
from portal.wallets.port import (
    Acquirer,
    Opening,
    OpeningKind,
    OpeningWay,
    OrderToOpen,
    PaymentAnswer,
    PaymentState,
    Promotion,
    Wallet,
)
from portal.wallets.transport import Budget
from portal.wallets.wire import UnreadableMessage

_REDUCTION = "jd-reduction"


@dataclass(frozen=True)
class Placed:
    """What `uniorder` answers. `qr_code` is the text of the code to scan, for QR only."""

    order_id: str
    qr_code: str | None


def open_payment(client: V2Client, keys: V2Keys, order: OrderToOpen, *, budget: Budget) -> Opening:
    """Lead the payer on: a form for his browser, or a code to scan. Raises WalletError.

    A form is not placed by us: JD hears of the order only when the browser brings it.
    """
    if order.way is OpeningWay.IN_APP:
        return forms.customer_pay(client.settings, keys, order)
    if order.way is OpeningWay.BROWSER:
        return forms.save_order(client.settings, keys, order, desktop=False)
    if client.settings.v2_on_screen is OnScreen.CASHIER:
        return forms.save_order(client.settings, keys, order, desktop=True)
    placed = place(client, keys, order, TradeType.QR, budget=budget)
    if placed.qr_code is None:
        raise WalletUnknown("ANSWER_UNREADABLE", "qrCode")
    return Opening(OpeningKind.CODE, url=placed.qr_code)


def place(client: V2Client, keys: V2Keys, order: OrderToOpen, trade_type: TradeType, *, budget: Budget) -> Placed:
    """Place the order with JD. The same values again are the same order. Raises WalletError."""
    fields = {**forms.order_fields(order), "tradeType": trade_type.value}
    told = client.ask(Call.PAY, keys, fields, budget=budget)
    try:
        if told.text("tradeNum") != order.order_no:
            raise WalletUnknown("ANSWER_OF_ANOTHER_ORDER", order.order_no)
        return Placed(told.text("orderId"), told.optional_text("qrCode"))
    except UnreadableMessage as error:
        raise WalletUnknown("ANSWER_UNREADABLE", str(error)) from error


def app_call(keys: V2Keys, placed: Placed) -> dict[str, str]:
    """What a merchant's own app hands to JD's SDK for a GEN order. The portal has no app; a merchant's may.

    Raises WalletUnavailable when the contract carries no `v2_app_key`.
    """
    if not keys.app_key:
        raise WalletUnavailable("KEYS_MISSING", keys.merchant_no)
    signed = f"merchant={keys.merchant_no}&orderId={placed.order_id}&key={keys.app_key}"
    digest = hashlib.md5(signed.encode(), usedforsecurity=False).hexdigest()
    return {"merchant": keys.merchant_no, "orderId": placed.order_id, "signData": digest}


def ask_payment(client: V2Client, keys: V2Keys, order_no: str, *, budget: Budget) -> PaymentAnswer:
    """Ask what became of an order. One that JD does not know is unpaid: no browser has brought it yet."""
    fields = {"tradeNum": order_no, "tradeType": words.PURCHASE}
    try:
        found = payment_in(client.ask(Call.ASK, keys, fields, budget=budget), keys.merchant_no)
    except WalletRefused as error:
        if error.code not in words.NO_SUCH_ORDER:
            raise
        return PaymentAnswer(Acquirer.JDPAY, order_no, PaymentState.UNPAID, keys.merchant_no)
    except UnreadableMessage as error:
        raise WalletUnknown("ANSWER_UNREADABLE", str(error)) from error
    if found.order_no != order_no:
        raise WalletUnknown("ANSWER_OF_ANOTHER_ORDER", order_no)
    return found


def close_payment(client: V2Client, keys: V2Keys, order_no: str, *, now: datetime, budget: Budget) -> None:
    """Returns once the order can no longer be paid.

    V2.0 has no call that only closes. `revoke` ends an unpaid order; what it does to one that is being paid in the
    same moment is not public (UNCONFIRMED), so it is used only where `v2_closing` says so. Else the order runs out.
    """
    found = ask_payment(client, keys, order_no, budget=budget)
    if found.state is PaymentState.SUCCESS:
        raise WalletRefused("ORDER_PAID", order_no)
    if found.state is not PaymentState.PAYING:
        return
    if client.settings.v2_closing is Closing.WAIT or found.amount is None:
        raise WalletUnavailable("NOT_CLOSED_YET", order_no)
    revoke(client, keys, order_no=order_no, amount=found.amount, now=now, budget=budget)
    if ask_payment(client, keys, order_no, budget=budget).state is PaymentState.SUCCESS:
        raise WalletRefused("ORDER_PAID", order_no)


def payment_in(told: Element, merchant_no: str) -> PaymentAnswer:
    """The payment in an answer or a notice. Raises UnreadableMessage.

    V2.0 tells no number of JD's own: a trade is known by the merchant's. Its wire does not tell who pays for a
    reduction either (UNCONFIRMED: JD).
    """
    state = words.PAYMENT_STATES.get(told.text("status"))
    if state is None:
        raise UnreadableMessage(f"status {told.optional_text('status')}")
    paid = state is PaymentState.SUCCESS
    amount = told.whole("amount") if paid else told.optional_whole("amount")
    order_no = told.text("tradeNum")
    own = [pay for pay in told.every("payList", "pay") if pay.optional_text("payType") not in words.REDUCTIONS]
    given = _given(told, own, amount) if paid and amount is not None else None
    promotions: tuple[Promotion, ...] = ()
    if amount is not None and given is not None and given < amount:
        promotions = (Promotion(_REDUCTION, "", amount - given, "wallet"),)
    return PaymentAnswer(
        acquirer=Acquirer.JDPAY,
        order_no=order_no,
        state=state,
        sub_merchant_no=merchant_no,
        wallet=Wallet.JDPAY if paid else Wallet.UNKNOWN,
        transaction_id=order_no if paid else None,
        amount=amount,
        payer_amount=given,
        currency=told.optional_text("currency") or "CNY",
        promotions=promotions,
        paid_at=last_moment(told, own) if paid else None,
        bank_type=own[0].optional_text("detail", "bankCode") if own else None,
    )


def last_moment(told: Element, pays: list[Element]) -> datetime | None:
    """When the last instrument was charged, else the message's own `tradeTime`. Raises UnreadableMessage."""
    moments = [moment for pay in pays if (moment := moment_in(pay, "tradeTime")) is not None]
    return max(moments) if moments else moment_in(told, "tradeTime")


def moment_in(element: Element, name: str) -> datetime | None:
    """`yyyyMMddHHmmss` on a Chinese wall clock as UTC, or None. Raises UnreadableMessage."""
    written = element.optional_text(name)
    if written is None:
        return None
    try:
        return datetime.strptime(written, "%Y%m%d%H%M%S").replace(tzinfo=SHANGHAI).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UnreadableMessage(f"no moment at {name}") from error


def _given(told: Element, own: list[Element], amount: int) -> int:
    """What the payer gave, in fen. Without a `payList` all of it."""
    if next(told.every("payList", "pay"), None) is None:
        return amount
    given = sum(pay.whole("amount") for pay in own)
    if given > amount:
        raise UnreadableMessage("payList exceeds the amount")
    return given
