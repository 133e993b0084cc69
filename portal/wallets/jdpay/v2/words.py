"""The words of JD Pay V2.0 and ours.

JD publishes no description any more; the states are those that public implementers read (the repositories
Javen205/IJPay, essensoft/paylink and a published PHP client). UNCONFIRMED: the codes of a refusal. No list of them is
public besides 000000; those named here are our stand-in's, to be completed from the merchant's contract.
"""

from enum import Enum, StrEnum

from portal.wallets.errors import WalletError, WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.port import PaymentState, RefundState


class Call(Enum):
    """What we asked for; the value is the path behind `paygate`."""

    PAY = "/service/uniorder"
    ASK = "/service/query"
    REFUND = "/service/refund"
    ASK_REFUNDS = "/service/queryRefund"
    REVOKE = "/service/revoke"


class TradeType(StrEnum):
    """What a uniorder is for: an app (GEN) or a code to scan (QR)."""

    GEN = "GEN"
    QR = "QR"


VERSION = "V2.0"
HANDLED = "000000"
PURCHASE, REFUND = "0", "1"
# In customerPay: the amount is fixed by the order (CUST: the payer types it).
FIXED_AMOUNT = "DRCT"

# query and asynchronous notice. An order that was created but not paid can still be paid.
PAYMENT_STATES: dict[str, PaymentState] = {
    "0": PaymentState.PAYING,
    "1": PaymentState.PAYING,
    "2": PaymentState.SUCCESS,
    "3": PaymentState.FAILED,
    "4": PaymentState.CLOSED,
}

# 3 could not reach the payer, 4 was closed: either way nothing was given back, and no call of JD's moves it on. The
# amount is free again for another refund under another number.
REFUND_STATES: dict[str, RefundState] = {
    "0": RefundState.PROCESSING,
    "1": RefundState.PROCESSING,
    "2": RefundState.SUCCESS,
    "3": RefundState.CLOSED,
    "4": RefundState.CLOSED,
}

# The browser's return speaks differently: 0 is paid. It proves nothing that would be booked.
RETURN_STATES: dict[str, PaymentState] = {"0": PaymentState.SUCCESS}

NO_SUCH_ORDER = frozenset({"100002"})
NO_SUCH_REFUND = frozenset({"100002", "100011"})

# The `payType` of what was not the payer's money. UNCONFIRMED, as the refusals are; everything else was his.
REDUCTIONS = frozenset({"9"})

_MOVES_MONEY_BACK = frozenset({Call.REFUND, Call.REVOKE})


def error_for_status(call: Call, status: int) -> type[WalletError]:
    """Our word for an HTTP status other than 200."""
    if status >= 500 or call in _MOVES_MONEY_BACK:
        return WalletUnknown
    return WalletUnavailable if status in (401, 408, 429) else WalletRefused


def error_for_refusal(call: Call, *, sealed: bool) -> type[WalletError]:
    """Our word for JD's no: final under seal; without one anybody could have said it."""
    if sealed or call is Call.PAY:
        return WalletRefused
    return WalletUnknown if call in _MOVES_MONEY_BACK else WalletUnavailable
