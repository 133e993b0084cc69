"""Reading WeChat Pay's bills: every escape, every heading, every sum, and never the whole file.

The files under bills/ are made by hand after partner docs 4013080599 and 4013080600.
"""

import io
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from portal.wallets.bills import BillUnreadable, FundLine, LineKind, TradeLine, TradeSummary
from portal.wallets.port import Wallet
from portal.wallets.wechat.bill_kinds import ALL, FUNDS, read_funds, read_trades

BILLS = Path(__file__).parent / "bills"


def trades(name: str) -> list[TradeLine | TradeSummary]:
    with (BILLS / name).open("rb") as file:
        return list(read_trades(file))


def lines_of(name: str) -> list[TradeLine]:
    return [line for line in trades(name) if isinstance(line, TradeLine)]


def test_a_payment_is_read_to_the_fen_and_beyond() -> None:
    line = lines_of("trades_all.csv")[0]
    assert line == TradeLine(
        acquirer=line.acquirer,
        kind=LineKind.PAYMENT,
        sub_merchant_no="1600000001",
        order_no="Y000001",
        transaction_id="4200000000000000000000000001",
        at=datetime(2026, 11, 20, 0, 0, 1, tzinfo=UTC),
        amount=1234,
        payer_amount=1000,
        fee=Decimal("7.404"),
        state="success",
        wallet=Wallet.WECHAT,
        description="王记,包子\"大'份\\小`\n\r\t",
    )


def test_a_refund_is_read_with_the_escapes_of_refunds() -> None:
    line = lines_of("trades_all.csv")[3]
    assert (line.kind, line.refund_no, line.wallet_refund_no) == (
        LineKind.REFUND,
        "R000001",
        "5030000000000000000000000001",
    )
    assert (line.amount, line.payer_amount, line.fee, line.state) == (617, 500, Decimal("-3.702"), "success")
    assert line.at == datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC)
    assert line.description == "王记,包子\"大'份\\小`\n\r\t"


def test_a_payer_whom_the_bill_does_not_name_stays_unknown() -> None:
    line = lines_of("trades_all.csv")[1]
    assert (line.wallet, line.order_no) == (Wallet.UNKNOWN, "7012026112000000000000000002")
    assert (line.amount, line.payer_amount) == (2000, 1700)


def test_an_order_without_a_sub_merchant_names_who_collected() -> None:
    assert lines_of("trades_all.csv")[2].sub_merchant_no == "1900000001"


def test_each_state_of_a_refund_has_its_word() -> None:
    assert [line.state for line in lines_of("trades_all.csv")[3:]] == [
        "success",
        "processing",
        "abnormal",
        "closed",
        "success",
    ]


def test_a_coupon_nobody_funded_is_not_given_back_in_money() -> None:
    line = lines_of("trades_all.csv")[4]
    assert (line.amount, line.payer_amount) == (100, 90)


def test_a_revoked_payment_is_money_given_back() -> None:
    line = lines_of("trades_all.csv")[-1]
    assert (line.kind, line.amount, line.refund_no) == (LineKind.REVOCATION, 50, "R000005")


@pytest.mark.parametrize(
    ("name", "summary"),
    [
        ("trades_all.csv", TradeSummary(8, 3334, 787, Decimal("16.702"))),
        ("trades_success.csv", TradeSummary(1, 1234, 0, Decimal(7))),
        ("trades_refund.csv", TradeSummary(1, 0, 617, Decimal(-4))),
    ],
)
def test_each_heading_is_known_and_its_sums_come_last(name: str, summary: TradeSummary) -> None:
    assert trades(name)[-1] == summary


def test_money_in_and_out_is_read_with_a_remark_that_holds_commas_and_backticks() -> None:
    with (BILLS / "funds.csv").open("rb") as file:
        found = list(read_funds(file))
    assert found[2] == FundLine(
        at=datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC),
        business="退款",
        kind="退款",
        amount=-617,
        balance=10610,
        flow_no="F003",
        business_no="5030000000000000000000000001",
        remark="退款,包子`凉了,`真的\n不好",
        voucher_no="R000001",
    )
    assert [line.amount for line in found] == [1234, -7, -617, -10610]


