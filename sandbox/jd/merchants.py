"""The merchants JD knows: the agent's first one, there from the start, and those that were onboarded."""

import base64
import secrets
import sqlite3
import time

from sandbox.keys import Keys

DEFAULT_FEE_BP = 38


def find(connection: sqlite3.Connection, merchant_no: object) -> sqlite3.Row | None:
    """The merchant of this number, open or not."""
    if not isinstance(merchant_no, str):
        return None
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM jd_merchants WHERE merchant_no = ?", (merchant_no,)
    ).fetchone()
    return row


def every(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """All merchants, newest first."""
    return connection.execute("SELECT * FROM jd_merchants ORDER BY entered_at DESC, merchant_no").fetchall()


def make_first(connection: sqlite3.Connection, keys: Keys) -> None:
    """The merchant of `GET /credentials`. It shares its keys with the agent's own contract, and is open."""
    now = time.time()
    connection.execute(
        "INSERT INTO jd_merchants (merchant_no, agent_no, serial_no, entity_hash, company_type, name, short_name,"
        " licence_no, des_key, md5_key, fee_bp, entered_at, applied_at, opened_at)"
        " VALUES (?, ?, 'first', '', 'P', '一码示范小店', '一码示范小店', '', ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (merchant_no) DO NOTHING",
        (keys.jd_merchant_no, keys.jd_agent_no, keys.jd_des_key, keys.jd_md5_key, DEFAULT_FEE_BP, now, now, now),
    )


def new_keys() -> tuple[str, str]:
    """A fresh 3DES key (base64 of 24 bytes) and MD5 key of one merchant."""
    return base64.b64encode(secrets.token_bytes(24)).decode(), secrets.token_hex(16)


def new_number(connection: sqlite3.Connection) -> str:
    """A merchant number nobody has: 12 digits, first two 11."""
    while True:
        number = "11" + "".join(secrets.choice("0123456789") for _ in range(10))
        if find(connection, number) is None:
            return number
