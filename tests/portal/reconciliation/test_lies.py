"""Every way in which a bill can disagree is found in the wallets' own text, each under its own name."""

from collections.abc import Callable
from dataclasses import replace

from portal.reconciliation.queries import BatchRow, ItemRow
from portal.wallets.port import Acquirer
from tests.factories.bills import Line, jd_bill, wechat_bill
from tests.portal.reconciliation.conftest import AT, JD

Reconcile = Callable[..., dict[str, BatchRow]]


def found(rows: list[ItemRow]) -> dict[str, str]:
    return {row.number: row.difference for row in rows}


def test_every_class_is_found_in_jds_bill(
    paid: Callable[..., Line], reconcile: Reconcile, differences: Callable[..., list[ItemRow]]
) -> None:
    good, lost, changed, twice, dear = (paid(100 * n, acquirer=Acquirer.JDPAY) for n in range(5, 10))
    stranger = Line("Y404", 700, AT, JD)
    bill = jd_bill(good, replace(changed, amount=1), twice, twice, replace(dear, fee="99"), stranger)
    assert reconcile(None, bill)["jdpay"].state == "unbalanced"
    assert found(differences()) == {
        lost.order_no: "local_only",
        changed.order_no: "amount",
        twice.order_no: "duplicate",
        dear.order_no: "fee",
        "Y404": "channel_only",
    }


def test_a_real_bill_begins_with_a_mark_and_ends_lines_as_windows_does(
    paid: Callable[..., Line], reconcile: Reconcile, differences: Callable[..., list[ItemRow]]
) -> None:
    good, changed = paid(1000), paid(2000)
    text = wechat_bill(good, replace(changed, amount=2001))
    assert b"\r\n" in text
    assert reconcile(b"\xef\xbb\xbf" + text)["wechat"].lines == 2
    assert found(differences()) == {changed.order_no: "amount"}


def test_a_bill_that_breaks_off_is_not_believed(paid: Callable[..., Line], reconcile: Reconcile) -> None:
    text = wechat_bill(paid(1000), paid(2000))
    row = reconcile(text[: text.rindex("总交易单数".encode())])["wechat"]
    assert (row.state, row.answer) == ("awaiting_bill", "unreadable")


def test_a_wrong_number_of_lines_is_not_believed(paid: Callable[..., Line], reconcile: Reconcile) -> None:
    row = reconcile(wechat_bill(paid(1000), count=2))["wechat"]
    assert (row.state, row.answer) == ("awaiting_bill", "unreadable")
