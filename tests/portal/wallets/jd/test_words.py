"""JD's tables cover what its public implementers name, and every word of ours that JD can say."""

import pytest

from portal.wallets.applications import ApplicationState
from portal.wallets.bills import LineKind
from portal.wallets.errors import WalletError, WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.jdpay import words
from portal.wallets.jdpay.settings import Gateway
from portal.wallets.jdpay.v2 import words as v2
from portal.wallets.port import PaymentState, RefundState, Wallet

# The paths behind the hosts, as 0-return/WYS-PAY-PLAT, BaronBai/allpayments and Javen205/IJPay call them.
AGGREGATE_CALLS = {
    *("/m/unifiedOrder", "/m/querytrade", "/m/refund", "/m/queryrefund", "/getScanUrl"),
    *("/merchant/enterSingle", "/merchant/applySingle"),
    *("/merchant/status/queryApplySingle", "/merchant/status/queryMerchantKeys"),
}
V2_CALLS = {f"/service/{name}" for name in ("uniorder", "query", "refund", "queryRefund", "revoke")}


def test_every_call_of_the_public_implementers_that_the_portal_makes_is_named() -> None:
    assert {call.value for call in words.Call} == AGGREGATE_CALLS
    assert {call.value for call in v2.Call} == V2_CALLS
    assert {gateway.value for gateway in Gateway} == {"paygate", "h5pay", "wepay", "bapi"}
    assert {kind.value for kind in v2.TradeType} == {"GEN", "QR"}


def test_every_state_has_its_word() -> None:
    assert words.PAYMENT_STATES.keys() == {"FINISH", "PROCESSING", "CLOSE", "REFUND"}
    assert words.REFUND_STATES.keys() == {"FINISH", "PROCESSING", "CLOSE"}
    assert words.WALLETS.keys() == {"WX", "ALIPAY", "JDPAY", "UNIPAY"}
    assert words.APPLICATION_STATES == {
        "2": ApplicationState.REJECTED,
        "3": ApplicationState.TO_BE_CONFIRMED,
        "4": ApplicationState.FINISHED,
    }
    assert v2.PAYMENT_STATES.keys() == v2.REFUND_STATES.keys() == set("01234")


def test_the_tables_reach_every_word_of_ours_that_jd_can_say() -> None:
    assert set(v2.PAYMENT_STATES.values()) == set(PaymentState) - {PaymentState.UNPAID}
    assert set(words.PAYMENT_STATES.values()) == set(PaymentState) - {PaymentState.UNPAID, PaymentState.FAILED}
    # JD has no refund that hangs: it arrives, or it gave nothing back.
    ends = set(RefundState) - {RefundState.MISSING, RefundState.ABNORMAL}
    assert set(v2.REFUND_STATES.values()) == set(words.REFUND_STATES.values()) == ends
    assert set(words.BILL_KINDS.values()) == set(LineKind)
    assert set(words.BILL_WALLETS.values()) == {Wallet.JDPAY, Wallet.WECHAT}


def test_zero_is_paid_for_a_browser_and_only_created_for_a_notice() -> None:
    assert v2.RETURN_STATES == {"0": PaymentState.SUCCESS}
    assert v2.PAYMENT_STATES["0"] is PaymentState.PAYING
    assert v2.PAYMENT_STATES["2"] is PaymentState.SUCCESS


@pytest.mark.parametrize("call", list(v2.Call))
def test_a_no_under_seal_is_final_and_one_without_is_believed_where_nothing_can_be_lost(call: v2.Call) -> None:
    assert v2.error_for_refusal(call, sealed=True) is WalletRefused
    unsealed = {v2.Call.PAY: WalletRefused, v2.Call.REFUND: WalletUnknown, v2.Call.REVOKE: WalletUnknown}
    assert v2.error_for_refusal(call, sealed=False) is unsealed.get(call, WalletUnavailable)


@pytest.mark.parametrize(
    ("call", "status", "word"),
    [
        (v2.Call.PAY, 500, WalletUnknown),
        (v2.Call.PAY, 404, WalletRefused),
        (v2.Call.PAY, 429, WalletUnavailable),
        (v2.Call.ASK, 401, WalletUnavailable),
        (v2.Call.REFUND, 404, WalletUnknown),
        (v2.Call.REVOKE, 429, WalletUnknown),
    ],
)
def test_each_status_has_its_word(call: v2.Call, status: int, word: type[WalletError]) -> None:
    assert v2.error_for_status(call, status) is word
