"""A bill against our own books, out of core: DuckDB joins two tables on disk and hands over only what differs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from portal.reconciliation.agreeing import (
    AGREES,
    DUE_HERE,
    FEE_BOOKED,
    MOVES_HERE,
    MOVES_THERE,
    Here,
    LineSort,
    There,
    difference,
)
from portal.reconciliation.reading import engine
from portal.reconciliation.rules import Difference
from portal.wallets.port import Acquirer

OURS = {
    "sort": "VARCHAR",
    "number": "VARCHAR",
    "merchant_no": "VARCHAR",
    "merchant_id": "BIGINT",
    "order_no": "VARCHAR",
    "transaction_no": "VARCHAR",
    "wallet": "VARCHAR",
    "state": "VARCHAR",
    "amount": "BIGINT",
    "moment": "BIGINT",
    "day": "DATE",
    "fee": "BIGINT",
    # What transfers because of a bill have added to the two; nothing where there are none.
    "more": "BIGINT",
    "more_fee": "BIGINT",
}
_AT_ONCE = 500


@dataclass(frozen=True)
class Found:
    """One difference. Amounts are signed fen; fees are positive where the merchant bears them."""

    sort: str
    number: str
    merchant_no: str
    difference: Difference
    merchant_id: int | None
    wallet: str
    bill_wallet: str
    order_no: str
    transaction_no: str
    line: int | None
    at: datetime
    bill_amount: int | None
    our_amount: int | None
    payer_amount: int | None
    bill_fee: int | None
    our_fee: int | None
    bill_state: str
    our_state: str


@dataclass(frozen=True)
class Total:
    """The sums of one merchant (0: none of ours) and payer's app in a bill, in fen; the amounts net of refunds."""

    merchant_id: int
    wallet: str
    bill_lines: int
    bill_amount: int
    bill_refunds: int
    bill_fee: int
    our_amount: int
    our_fee: int
    matched: int


@dataclass(frozen=True)
class Sides:
    """The tables to compare. `neighbours` are those of the day before and the day after, where there are any.

    `only` narrows our side to one merchant's number, for a bill that tells of one.
    """

    lines: Path
    ours: Path
    before: Path | None
    after: Path | None
    only: str
    acquirer: Acquirer
    day: date


