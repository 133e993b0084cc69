"""Each wallet's table covers what its documentation names, and translates into the whole of our vocabulary."""

import pytest

from portal.wallets.applications import ApplicationState
from portal.wallets.bills import BillState, LineKind
from portal.wallets.errors import WalletError, WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.jdpay import words as jd
from portal.wallets.payouts import AccountKind, TransferState, Verification
from portal.wallets.port import PaymentState, RefundState, Wallet
from portal.wallets.wechat import words as wechat
from portal.wallets.wechat.words import Call

# As named by WeChat Pay's documentation for the calls we make. Partner docs: 4012738519, 4012738604, 4012738659
# (orders), 4012739008 (query), 4012739019 (close), 4013080625 to 4013080629, 4014960215 (refunds), 4012719997,
# 4012697052 (applications), 4012760490 (upload), 4012761102, 4012761113, 4012761120 (settlement accounts), 4013080595,
# 4013080596, 4012760249, 4013080597, 4013080599 (bills). Merchant docs: 4012716434, 4012716437, 4012716458 (transfers),
# 4012081717 (statuses).
TRADE_STATES = {"SUCCESS", "REFUND", "NOTPAY", "CLOSED", "REVOKED", "USERPAYING", "PAYERROR"}
REFUND_STATES = {"SUCCESS", "CLOSED", "PROCESSING", "ABNORMAL"}
APPLICATION_STATES = {
    f"APPLYMENT_STATE_{name}"
    for name in "EDITTING AUDITING REJECTED TO_BE_CONFIRMED TO_BE_SIGNED SIGNING FINISHED CANCELED".split()
}
ERRORS = set(
    "PARAM_ERROR INVALID_REQUEST SIGN_ERROR SYSTEM_ERROR APPID_MCHID_NOT_MATCH MCH_NOT_EXISTS NO_AUTH"
    " OUT_TRADE_NO_USED FREQUENCY_LIMITED RULE_LIMIT TRADE_ERROR ORDER_NOT_EXIST NOT_ENOUGH USER_ACCOUNT_ABNORMAL"
    " RESOURCE_NOT_EXISTS REQUEST_BLOCKED PROCESSING APPLYMENT_NOTEXIST APPLYMENT_NOT_EXIST RATE_LIMITED"
    " RATELIMIT_EXCEEDED SERVICE_UNAVAILABLE NO_STATEMENT_EXIST STATEMENT_CREATING ALREADY_EXISTS NOT_FOUND"
    " FREQUENCY_LIMIT FREQUENCY_LIMIT_EXCEED FREQENCY_LIMIT TRADE_OVERDUE".split()
)
TRANSFER_STATES = set("ACCEPTED PROCESSING WAIT_USER_CONFIRM TRANSFERING SUCCESS FAIL CANCELING CANCELLED".split())
VERIFICATIONS = set("VERIFY_SUCCESS VERIFY_FAIL VERIFYING AUDIT_SUCCESS AUDITING AUDIT_FAIL".split())


def test_wechats_table_covers_its_documentation() -> None:
    assert wechat.PAYMENT_STATES.keys() == TRADE_STATES
    assert wechat.REFUND_STATES.keys() == REFUND_STATES
    assert wechat.APPLICATION_STATES.keys() == APPLICATION_STATES
    assert wechat.ERRORS.keys() == ERRORS
    assert wechat.TRANSFER_STATES.keys() == TRANSFER_STATES
    assert wechat.VERIFICATIONS.keys() == VERIFICATIONS
    assert wechat.ACCOUNT_KINDS.keys() == {"ACCOUNT_TYPE_BUSINESS", "ACCOUNT_TYPE_PRIVATE"}
    assert wechat.BILL_LINES.keys() == {"SUCCESS", "REFUND", "REVOKED"}
    assert wechat.BILL_REFUND_STATES.keys() == {"SUCCESS", "PROCESSING", "FAIL", "CHANGE"}
    assert wechat.BILL_STATES.keys() == {"NO_STATEMENT_EXIST", "STATEMENT_CREATING", "NO_AUTH"}


def test_wechats_table_reaches_every_word_of_ours_that_a_wallet_can_say() -> None:
    assert set(wechat.PAYMENT_STATES.values()) == set(PaymentState)
    assert set(wechat.REFUND_STATES.values()) == set(RefundState) - {RefundState.MISSING}
    ours_alone = {ApplicationState.NOT_SENT, ApplicationState.SENDING, ApplicationState.UNKNOWN}
    assert set(wechat.APPLICATION_STATES.values()) == set(ApplicationState) - ours_alone
    assert set(wechat.TRANSFER_STATES.values()) == set(TransferState) - {TransferState.MISSING}
    assert set(wechat.VERIFICATIONS.values()) == set(Verification)
    assert set(wechat.ACCOUNT_KINDS.values()) == set(AccountKind)
    assert set(wechat.BILL_LINES.values()) == set(LineKind)
    assert set(wechat.BILL_STATES.values()) == set(BillState) - {BillState.READY}


