"""WeChat Pay's words and ours. Every foreign state and error code is translated here and nowhere else.

Sources: partner docs 4012739008 (trade states), 4013080625 and 4013080626 (refunds), 4012697052 (application states),
4012738519, 4012739019, 4012719997 (errors), 4012081717 (statuses).
"""

from enum import StrEnum

from portal.wallets.applications import ApplicationState
from portal.wallets.errors import WalletError, WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.port import PaymentState, RefundState


class Call(StrEnum):
    """What we asked for. The same code means different things in different calls."""

    PAY = "pay"
    ASK = "ask"
    CLOSE = "close"
    REFUND = "refund"
    ASK_REFUND = "ask refund"
    UPLOAD = "upload"
    APPLY = "apply"
    ASK_APPLICATION = "ask application"


# REFUND says that some refund was accepted; the payment itself did succeed. REVOKED, USERPAYING and PAYERROR exist
# for payment codes only.
PAYMENT_STATES: dict[str, PaymentState] = {
    "NOTPAY": PaymentState.UNPAID,
    "USERPAYING": PaymentState.PAYING,
    "SUCCESS": PaymentState.SUCCESS,
    "REFUND": PaymentState.SUCCESS,
    "CLOSED": PaymentState.CLOSED,
    "REVOKED": PaymentState.CLOSED,
    "PAYERROR": PaymentState.FAILED,
}

REFUND_STATES: dict[str, RefundState] = {
    "PROCESSING": RefundState.PROCESSING,
    "SUCCESS": RefundState.SUCCESS,
    "ABNORMAL": RefundState.ABNORMAL,
    "CLOSED": RefundState.CLOSED,
}

# EDITTING (sic) is a submission that failed and waits to be sent again.
APPLICATION_STATES: dict[str, ApplicationState] = {
    "APPLYMENT_STATE_EDITTING": ApplicationState.REJECTED,
    "APPLYMENT_STATE_AUDITING": ApplicationState.AUDITING,
    "APPLYMENT_STATE_REJECTED": ApplicationState.REJECTED,
    "APPLYMENT_STATE_TO_BE_CONFIRMED": ApplicationState.TO_BE_CONFIRMED,
    "APPLYMENT_STATE_TO_BE_SIGNED": ApplicationState.TO_BE_SIGNED,
    "APPLYMENT_STATE_SIGNING": ApplicationState.OPENING,
    "APPLYMENT_STATE_FINISHED": ApplicationState.FINISHED,
    "APPLYMENT_STATE_CANCELED": ApplicationState.CANCELED,
}

PAYMENT_EVENT = "TRANSACTION.SUCCESS"
REFUND_EVENTS = ("REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED")

# The order or refund or application is not known at WeChat Pay: an answer, not a failure.
NO_SUCH_ORDER = "ORDER_NOT_EXIST"
NO_SUCH_REFUND = "RESOURCE_NOT_EXISTS"
NO_SUCH_APPLICATION = ("APPLYMENT_NOT_EXIST", "APPLYMENT_NOTEXIST")
APPLICATION_UNDER_WAY = "PROCESSING"

ERRORS: dict[str, type[WalletError]] = {
    "PARAM_ERROR": WalletRefused,
    "INVALID_REQUEST": WalletRefused,
    "APPID_MCHID_NOT_MATCH": WalletRefused,
    "MCH_NOT_EXISTS": WalletRefused,
    "NO_AUTH": WalletRefused,
    "OUT_TRADE_NO_USED": WalletRefused,
    "RULE_LIMIT": WalletRefused,
    "TRADE_ERROR": WalletRefused,
    "NOT_ENOUGH": WalletRefused,
    "USER_ACCOUNT_ABNORMAL": WalletRefused,
    "REQUEST_BLOCKED": WalletRefused,
    NO_SUCH_ORDER: WalletRefused,
    NO_SUCH_REFUND: WalletRefused,
    "APPLYMENT_NOTEXIST": WalletRefused,
    "APPLYMENT_NOT_EXIST": WalletRefused,
    APPLICATION_UNDER_WAY: WalletRefused,
    # A wrong key or clock is the provider's mistake, not an answer about this order: repair it and ask again.
    "SIGN_ERROR": WalletUnavailable,
    "FREQUENCY_LIMITED": WalletUnavailable,
    "RATELIMIT_EXCEEDED": WalletUnavailable,
    "RATE_LIMITED": WalletUnavailable,
    "SYSTEM_ERROR": WalletUnknown,
    "SERVICE_UNAVAILABLE": WalletUnknown,
}

# Where a code means something else than usual. A refund that was counted as "too many" may still have been taken.
ERRORS_BY_CALL: dict[tuple[Call, str], type[WalletError]] = {
    (Call.REFUND, "FREQUENCY_LIMITED"): WalletUnknown,
    (Call.REFUND, "RATELIMIT_EXCEEDED"): WalletUnknown,
}


def error_for(call: Call, status: int, code: str | None) -> type[WalletError]:
    """Our word for an answer that is not 2xx, or for 202 (taken, not processed). `code` is WeChat Pay's own."""
    if status == 202 or status >= 500:
        return WalletUnknown
    if code is not None:
        found = ERRORS_BY_CALL.get((call, code)) or ERRORS.get(code)
        if found is not None:
            return found
    if status == 401:
        return WalletUnavailable
    if status == 429:
        return WalletUnknown if call is Call.REFUND else WalletUnavailable
    # A refusal we do not know: for a refund that is no proof that nothing happened.
    return WalletUnknown if call is Call.REFUND else WalletRefused