# Few numbers stand in a bill more than once: they are gathered first, so that the join below need not group millions of
# lines with everything that is in them, which would not fit into the memory.
_REPEATED = """
CREATE TABLE repeated AS
SELECT merchant_no, sort, number, min(line) AS first, count(*) AS copies,
    sum(CASE WHEN moves.state IS NULL THEN 0 ELSE amount END)::BIGINT AS all_copies,
    sum(CASE WHEN moves.state IS NULL THEN 0 ELSE fee END)::BIGINT AS all_fees
FROM read_parquet($lines) lines LEFT JOIN moves_there moves USING (sort, state)
GROUP BY merchant_no, sort, number HAVING count(*) > 1
"""
_PAIRS = """
CREATE TABLE pairs AS
WITH moved AS (
    SELECT merchant_no, sort, number, line, order_no, transaction_no, moment, state, wallet, payer_amount,
        CASE WHEN moves.state IS NULL THEN 0 ELSE amount END AS amount,
        CASE WHEN moves.state IS NULL THEN 0 ELSE fee END AS fee
    FROM read_parquet($lines) lines LEFT JOIN moves_there moves USING (sort, state)
), there AS (
    SELECT moved.*, coalesce(repeated.copies, 1) AS copies,
        coalesce(repeated.all_copies, amount) AS all_copies, coalesce(repeated.all_fees, fee) AS all_fees
    FROM moved LEFT JOIN repeated USING (merchant_no, sort, number)
    WHERE repeated.first IS NULL OR repeated.first = line
), here AS (
    SELECT ours.* REPLACE (
            CASE WHEN moves.state IS NULL THEN 0 ELSE coalesce(ours.amount, 0) END + coalesce(more, 0) AS amount,
            coalesce(fee, 0) + coalesce(more_fee, 0) AS fee
        ),
        day = $day AND due.state IS NOT NULL AS due, more IS NOT NULL OR more_fee IS NOT NULL AS corrected
    FROM read_parquet($ours) ours
    LEFT JOIN moves_here moves USING (sort, state) LEFT JOIN due USING (sort, state)
    WHERE $only IN ('', merchant_no)
)
SELECT coalesce(there.sort, here.sort) AS sort, coalesce(there.number, here.number) AS number,
    coalesce(there.merchant_no, here.merchant_no) AS merchant_no,
    coalesce(here.merchant_id, merchants.merchant_id) AS merchant_id,
    coalesce(here.wallet, there.wallet) AS wallet, coalesce(there.wallet, '') AS bill_wallet,
    coalesce(there.order_no, here.order_no) AS order_no,
    coalesce(there.transaction_no, here.transaction_no, '') AS transaction_no,
    there.line, coalesce(there.copies, 0) AS copies, coalesce(there.moment, here.moment) AS moment,
    there.state AS bill_state, here.state AS our_state, there.amount AS bill_amount, here.amount AS our_amount,
    there.payer_amount, there.fee AS bill_fee, here.fee AS our_fee, coalesce(here.corrected, false) AS corrected,
    coalesce(there.all_copies, 0) AS all_copies, coalesce(there.all_fees, 0) AS all_fees,
    here.number IS NOT NULL AS is_here, there.number IS NOT NULL AS is_there,
    there.number IS NOT NULL AND (there.sort, there.number, there.merchant_no) IN (SELECT * FROM told_before) AS again
FROM there FULL JOIN here
    ON there.sort = here.sort AND there.number = here.number AND there.merchant_no = here.merchant_no
LEFT JOIN merchants ON merchants.merchant_no = coalesce(there.merchant_no, here.merchant_no)
WHERE there.number IS NOT NULL OR (
    here.due AND (here.sort, here.number, here.merchant_no) NOT IN (SELECT * FROM told_before)
    AND (here.sort, here.number, here.merchant_no) NOT IN (SELECT * FROM told_after)
)
"""
_COLUMNS = (
    *("sort", "number", "merchant_no", "merchant_id", "wallet", "bill_wallet", "order_no", "transaction_no", "line"),
    *("copies", "moment", "bill_state", "our_state", "bill_amount", "our_amount", "payer_amount", "bill_fee"),
    *("our_fee", "corrected", "all_copies", "is_here", "is_there", "again"),
)
# Only what may differ: the rules decide, line by line. A number in two days' bills is there once too often.
_SUSPECTS = f"""
CREATE TABLE suspects AS
SELECT {", ".join(_COLUMNS)}
FROM pairs LEFT JOIN agreeing USING (sort, bill_state, our_state) LEFT JOIN fee_booked USING (sort, our_state)
WHERE NOT is_here OR NOT is_there OR copies > 1 OR again OR agreeing.sort IS NULL OR bill_amount <> our_amount
    OR corrected OR (fee_booked.sort IS NOT NULL AND bill_fee <> our_fee)
"""  # noqa: S608 - our own names
_TOTALS = """
SELECT coalesce(merchant_id, 0), wallet, sum(copies)::BIGINT, sum(all_copies)::BIGINT,
    sum(CASE WHEN sort = 'refund' THEN -all_copies ELSE 0 END)::BIGINT, sum(all_fees)::BIGINT,
    sum(CASE WHEN again THEN 0 ELSE coalesce(our_amount, 0) END)::BIGINT,
    sum(CASE WHEN again THEN 0 ELSE coalesce(our_fee, 0) END)::BIGINT, count(*) FILTER (is_here AND is_there)
FROM pairs GROUP BY ALL
"""


class Comparison:
    """The join of two sides, ready to be read. A context: what it keeps on disk goes with it."""

    def __init__(self, sides: Sides, merchants: Sequence[tuple[str, int]]) -> None:
        """`merchants`: the wallet's number of each merchant of ours, and his number here."""
        self._base = engine(sides.lines)
        _rules(self._base, sides.acquirer)
        self._base.execute("CREATE TABLE merchants (merchant_no VARCHAR, merchant_id BIGINT)")
        if merchants:
            # One statement for all: a statement for each costs a millisecond, and there are thousands.
            numbers, ids = map(list, zip(*merchants, strict=True))
            self._base.execute("INSERT INTO merchants SELECT unnest($1), unnest($2)", [numbers, ids])
        _told(self._base, "told_before", sides.before)
        _told(self._base, "told_after", sides.after)
        given = {"lines": str(sides.lines), "ours": str(sides.ours), "day": sides.day, "only": sides.only}
        self._base.execute(_REPEATED, {"lines": str(sides.lines)})
        self._base.execute(_PAIRS, given)
        # Looked for now, and not while whoever writes them down holds a transaction open.
        self._base.execute(_SUSPECTS)

    def __enter__(self) -> "Comparison":
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def differences(self) -> Iterator[list[Found]]:
        """Every difference, some hundred at once."""
        cursor = self._base.cursor()
        cursor.execute("SELECT * FROM suspects ORDER BY merchant_no, moment, number")
        while rows := cursor.fetchmany(_AT_ONCE):
            yield [found for row in rows for found in _found(row)]

    def totals(self) -> list[Total]:
        """The sums. `matched` still counts pairs that differ; whoever wrote the differences down takes those off."""
        return [Total(*row) for row in self._base.execute(_TOTALS).fetchall()]


