"""The wallet is asked about one difference by the number it knows it by; a day is compared again by a worker."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from portal.payments.flows import parties_of
from portal.plumbing.work import Tools
from portal.reconciliation import flows, operations
from portal.reconciliation.asking import ask
from portal.reconciliation.models import BillBatch, BillItem
from portal.reconciliation.queries import BatchKey, ItemRow, items
from portal.values.errors import NotAllowedNow
from portal.wallets.port import Acquirer
from tests.factories.wallets import ScriptedWallet
from tests.portal.reconciliation.conftest import AT, DAY, MORNING, SHOP, WX


def item(tools: Tools, **given: object) -> ItemRow:
    """One difference, written by hand."""
    key = BatchKey("wechat", DAY, "trades", "")
    blank = {"state": "channel_only", "merchant_id": SHOP, "merchant_no": WX, "sort": "payment", "number": "Y1"}
    texts = dict.fromkeys(("wallet", "bill_wallet", "order_no", "bill_state", "our_state", "reason", "decided_by"), "")
    moments = {"at": AT, "found_at": AT, "seen_at": AT}
    with tools.database.transaction() as session:
        operations.open_batches(session, [key])
        values = {**vars(key), **blank, **texts, **moments, "transaction_no": "42", "bill_amount": 1, **given}
        session.execute(sa.insert(BillItem).values(**values))
        return items(session, DAY)[0]


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"difference": "channel_only"}, ("ask_transaction", "42")),
        ({"difference": "status"}, ("ask_payment", "Y1")),
        ({"difference": "status", "sort": "refund", "number": "R1"}, ("ask_refund", "R1")),
    ],
)
def test_it_is_asked_for_by_the_number_the_wallet_knows(
    tools: Tools,
    wallets: dict[Acquirer, ScriptedWallet],
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, object],
    asked: tuple[str, str],
) -> None:
    seen = []
    methods = ("ask_transaction", "ask_payment", "ask_refund")
    for name in methods:
        answer = lambda contract, number, name=name: seen.append((name, number))  # noqa: E731
        monkeypatch.setattr(wallets[Acquirer.WECHAT], name, answer, raising=False)
    ask(parties_of(tools), item(tools, **given))
    assert seen == [asked]


@pytest.mark.parametrize("given", [{"merchant_id": None}, {"merchant_no": "WX999"}, {"merchant_id": 590271846}])
def test_nobody_is_asked_about_a_merchant_who_has_no_such_contract(tools: Tools, given: dict[str, object]) -> None:
    with pytest.raises(NotAllowedNow, match="no_contract"):
        ask(parties_of(tools), item(tools, difference="status", **given))


def test_a_day_is_compared_again_by_its_name(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(flows, "reconcile", lambda tools, day, now: seen.append(day))
    flows.again(tools, day=str(DAY))
    assert seen == [DAY]


def test_the_nightly_job_opens_what_was_on_hold_too_long(
    tools: Tools, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    held = {"state": "on_hold", "reason": "等微信答复", "decided_at": AT, "hold_until": DAY - timedelta(days=1)}
    item(tools, difference="channel_only", **held)
    monkeypatch.setattr(flows, "clock_now", lambda: MORNING)
    monkeypatch.setattr(flows, "reconcile", lambda tools, day, now: [SimpleNamespace(answer="ready")])
    flows.nightly(tools)
    with tools.database.transaction() as session:
        assert items(session, DAY)[0].state == "channel_only"
        assert session.scalar(sa.select(BillBatch.state)) == "awaiting_bill"
    assert "1 differences were on hold" in caplog.text
