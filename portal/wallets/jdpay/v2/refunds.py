"""Refunds of JD Pay V2.0: sent, asked for one by one, and listed by their order."""

from datetime import datetime

from portal.wallets.errors import WalletRefused, WalletUnknown
from portal.wallets.jdpay.v2 import words
from portal.wallets.jdpay.v2.client import V2Client
from portal.wallets.jdpay.v2.keys import V2Keys
from portal.wallets.jdpay.v2.orders import last_moment
from portal.wallets.jdpay.v2.words import Call
from portal.wallets.jdpay.v2.xml import Element
from portal.wallets.port import Acquirer, RefundAnswer, RefundState, RefundToSend
from portal.wallets.transport import Budget
from portal.wallets.wire import UnreadableMessage, acceptable_text, digits_of


def refund(client: V2Client, keys: V2Keys, request: RefundToSend, *, now: datetime, budget: Budget) -> RefundAnswer:
    """Ask for a refund (gross fen). The same number with the same values is the same refund. Raises WalletError."""
    fields = {
        "tradeNum": request.refund_no,
        "oTradeNum": request.order_no,
        "amount": str(request.amount),
        "currency": "CNY",
        "tradeTime": digits_of(now),
        "notifyUrl": request.notify_url,
        "note": acceptable_text(request.reason, characters=60),
    }
    told = client.ask(Call.REFUND, keys, fields, budget=budget)
    return _checked(told, request.refund_no, keys, missing="1")


def ask_refund(client: V2Client, keys: V2Keys, refund_no: str, *, budget: Budget) -> RefundAnswer:
    """Ask what became of a refund. One that was never taken is `missing`: send it again under the same number."""
    fields = {"tradeNum": refund_no, "tradeType": words.REFUND}
    try:
        told = client.ask(Call.ASK, keys, fields, budget=budget)
    except WalletRefused as error:
        if error.code not in words.NO_SUCH_REFUND:
            raise
        return RefundAnswer(Acquirer.JDPAY, refund_no, RefundState.MISSING, keys.merchant_no)
    return _checked(told, refund_no, keys)


def refunds_of(client: V2Client, keys: V2Keys, order_no: str, *, budget: Budget) -> list[RefundAnswer]:
    """Every refund of an order (queryRefund). Raises WalletError."""
    fields = {"oTradeNum": order_no, "tradeType": words.REFUND}
    told = client.ask(Call.ASK_REFUNDS, keys, fields, budget=budget)
    try:
        return [refund_in(each, keys.merchant_no) for each in told.every("refList", "refund")]
    except UnreadableMessage as error:
        raise WalletUnknown("ANSWER_UNREADABLE", str(error)) from error


def refund_in(told: Element, merchant_no: str, *, missing: str | None = None) -> RefundAnswer:
    """The refund in an answer or a notice; `missing` is the status where none is told. Raises UnreadableMessage."""
    status = told.optional_text("status") or missing
    state = words.REFUND_STATES.get(status or "")
    if state is None:
        raise UnreadableMessage(f"status {status}")
    pays = list(told.every("payList", "pay"))
    return RefundAnswer(
        acquirer=Acquirer.JDPAY,
        refund_no=told.text("tradeNum"),
        state=state,
        sub_merchant_no=merchant_no,
        order_no=told.optional_text("oTradeNum"),
        amount=told.optional_whole("amount"),
        payer_amount=sum(pay.whole("amount") for pay in pays) if pays else None,
        arrived_at=last_moment(told, pays) if state is RefundState.SUCCESS else None,
    )


def _checked(told: Element, refund_no: str, keys: V2Keys, *, missing: str | None = None) -> RefundAnswer:
    try:
        found = refund_in(told, keys.merchant_no, missing=missing)
    except UnreadableMessage as error:
        raise WalletUnknown("ANSWER_UNREADABLE", str(error)) from error
    if found.refund_no != refund_no:
        raise WalletUnknown("ANSWER_OF_ANOTHER_REFUND", refund_no)
    return found