def _found(row: tuple[object, ...]) -> Iterator[Found]:
    """None, one or two: the number itself, and what of it is too much."""
    value = dict(zip(_COLUMNS, row, strict=True))
    moment = datetime.fromtimestamp(int(str(value["moment"])) / 1_000_000, UTC)
    there, here = _there(value), _here(value)

    def told(kind: Difference, theirs: int | None, ours: int | None) -> Found:
        return Found(
            **{name: str(value[name]) for name in _TEXTS},
            difference=kind,
            merchant_id=_whole(value["merchant_id"]),
            line=_whole(value["line"]),
            at=moment,
            bill_amount=theirs,
            our_amount=ours,
            payer_amount=_whole(value["payer_amount"]),
            bill_fee=there.fee if there else None,
            our_fee=here.fee if here else None,
            bill_state=there.state if there else "",
            our_state=here.state if here else "",
        )

    kept = 0 if value["again"] else there.amount if there else 0
    kind = None if value["again"] else difference(LineSort(str(value["sort"])), there, here)
    if kind is not None:
        yield told(kind, there.amount if there else None, here.amount if here else None)
    if value["again"] or int(str(value["copies"])) > 1:
        yield told(Difference.DUPLICATE, int(str(value["all_copies"])) - kept, None)


_TEXTS = ("sort", "number", "merchant_no", "wallet", "bill_wallet", "order_no", "transaction_no")


def _there(value: dict[str, object]) -> There | None:
    if not value["is_there"]:
        return None
    return There(str(value["bill_state"]), int(str(value["bill_amount"])), int(str(value["bill_fee"])))


def _here(value: dict[str, object]) -> Here | None:
    if not value["is_here"]:
        return None
    amount, fee = int(str(value["our_amount"])), int(str(value["our_fee"]))
    return Here(str(value["our_state"]), amount, fee, corrected=bool(value["corrected"]))


def _whole(value: object) -> int | None:
    return None if value is None else int(str(value))


def _rules(base: duckdb.DuckDBPyConnection, acquirer: Acquirer) -> None:
    """The rules' own tables: which words agree, under which money moves, and what a bill has to have."""
    agreeing = [(s, there, here) for s, words in AGREES.items() for there, states in words.items() for here in states]
    base.execute("CREATE TABLE agreeing (sort VARCHAR, bill_state VARCHAR, our_state VARCHAR)")
    base.executemany("INSERT INTO agreeing VALUES (?, ?, ?)", [tuple(map(str, row)) for row in agreeing])
    tables = {"moves_there": MOVES_THERE, "moves_here": MOVES_HERE, "due": DUE_HERE[acquirer], "fee_booked": FEE_BOOKED}
    for name, table in tables.items():
        base.execute(f"CREATE TABLE {name} (sort VARCHAR, {'our_state' if name == 'fee_booked' else 'state'} VARCHAR)")
        rows = [(str(sort), str(state)) for sort, states in table.items() for state in states]
        base.executemany(f"INSERT INTO {name} VALUES (?, ?)", rows)  # noqa: S608 - our own names


def _told(base: duckdb.DuckDBPyConnection, name: str, lines: Path | None) -> None:
    """The numbers that a neighbouring day's bill tells of."""
    base.execute(f"CREATE TABLE {name} (sort VARCHAR, number VARCHAR, merchant_no VARCHAR)")
    if lines is not None:
        base.execute(
            f"INSERT INTO {name} SELECT DISTINCT sort, number, merchant_no FROM read_parquet($lines)",  # noqa: S608
            {"lines": str(lines)},
        )
