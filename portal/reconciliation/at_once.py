"""An ordinary bill turned into a table in one go. Every line is looked at; the least doubt leaves it to `reading`."""

import logging
from pathlib import Path

import duckdb

from portal.reconciliation.agreeing import NUMBER_MOST
from portal.wallets.bills import BulkTrades

log = logging.getLogger("portal.reconciliation")

# The columns of `reading.LINES`, by the same rules as `reading` itself; the sums' columns beside them for the check.
_LINES = """
SELECT line, merchant_no, sort, number, order_no, transaction_id AS transaction_no, moment,
    CASE sort WHEN 'payment' THEN amount ELSE -amount END AS amount, state, wallet, payer_amount,
    CAST(sign(fee) AS BIGINT) * ((abs(fee) + 500) // 1000) AS fee, {sums},
    odd OR NOT ({numbers}) AS odd
FROM (
    SELECT *, CASE kind WHEN 'payment' THEN 'payment' ELSE 'refund' END AS sort,
        CASE WHEN kind <> 'payment' AND refund_no <> '' THEN refund_no ELSE order_no END AS number,
        CASE sub_merchant_no WHEN '' THEN $own ELSE sub_merchant_no END AS merchant_no
    FROM ({query})
)
"""
_NUMBERS = ("number", "order_no", "transaction_id", "merchant_no")
_PLAIN_NUMBER = "length({0}) <= {1} AND NOT regexp_matches({0}, '[^ -~]')"


def read_at_once(base: duckdb.DuckDBPyConnection, bulk: BulkTrades, part: Path, *, own: str) -> bool:
    """Write all lines to a Parquet file; False where they cannot be believed or need another reader's eye."""
    # Lines are counted as they come.
    base.execute("SET preserve_insertion_order = true")
    lines = _LINES.format(
        sums=", ".join(f"CAST({each.column} AS BIGINT) AS sum_{number}" for number, each in enumerate(bulk.sums)),
        numbers=" AND ".join(_PLAIN_NUMBER.format(name, NUMBER_MOST) for name in _NUMBERS),
        query=bulk.query,
    )
    file = str(part).replace("'", "''")
    try:
        base.execute(f"COPY ({lines}) TO '{file}' (FORMAT parquet)", {"own": own})
        sums = ", ".join(f"coalesce(sum(sum_{number}), 0)" for number in range(len(bulk.sums)))
        count, odd, *found = base.execute(
            f"SELECT count(*), coalesce(bool_or(odd), false), {sums} FROM read_parquet('{file}')"  # noqa: S608
        ).fetchall()[0]
    except duckdb.Error as error:
        log.info("a bill is read line by line: %s", error)
        return False
    right = all(each.least <= int(sum_) <= each.most for each, sum_ in zip(bulk.sums, found, strict=True))
    return count == bulk.count and not odd and right
