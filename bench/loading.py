"""Facts written into the portal's tables by COPY, in the very shape that the portal's own operations leave.

For more rows than can be posted one by one in a bench's time. That the two shapes are one is not believed but compared,
column by column: see drift.py.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import duckdb
import psycopg

from bench.facts import COLUMNS
from bench.stand import FEE_RATE_BP, Stand
from deploy.roles import SUPERUSER
from portal.payments.rules import ORDER_LIFE

ALL = ("accounts", "payments", "transfers", "events", "event_heads", "day_totals")
_WHOLE = ("merchant_id", "amount", "discount")

# How an order of ours that was paid looks in each table, its columns in the order they are copied in.
_TABLES = {
    "accounts": """
        SELECT merchant_id, code, sum(debits) AS debits, sum(credits) AS credits
        FROM (SELECT merchant_id, debit AS code, amount AS debits, 0 AS credits FROM moves
              UNION ALL SELECT merchant_id, credit, 0, amount FROM moves)
        GROUP BY ALL ORDER BY ALL""",
    "payments": """
        SELECT merchant_id, payment_no, 1 AS code_id, 'wechat' AS wallet, 'wechat' AS acquirer,
            'WX' || merchant_id AS sub_merchant_no, 'order' AS source, 'success' AS state, amount,
            amount - discount AS payer_amount,
            CASE discount WHEN 0 THEN '[]' ELSE
                '[{{"id": "P1", "name": "立减", "amount": ' || discount || ', "paid_by": "wallet"}}]' END AS promotions,
            fee, 0 AS fee_returned, {rate} AS fee_rate_bp, 0 AS refunded, 0 AS refund_reserved, note, form_key,
            payer_blind, transaction_no, created_at,
            CAST(CAST(created_at AS TIMESTAMP) + INTERVAL {life} MINUTE AS VARCHAR) || '+00' AS expires_at,
            paid_at, day AS business_date, day_number
        FROM facts ORDER BY merchant_id, place""",
    "transfers": """
        SELECT merchant_id, kind, ref, debit, credit, amount, business_date, created_at
        FROM moves ORDER BY merchant_id, place, kind DESC""",
    "events": """
        SELECT merchant_id, 2 * place - 1 AS seq, created_at AS at, 'payment.created' AS kind, payment_no AS subject,
            '{{}}' AS facts FROM facts
        UNION ALL
        SELECT merchant_id, 2 * place, told_at, 'payment.success', payment_no,
            '{{"amount": ' || amount || ', "wallet": "wechat", "number": ' || day_number || ', "late": false}}'
        FROM facts ORDER BY merchant_id, seq""",
    "event_heads": "SELECT merchant_id, 2 * count(*) AS seq FROM facts GROUP BY merchant_id ORDER BY merchant_id",
    "day_totals": """
        SELECT merchant_id, day AS business_date, count(*) AS count, sum(amount) AS received, 0 AS refunded
        FROM facts GROUP BY ALL ORDER BY ALL""",
}


def load(place: Stand, database: str, facts: Path, tables: Sequence[str] = ALL) -> None:
    """Copy the facts into the tables, whose merchants and codes are there already, and let the server look at them.

    Foreign keys are not looked up row by row: that the rows fit is what the comparison with posted ones is for.
    """
    with duckdb.connect(":memory:") as engine:
        engine.execute("SET memory_limit = '1GB'")
        engine.execute("SET temp_directory = $folder", {"folder": str(facts.with_suffix(".spill"))})
        _views(engine, facts)
        with psycopg.connect(place.postgres.url(SUPERUSER, database), autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("SET statement_timeout = 0")
            for table in ALL:
                if table in tables:
                    _copy(engine, connection, table, facts.with_name(f"{table}.csv"))
            for table in tables:
                connection.execute(f"VACUUM (ANALYZE) {table}")


def _views(engine: duckdb.DuckDBPyConnection, facts: Path) -> None:
    shape = ", ".join(f"'{name}': '{'BIGINT' if name in _WHOLE else 'VARCHAR'}'" for name in COLUMNS)
    as_written = "header = true, auto_detect = false, quote = '\"', escape = '\"'"
    read = f"read_csv('{facts}', {as_written}, columns = {{{shape}}})"
    order = "ORDER BY created_at, payment_no"
    engine.execute(
        f"CREATE TABLE facts AS SELECT * REPLACE (coalesce(note, '') AS note),"
        f" (amount * {FEE_RATE_BP} + 5000) // 10000 AS fee,"
        f" row_number() OVER (PARTITION BY merchant_id {order}) AS place,"
        f" row_number() OVER (PARTITION BY merchant_id, day {order}) AS day_number FROM {read}"
    )
    move = "SELECT merchant_id, place, '{}' AS kind, payment_no AS ref, '{}' AS debit, '{}' AS credit, {} AS amount,"
    move += " day AS business_date, told_at AS created_at FROM facts"
    received = move.format("payment", "clearing:wechat", "merchant_payable", "amount")
    fee = move.format("fee", "fee:wechat", "clearing:wechat", "fee")
    engine.execute(f"CREATE VIEW moves AS {received} UNION ALL {fee} WHERE fee > 0")


def _copy(engine: duckdb.DuckDBPyConnection, connection: psycopg.Connection, table: str, file: Path) -> None:
    chosen = _TABLES[table].format(rate=FEE_RATE_BP, life=ORDER_LIFE // timedelta(minutes=1))
    quoted = ", FORCE_QUOTE (note)" if table == "payments" else ""
    engine.execute(f"COPY ({chosen}) TO '{file}' (FORMAT csv, HEADER false{quoted})")
    columns = ", ".join(name for name, *_ in engine.execute(f"SELECT * FROM ({chosen}) LIMIT 0").description or ())
    with file.open("rb") as rows, connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)") as copy:
        while piece := rows.read(1 << 20):
            copy.write(piece)
    file.unlink()