def edited(name: str, old: str, new: str) -> BinaryIO:
    text = (BILLS / name).read_bytes().decode("utf-8-sig")
    assert old in text
    return io.BytesIO(text.replace(old, new, 1).encode())


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("交易时间,", "交易日期,", 1),
        ("`2026-11-20 08:00:01", "`2026-11-20T08:00:01", 2),
        ("`2026-11-20 08:00:01", "`2026-11-31 08:00:01", 2),
        ("`2026-11-20 08:00:01", "2026-11-20 08:00:01", 2),
        (",`20.00,`3.00", ",`20.001,`3.00", 11),
        (",`20.00,`3.00", ",`2e1,`3.00", 3),
        (",`20.00,`3.00", ",`NaN,`3.00", 3),
        (",`20.00,`3.00", ",`,`3.00", 3),
        ("`0.60%,`20.00", "`0.60%,`20.005", 3),
        (",`NATIVE,`SUCCESS", ",`NATIVE,`DANCING", 3),
        (",`OTHERS,`CNY,`20.00", ",`OTHERS,`USD,`20.00", 3),
        (",`收款码", ",`收款码,`x", 3),
        (",`收款码", "", 3),
        (",`BALANCE,`PROCESSING", ",`BALANCE,`MAYBE", 6),
        ("`8,`33.33", "`7,`33.33", 11),
        ("`8,`33.33", "`8,`33.34", 11),
        ("`7.77", "`7.78", 11),
        ("`1.17,`0.16702", "`1.16,`0.16702", 11),
        ("`0.16702", "`0.16703", 11),
        ("`33.34", "`33.35", 11),
        ("`7.87", "`7.86", 11),
        ("`8,`33.33", "`x,`33.33", 11),
        ("`8,`33.33", "8,`33.33", 11),
    ],
)
def test_a_bill_that_does_not_add_up_says_where(old: str, new: str, line: int) -> None:
    with pytest.raises(BillUnreadable) as found:
        list(read_trades(edited("trades_all.csv", old, new)))
    assert found.value.line == line


def test_fees_of_five_decimals_may_be_summed_up_to_two() -> None:
    assert list(read_trades(edited("trades_all.csv", "`0.16702", "`0.17")))
    with pytest.raises(BillUnreadable):
        list(read_trades(edited("trades_all.csv", "`0.16702", "`0.18")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("`收入", "`进账"),
        ("`4,`1,", "`5,`1,"),
        ("`4,`1,", "`4,`2,"),
        ("`12.34,`3,", "`12.35,`3,"),
        ("`3,`112.34", "`3,`112.35"),
        ("`112.27", "`一百"),
    ],
)
def test_funds_that_do_not_add_up_are_not_believed(old: str, new: str) -> None:
    with pytest.raises(BillUnreadable):
        list(read_funds(edited("funds.csv", old, new)))


def cut(name: str, lines: int) -> bytes:
    return b"".join((BILLS / name).read_bytes().splitlines(keepends=True)[:lines])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"\xef\xbb\xbf",
        cut("trades_all.csv", 1),
        cut("trades_all.csv", 9),
        cut("trades_all.csv", 10),
        cut("trades_all.csv", 11)[:-9],
        (BILLS / "trades_all.csv").read_bytes() + b"`1\r\n",
        (BILLS / "funds.csv").read_bytes(),
        cut("trades_all.csv", 1) + b"`\xff\xfe\r\n",
        cut("trades_all.csv", 1) + b"`" * 70_000,
        b"<html>",
    ],
)
def test_a_file_that_is_no_whole_bill_is_not_believed(content: bytes) -> None:
    with pytest.raises(BillUnreadable):
        list(read_trades(io.BytesIO(content)))


class Endless(io.RawIOBase):
    """A bill that exists nowhere: its lines are made as they are read."""

    def __init__(self, head: str, line: Callable[[int], str], foot: str, *, lines: int) -> None:
        self._made = self._make(head, line, foot, lines)
        self._buffer = b""
        self.size = 0

    @staticmethod
    def _make(head: str, line: Callable[[int], str], foot: str, lines: int) -> Iterator[bytes]:
        yield f"\ufeff{head}\r\n".encode()
        for number in range(lines):
            yield f"{line(number)}\r\n".encode()
        yield foot.encode()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._buffer:
            piece = next(self._made, b"")
            if not piece:
                return 0
            self._buffer = piece
        part, self._buffer = self._buffer[: len(buffer)], self._buffer[len(buffer) :]
        buffer[: len(part)] = part
        self.size += len(part)
        return len(part)


def trade(number: int) -> str:
    values = (
        "2026-11-20 08:00:01,wx0000000000000001,1900000001,1600000001,,42000000000000000000000000,Y000001,oUpF8,JSAPI,"
        f"SUCCESS,OTHERS,CNY,12.34,0.00,0,0,0.00,0.00,,,{'包子' * 20},,0.07404,0.60%,12.34,0.00,"
    ).split(",")
    return ",".join(f"`{value}" for value in values)


def sums(*values: object) -> str:
    return ",".join(f"`{value}" for value in values) + "\r\n"


@pytest.mark.parametrize("lines", [10_000])
def test_a_long_bill_takes_no_more_memory_than_a_short_one(lines: int) -> None:
    total = f"{Decimal('12.34') * lines}"
    foot = ",".join(ALL.totals) + "\r\n" + sums(lines, total, "0.00", "0.00", Decimal("0.07404") * lines, total, "0.00")
    source = Endless(",".join(ALL.columns), trade, foot, lines=lines)
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_trades(io.BufferedReader(source, 64 * 1024)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == lines + 1
    assert source.size > 300 * lines
    assert peak < 1024 * 1024


def test_the_headings_are_as_long_as_the_documents_say() -> None:
    assert (len(ALL.columns), len(ALL.totals), len(FUNDS.columns), len(FUNDS.totals)) == (27, 7, 11, 5)
