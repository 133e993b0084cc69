"""JD's words and ours. Every foreign state and error code is translated here and nowhere else.

The states are those public implementers of aggregate pay (聚合支付 V3.0) read. JD publishes no list of error codes:
what is named here is what our stand-in for JD calls an unknown order or refund, to be completed from the contract.
Everything else that JD refuses is refused, without a look at its code.
"""

from enum import StrEnum

from portal.wallets.applications import ApplicationState
from portal.wallets.bills import LineKind
from portal.wallets.errors import WalletError, WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.port import PaymentState, RefundState, Wallet


class Call(StrEnum):
    """What we asked for; the value is the path behind its host (`payx` for SCAN, `psi` for the last four)."""

    PAY = "/m/unifiedOrder"
    SCAN = "/getScanUrl"
    ASK = "/m/querytrade"
    REFUND = "/m/refund"
    ASK_REFUND = "/m/queryrefund"
    ENTER = "/merchant/enterSingle"
    APPLY = "/merchant/applySingle"
    ASK_APPLICATION = "/merchant/status/queryApplySingle"
    ASK_KEYS = "/merchant/status/queryMerchantKeys"


# PROCESSING covers both an untouched order and a payer who is typing. REFUND says that some refund was made.
PAYMENT_STATES: dict[str, PaymentState] = {
    "PROCESSING": PaymentState.PAYING,
    "FINISH": PaymentState.SUCCESS,
    "REFUND": PaymentState.SUCCESS,
    "CLOSE": PaymentState.CLOSED,
}

REFUND_STATES: dict[str, RefundState] = {
    "PROCESSING": RefundState.PROCESSING,
    "FINISH": RefundState.SUCCESS,
    "CLOSE": RefundState.CLOSED,
}

# dataList[0].status of queryApplySingle; anything else is still being looked at.
APPLICATION_STATES: dict[str, ApplicationState] = {
    "2": ApplicationState.REJECTED,
    "3": ApplicationState.TO_BE_CONFIRMED,
    "4": ApplicationState.FINISHED,
}

# A JDPAY order may come back as UNIPAY when a bank app paid it: who the payer's wallet was is then not told.
WALLETS: dict[str, Wallet] = {
    "JDPAY": Wallet.JDPAY,
    "WX": Wallet.WECHAT,
    "ALIPAY": Wallet.UNKNOWN,
    "UNIPAY": Wallet.UNKNOWN,
}

# A trade bill's own words. UNCONFIRMED: no description of its values is public.
BILL_KINDS: dict[str, LineKind] = {
    "消费": LineKind.PAYMENT,
    "退款": LineKind.REFUND,
    "撤销": LineKind.REVOCATION,
}
BILL_STATES: dict[str, str] = {"成功": "success", "处理中": "processing", "失败": "failed", "关闭": "closed"}
BILL_WALLETS: dict[str, Wallet] = {"京东支付": Wallet.JDPAY, "微信支付": Wallet.WECHAT}

NO_SUCH_ORDER = "ORDER_NOT_EXIST"
NO_SUCH_REFUND = "REFUND_NOT_EXIST"
DONE = "0000"


def error_for_status(call: Call, status: int) -> type[WalletError]:
    """Our word for an HTTP status other than 200."""
    if status >= 500 or call is Call.REFUND:
        return WalletUnknown
    return WalletUnavailable if status in (401, 408, 429) else WalletRefused


def error_for_refusal(call: Call, *, sealed: bool) -> type[WalletError]:
    """Our word for JD's no.

    Under seal it is JD's own and final. Without a seal anybody could have said it: an order was not placed then, but a
    refund may have been taken, and a question has simply not been answered.
    """
    if sealed or call in (Call.PAY, Call.SCAN, Call.ENTER, Call.APPLY):
        return WalletRefused
    return WalletUnknown if call is Call.REFUND else WalletUnavailable
