"""A fetched bill turned into a table on disk, line by line. Nothing is believed before the last line was read."""

import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from portal.reconciliation.agreeing import NUMBER_MOST, sort_of, whole_fee
from portal.reconciliation.at_once import read_at_once
from portal.wallets.bills import BillUnreadable, BulkTrades, FundLine, LineKind, TradeLine
from portal.wallets.port import WalletPort

# What one comparison may hold in memory; whatever is more goes to disk.
MEMORY = "256MB"
LINES = {
    "line": "BIGINT",
    "merchant_no": "VARCHAR",
    "sort": "VARCHAR",
    "number": "VARCHAR",
    "order_no": "VARCHAR",
    "transaction_no": "VARCHAR",
    "moment": "BIGINT",
    "amount": "BIGINT",
    "state": "VARCHAR",
    "wallet": "VARCHAR",
    "payer_amount": "BIGINT",
    "fee": "BIGINT",
}
_TELL_EVERY = 5000

Tell = Callable[[int], None]


@dataclass(frozen=True)
class Folder:
    """Where the files of one day's bills lie. `name` tells bills of one acquirer apart."""

    path: Path

    def bill(self, name: str) -> Path:
        """The bill as the wallet wrote it."""
        return self.path / f"{name}.bill"

    def lines(self, name: str) -> Path:
        """The same as a table."""
        return self.path / f"{name}.parquet"

    def scratch(self, name: str) -> Path:
        """A file of this process alone, for as long as it works."""
        return self.path / f".{name}-{os.getpid()}.part"


def engine(scratch: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB with little memory, which spills into the file's folder and reaches nothing else."""
    connection = duckdb.connect(":memory:")
    connection.execute(f"SET memory_limit = '{MEMORY}'")
    connection.execute("SET threads = 2")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET temp_directory = $folder", {"folder": str(scratch.parent / f"{scratch.name}.spill")})
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    return connection


def to_table(source: Path, columns: dict[str, str], target: Path) -> None:
    """A CSV file of ours (no header, empty is nothing) as Parquet, in one step: there whole or not at all."""
    part = target.with_name(f"{target.name}-{os.getpid()}.part")
    shape = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    with engine(part) as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_csv($source, header = false, auto_detect = false, delim = ',', quote = '\"',"  # noqa: S608
            f" escape = '\"', columns = {{{shape}}})) TO '{_quoted(part)}' (FORMAT parquet)",
            {"source": str(source)},
        )
    os.replace(part, target)


def read(port: WalletPort, folder: Folder, name: str, *, own: str, tell: Tell) -> int:
    """Turn a bill into a table; answers the number of its lines. `tell` hears how many bytes were read.

    `own` is the merchant of a bill that tells of one only: lines that name nobody are his.

    Raises BillUnreadable, and then there is no table.
    """
    folder.lines(name).unlink(missing_ok=True)
    part = folder.scratch(name)
    try:
        bulk = port.bulk_trades(folder.bill(name))
        if bulk is not None and _read_at_once(bulk, folder, name, own):
            tell(folder.bill(name).stat().st_size)
            return bulk.count
        with folder.bill(name).open("rb") as bill, part.open("w", encoding="utf-8", newline="") as table:
            rows = csv.writer(table, lineterminator="\n")
            count = 0
            for count, line in enumerate(_trades(port.read_trades(bill)), start=1):
                rows.writerow(_row(count, line, own))
                if count % _TELL_EVERY == 0:
                    tell(bill.tell())
            tell(bill.tell())
        to_table(part, LINES, folder.lines(name))
    finally:
        part.unlink(missing_ok=True)
    return count


def _read_at_once(bulk: BulkTrades, folder: Folder, name: str, own: str) -> bool:
    part = folder.scratch(name)
    with engine(part) as base:
        if not read_at_once(base, bulk, part, own=own):
            return False
    os.replace(part, folder.lines(name))
    return True


def payouts(port: WalletPort, folder: Folder, name: str) -> tuple[int, list[FundLine]]:
    """The number of lines of a fund bill, and those of them that went to the bank. Raises BillUnreadable."""
    found: dict[str, FundLine] = {}
    count = 0
    with folder.bill(name).open("rb") as bill:
        for line in port.read_funds(bill):
            count += 1
            if line.is_payout:
                if line.flow_no in found or not 0 < len(line.flow_no) <= NUMBER_MOST:
                    raise BillUnreadable("a payout without a number of its own", line=count)
                found[line.flow_no] = line
    return count, list(found.values())


def empty(folder: Folder, name: str) -> None:
    """The table of a day on which nothing happened."""
    part = folder.scratch(name)
    part.write_text("", encoding="utf-8")
    to_table(part, LINES, folder.lines(name))
    part.unlink()


def _trades(lines: Iterator[object]) -> Iterator[TradeLine]:
    return (line for line in lines if isinstance(line, TradeLine))


def _row(count: int, line: TradeLine, own: str) -> tuple[object, ...]:
    number = line.order_no if line.kind is LineKind.PAYMENT else line.refund_no or line.order_no
    merchant_no = line.sub_merchant_no or own
    for told in (number, line.order_no, line.transaction_id, merchant_no):
        if len(told) > NUMBER_MOST or not told.isprintable():
            raise BillUnreadable("a number that is none", line=count)
    sort = sort_of(line.kind)
    amount = line.amount if line.kind is LineKind.PAYMENT else -line.amount
    at = int(line.at.timestamp() * 1_000_000)
    return (
        *(count, merchant_no, str(sort), number, line.order_no, line.transaction_id),
        *(at, amount, line.state, str(line.wallet), line.payer_amount, whole_fee(line.fee)),
    )


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
