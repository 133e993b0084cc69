"""Two readers of one bill: what the quick one believes, the slow one reads in the very same way."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.reconciliation import reading
from portal.reconciliation.at_once import read_at_once
from portal.reconciliation.reading import LINES, Folder
from portal.wallets.bills import BillUnreadable, BulkTrades
from portal.wallets.port import Acquirer
from portal.wallets.wechat.bill_bulk import bulk_of
from tests.factories.bills import Line, wechat_bill
from tests.factories.wallets import ScriptedWallet

AT = datetime(2026, 11, 21, 15, 59, 59, tzinfo=UTC)
PAID = Line("Y1", 1234, AT, "WX1")
BACK = replace(PAID, refund_no="R1", amount=300)
ORDINARY = [
    (PAID,),
    (PAID, BACK, replace(PAID, order_no="Y2", openid=""), replace(PAID, order_no="Y3", openid="0", amount=5)),
    (BACK, replace(BACK, refund_no="R2", state="PROCESSING"), replace(BACK, refund_no="R3", state="CHANGE")),
    (replace(BACK, state="FAIL"), replace(PAID, merchant_no="0"), replace(PAID, merchant_no="")),
]
PIECES = [b"", b"0", b"9", b"`", b",", b".", b"-", b"\r\n", b" ", b"A", b",`", b"\x00", b"\xff", b'"']
Table = list[tuple[object, ...]]


class LineByLine(ScriptedWallet):
    """The wallet that has no quick way."""

    def bulk_trades(self, bill: Path) -> BulkTrades | None:
        return None


def slow(folder: Folder) -> Table | None:
    try:
        reading.read(LineByLine(Acquirer.WECHAT), folder, "b", own="own", tell=lambda done: None)
    except BillUnreadable:
        return None
    return table(folder.lines("b"))


def quick(folder: Folder) -> Table | None:
    """None where it would not have it."""
    bulk = bulk_of(folder.bill("b"))
    if bulk is None:
        return None
    part = folder.scratch("quick")
    with reading.engine(part) as base:
        return table(part) if read_at_once(base, bulk, part, own="own") else None


def table(path: Path) -> Table:
    with duckdb.connect(":memory:") as base:
        return base.read_parquet(str(path)).select(*LINES).order("line").fetchall()


@pytest.fixture
def written(tmp_path: Path) -> Callable[[bytes], Folder]:
    def write(bill: bytes) -> Folder:
        folder = Folder(tmp_path)
        folder.bill("b").write_bytes(bill)
        return folder

    return write


@pytest.mark.parametrize("lines", ORDINARY)
def test_an_ordinary_bill_is_read_at_once_and_alike(
    lines: tuple[Line, ...], written: Callable[[bytes], Folder]
) -> None:
    folder = written(wechat_bill(*lines))
    found = quick(folder)
    assert found is not None
    assert found == slow(folder)
    assert len(found) == len(lines)


def test_fees_finer_than_their_sum_are_read_at_once_and_alike(written: Callable[[bytes], Folder]) -> None:
    bill = wechat_bill(PAID, replace(PAID, order_no="Y2"))
    bill = bill.replace(b"`0.05000,`0.38%", b"`0.04689,`0.38%").replace(b"`0.10000,", b"`0.09,")
    assert bill.count(b"0.04689") == 2
    folder = written(bill)
    found = quick(folder)
    assert found is not None
    assert found == slow(folder)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"12.34,`0.00,`", b"12.3,`0.00,`"),
        (b"12.34", b"1e1"),
        (b"`CNY", b"`USD"),
        (b"`SUCCESS,", b"`REVOKED,"),
        (b"2026-11-21 23:59:59", b"2026-11-21 23:59:5"),
        (b"2026-11-21 23:59:59", b"2026-11-31 23:59:59"),
        (b"`Y1,", "`Y\u200b,".encode()),
        (b"`Y1,", b"`" + b"Y" * 65 + b","),
        ("橙子".encode(), b"\xff\xfe"),
        ("橙子".encode(), "橙,`子".encode()),
        (b"\r\n`", b"\r\n\r\n`"),
        (b"\r\n", b"\n"),
        (b"`1,`12.34", b"`2,`12.34"),
        (b"`1,`12.34", b"`1,`12.35"),
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_the_reader_of_lines(
    was: bytes, becomes: bytes, written: Callable[[bytes], Folder]
) -> None:
    bill = wechat_bill(PAID)
    assert was in bill
    assert quick(written(bill.replace(was, becomes))) is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.sampled_from(ORDINARY),
    place=st.floats(0, 1, exclude_max=True),
    becomes=st.sampled_from(
        [b"", b"0", b"9", b"`", b",", b".", b"-", b"\r\n", b" ", b"A", b",`", b"\x00", b"\xff", b'"']
    ),
    length=st.integers(0, 3),
)
def test_whatever_is_done_to_a_bill_both_readers_agree_or_the_quick_one_gives_way(
    lines: tuple[Line, ...], place: float, becomes: bytes, length: int, written: Callable[[bytes], Folder]
) -> None:
    bill = wechat_bill(*lines)
    at = int(place * len(bill))
    folder = written(bill[:at] + becomes + bill[at + length :])
    found = quick(folder)
    if found is not None:
        assert found == slow(folder)
