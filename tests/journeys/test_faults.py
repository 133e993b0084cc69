"""With each fault switched on in turn the portal ends in the right state, and nobody helps it."""

from collections.abc import Iterator

import pytest

from tests.journeys import bill_nights, faults
from tests.journeys import running as product


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[faults.Row, str]]:
    """Every fault lived through, in a product of its own: its clock runs hours ahead before the last one."""
    with product.whole(tmp_path_factory.mktemp("faults") / "data") as started:
        by_day = [row for row in faults.rows() if row.about != bill_nights.ABOUT]
        of_bills = [row for row in faults.rows() if row.about == bill_nights.ABOUT]
        yield faults.live_through_all(started, by_day) | bill_nights.live_through_all(started, of_bills)


@pytest.mark.parametrize("row", faults.rows(), ids=str)
def test_it_ends_as_the_document_says(row: faults.Row, ends: dict[faults.Row, str]) -> None:
    assert ends[row] == row.expected
    assert row.seen == row.expected, "docs/faults.md shows another end than the one that was seen"


def test_the_document_lists_every_fault_both_wallets_can_have() -> None:
    listed = {(row.acquirer, row.fault) for row in faults.rows()}
    for wallet in ("wechat", "jdpay"):
        missing = {
            fault for fault in faults.NEEDED[wallet] | bill_nights.NEEDED[wallet] if (wallet, fault) not in listed
        }
        assert missing == set()