def test_jds_table_covers_what_its_public_implementers_read() -> None:
    assert jd.PAYMENT_STATES.keys() == {"FINISH", "PROCESSING", "CLOSE", "REFUND"}
    assert jd.REFUND_STATES.keys() == {"FINISH", "PROCESSING", "CLOSE"}
    assert jd.APPLICATION_STATES.keys() == {"2", "3", "4"}
    assert jd.WALLETS.keys() == {"JDPAY", "WX", "ALIPAY", "UNIPAY"}
    assert {name for name, wallet in jd.WALLETS.items() if wallet is Wallet.UNKNOWN} == {"ALIPAY", "UNIPAY"}


@pytest.mark.parametrize(
    ("call", "status", "code", "word"),
    [
        (Call.PAY, 400, "PARAM_ERROR", WalletRefused),
        (Call.PAY, 403, "OUT_TRADE_NO_USED", WalletRefused),
        (Call.PAY, 401, "SIGN_ERROR", WalletUnavailable),
        (Call.PAY, 429, "FREQUENCY_LIMITED", WalletUnavailable),
        (Call.PAY, 500, "SYSTEM_ERROR", WalletUnknown),
        (Call.PAY, 502, None, WalletUnknown),
        (Call.PAY, 202, None, WalletUnknown),
        (Call.PAY, 400, "BRAND_NEW", WalletRefused),
        (Call.PAY, 404, None, WalletRefused),
        (Call.ASK, 404, "ORDER_NOT_EXIST", WalletRefused),
        (Call.REFUND, 403, "NOT_ENOUGH", WalletRefused),
        (Call.REFUND, 404, "RESOURCE_NOT_EXISTS", WalletRefused),
        (Call.REFUND, 429, "FREQUENCY_LIMITED", WalletUnknown),
        (Call.REFUND, 429, None, WalletUnknown),
        (Call.REFUND, 500, "SYSTEM_ERROR", WalletUnknown),
        (Call.REFUND, 503, "NOT_ENOUGH", WalletUnknown),
        (Call.REFUND, 400, "BRAND_NEW", WalletUnknown),
        (Call.REFUND, 404, None, WalletUnknown),
        (Call.REFUND, 401, "SIGN_ERROR", WalletUnavailable),
        (Call.STUCK_REFUND, 429, "FREQUENCY_LIMITED", WalletUnknown),
        (Call.STUCK_REFUND, 400, "INVALID_REQUEST", WalletRefused),
        (Call.TRANSFER, 429, "FREQUENCY_LIMIT_EXCEED", WalletUnknown),
        (Call.TRANSFER, 429, "RATELIMIT_EXCEEDED", WalletUnknown),
        (Call.TRANSFER, 429, "FREQUENCY_LIMIT", WalletUnknown),
        (Call.TRANSFER, 403, "NOT_ENOUGH", WalletRefused),
        (Call.TRANSFER, 400, "BRAND_NEW", WalletUnknown),
        (Call.CANCEL_TRANSFER, 429, "FREQUENCY_LIMIT_EXCEED", WalletUnknown),
        (Call.ASK_TRANSFER, 429, "FREQUENCY_LIMIT_EXCEED", WalletUnavailable),
        (Call.ASK_TRANSFER, 404, "NOT_FOUND", WalletRefused),
        (Call.CHANGE_PAYOUT_ACCOUNT, 429, "FREQENCY_LIMIT", WalletUnavailable),
        (Call.CHANGE_PAYOUT_ACCOUNT, 500, "SYSTEM_ERROR", WalletUnknown),
        (Call.BILL, 400, "STATEMENT_CREATING", WalletRefused),
        (Call.BILL, 429, "FREQUENCY_LIMITED", WalletUnavailable),
        (Call.DOWNLOAD, 403, "NO_AUTH", WalletRefused),
        (Call.APPLY, 429, "RATE_LIMITED", WalletUnavailable),
        (Call.ASK_APPLICATION, 403, "RATE_LIMITED", WalletUnavailable),
    ],
)
def test_each_refusal_of_wechat_has_its_word(
    call: Call, status: int, code: str | None, word: type[WalletError]
) -> None:
    assert wechat.error_for(call, status, code) is word


@pytest.mark.parametrize(
    ("call", "sealed", "word"),
    [
        (jd.Call.PAY, True, WalletRefused),
        (jd.Call.PAY, False, WalletRefused),
        (jd.Call.REFUND, True, WalletRefused),
        (jd.Call.REFUND, False, WalletUnknown),
        (jd.Call.ASK, False, WalletUnavailable),
        (jd.Call.ASK_REFUND, False, WalletUnavailable),
        (jd.Call.ASK_APPLICATION, False, WalletUnavailable),
        (jd.Call.APPLY, False, WalletRefused),
    ],
)
def test_each_refusal_of_jd_has_its_word(call: jd.Call, sealed: bool, word: type[WalletError]) -> None:
    assert jd.error_for_refusal(call, sealed=sealed) is word


@pytest.mark.parametrize(
    ("call", "status", "word"),
    [
        (jd.Call.PAY, 500, WalletUnknown),
        (jd.Call.PAY, 404, WalletRefused),
        (jd.Call.PAY, 429, WalletUnavailable),
        (jd.Call.REFUND, 404, WalletUnknown),
        (jd.Call.REFUND, 429, WalletUnknown),
    ],
)
def test_each_status_of_jd_has_its_word(call: jd.Call, status: int, word: type[WalletError]) -> None:
    assert jd.error_for_status(call, status) is word
