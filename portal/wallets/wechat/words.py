"""WeChat Pay's words and ours. Every foreign state and error code is translated here and nowhere else.

Sources: partner docs 4012739008 (trade states), 4013080625 to 4013080627 (refunds), 4012697052 (application states),
4012761113 and 4012761120 (settlement accounts), 4013080599 (bills), 4012738519, 4012739019, 4012719997, 4013080595,
4012760249, 4012761102 (errors); merchant docs 4012716434 and 4012716458 (transfers), 4012081717 (statuses).
"""

from enum import StrEnum

from portal.wallets.applications import ApplicationState
from portal.wallets.bills import BillState, LineKind
from portal.wallets.errors import WalletError, WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.payouts import AccountKind, TransferState, Verification
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
    STUCK_REFUND = "stuck refund"
    TRANSFER = "transfer"
    ASK_TRANSFER = "ask transfer"
    CANCEL_TRANSFER = "cancel transfer"
    PAYOUT_ACCOUNT = "payout account"
    CHANGE_PAYOUT_ACCOUNT = "change payout account"
    ASK_PAYOUT_CHANGE = "ask payout change"
    BILL = "bill"
    DOWNLOAD = "download"


# Where a refusal that we do not know is no proof that nothing happened.
MOVES_MONEY = frozenset({Call.REFUND, Call.STUCK_REFUND, Call.TRANSFER, Call.CANCEL_TRANSFER})
# A change of the account has no number of ours: sent twice it is two changes, and five a day are all there are.
ONCE_ONLY = frozenset({Call.CHANGE_PAYOUT_ACCOUNT})
# "Accepted, not processed" and "system error" ask for the same request again with the same parameters.
_REPEATABLE_STATUSES = frozenset({202, 500, 502, 503})


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

# ACCEPTED and PROCESSING: not yet funded; the second may stay for want of balance until it is sent again.
TRANSFER_STATES: dict[str, TransferState] = {
    "ACCEPTED": TransferState.PROCESSING,
    "PROCESSING": TransferState.PROCESSING,
    "WAIT_USER_CONFIRM": TransferState.WAITING_FOR_OWNER,
    "TRANSFERING": TransferState.SENDING,
    "SUCCESS": TransferState.SUCCESS,
    "FAIL": TransferState.FAILED,
    "CANCELING": TransferState.CANCELING,
    "CANCELLED": TransferState.CANCELED,
}

ACCOUNT_KINDS: dict[str, AccountKind] = {
    "ACCOUNT_TYPE_BUSINESS": AccountKind.BUSINESS,
    "ACCOUNT_TYPE_PRIVATE": AccountKind.PERSONAL,
}

# The account in use is verified (VERIFY…), a change of it is audited (AUDIT…).
VERIFICATIONS: dict[str, Verification] = {
    "VERIFY_SUCCESS": Verification.VERIFIED,
    "VERIFY_FAIL": Verification.FAILED,
    "VERIFYING": Verification.VERIFYING,
    "AUDIT_SUCCESS": Verification.VERIFIED,
    "AUDIT_FAIL": Verification.FAILED,
    "AUDITING": Verification.VERIFYING,
}

# A line of the trade bill says what it is by its trade state; REVOKED exists for payment codes only.
BILL_LINES: dict[str, LineKind] = {
    "SUCCESS": LineKind.PAYMENT,
    "REFUND": LineKind.REFUND,
    "REVOKED": LineKind.REVOCATION,
}

# The state of a refund when the bill was made. FAIL and CHANGE are told apart nowhere else: both are "not arrived".
BILL_REFUND_STATES: dict[str, RefundState] = {
    "SUCCESS": RefundState.SUCCESS,
    "PROCESSING": RefundState.PROCESSING,
    "FAIL": RefundState.CLOSED,
    "CHANGE": RefundState.ABNORMAL,
}

# The kind of a line of a fund bill when money leaves for the bank (4013080600).
FUND_PAYOUT = "提现"

BILL_STATES: dict[str, BillState] = {
    "NO_STATEMENT_EXIST": BillState.EMPTY,
    "STATEMENT_CREATING": BillState.NOT_READY,
    "NO_AUTH": BillState.NOT_PERMITTED,
}

PAYMENT_EVENT = "TRANSACTION.SUCCESS"
TRANSFER_EVENT = "MCHTRANSFER.BILL.FINISHED"
REFUND_EVENTS = ("REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED")

# The order or refund or application is not known at WeChat Pay: an answer, not a failure.
NO_SUCH_ORDER = "ORDER_NOT_EXIST"
NO_SUCH_REFUND = "RESOURCE_NOT_EXISTS"
NO_SUCH_APPLICATION = ("APPLYMENT_NOT_EXIST", "APPLYMENT_NOTEXIST")
NO_SUCH_TRANSFER = "NOT_FOUND"
TRANSFER_IS_OVER = "ALREADY_EXISTS"
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
    NO_SUCH_TRANSFER: WalletRefused,
    TRANSFER_IS_OVER: WalletRefused,
    "NO_STATEMENT_EXIST": WalletRefused,
    "STATEMENT_CREATING": WalletRefused,
    # UNCONFIRMED: only a list of questions and answers names it, in the manner of the older V2 interface (4013080629).
    "TRADE_OVERDUE": WalletRefused,
    # A wrong key or clock is the provider's mistake, not an answer about this order: repair it and ask again.
    "SIGN_ERROR": WalletUnavailable,
    "FREQUENCY_LIMITED": WalletUnavailable,
    "RATELIMIT_EXCEEDED": WalletUnavailable,
    "RATE_LIMITED": WalletUnavailable,
    "FREQUENCY_LIMIT": WalletUnavailable,
    "FREQUENCY_LIMIT_EXCEED": WalletUnavailable,
    "FREQENCY_LIMIT": WalletUnavailable,  # (sic)
    "SYSTEM_ERROR": WalletUnknown,
    "SERVICE_UNAVAILABLE": WalletUnknown,
}

# Where a code means something else than usual: too many requests for money are no proof that none was taken.
_TOO_MANY = ("FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED", "FREQUENCY_LIMIT", "FREQUENCY_LIMIT_EXCEED")
ERRORS_BY_CALL: dict[tuple[Call, str], type[WalletError]] = {
    (call, code): WalletUnknown for call in MOVES_MONEY for code in _TOO_MANY
}


def is_worth_repeating(status: int) -> bool:
    """Whether WeChat Pay asks for the same request again with the same parameters."""
    return status in _REPEATABLE_STATUSES


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
        return WalletUnknown if call in MOVES_MONEY else WalletUnavailable
    # A refusal we do not know: where money moves, no proof that nothing happened.
    return WalletUnknown if call in MOVES_MONEY else WalletRefused
