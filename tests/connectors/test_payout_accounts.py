"""One contract for every wallet that lets us see and change where it pays a sub-merchant out to."""

import time

import pytest

from portal.wallets.errors import WalletRefused
from portal.wallets.payouts import AccountKind, PayoutAccount, PayoutChangeAnswer, Verification
from portal.wallets.port import Ability, Contract
from tests.connectors.conftest import Side
from tests.connectors.offers import offering


@pytest.fixture(params=offering(Ability.PAYOUT_ACCOUNT))
def keeper(request: pytest.FixtureRequest) -> Side:
    """Each wire that tells of accounts; test_transfers.py holds the others to their refusal."""
    found: Side = request.getfixturevalue(request.param)
    return found


def audited(side: Side, application_no: str) -> PayoutChangeAnswer:
    deadline = time.monotonic() + 20
    while True:
        found = side.port.ask_payout_change(side.contract, application_no)
        if found.verification is not Verification.VERIFYING:
            return found
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_account_is_shown_masked_and_changed_after_an_audit(keeper: Side) -> None:
    before = keeper.port.payout_account(keeper.contract)
    assert "*" in before.masked_number
    assert before.verification is Verification.VERIFIED
    account = PayoutAccount(before.kind, "招商银行", "", "6225880137706868")
    application_no = keeper.port.change_payout_account(keeper.contract, account)
    found = audited(keeper, application_no)
    assert (found.application_no, found.verification, found.reason) == (application_no, Verification.VERIFIED, None)
    assert found.finished_at is not None
    after = keeper.port.payout_account(keeper.contract)
    assert (after.bank_name, after.masked_number) == ("招商银行", "622588******6868")


def test_a_number_that_does_not_exist_is_found_out(keeper: Side) -> None:
    before = keeper.port.payout_account(keeper.contract)
    account = PayoutAccount(before.kind, "工商银行", "", "6222021234560000")
    found = audited(keeper, keeper.port.change_payout_account(keeper.contract, account))
    assert found.verification is Verification.FAILED
    assert found.reason
    assert keeper.port.payout_account(keeper.contract).masked_number == before.masked_number


@pytest.mark.parametrize(
    "account",
    [
        PayoutAccount(AccountKind.PERSONAL, "工商银行", "别人的名字", "6222021234567890"),
        PayoutAccount(AccountKind.PERSONAL, "工商银行", "", "12"),
        PayoutAccount(AccountKind.PERSONAL, "", "", "6222021234567890"),
    ],
)
def test_an_account_that_cannot_be_his_is_refused(keeper: Side, account: PayoutAccount) -> None:
    with pytest.raises(WalletRefused):
        keeper.port.change_payout_account(keeper.contract, account)


def test_a_strangers_account_is_not_told(keeper: Side) -> None:
    stranger = Contract(keeper.acquirer, "1699999999", keeper.contract.keys)
    for attempt in (
        lambda: keeper.port.payout_account(stranger),
        lambda: keeper.port.ask_payout_change(stranger, "1"),
        lambda: keeper.port.ask_payout_change(keeper.contract, "no such number"),
    ):
        with pytest.raises(WalletRefused):
            attempt()
