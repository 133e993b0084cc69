"""The merchants JD knows: the agent's first one and one with a contract of his own, there from the start, and those
that were onboarded.
"""

import base64
import secrets
import sqlite3
import time

from sandbox.keys import Keys

DEFAULT_FEE_BP = 38
AGGREGATE, OWN = "aggregate", "own"


def find(connection: sqlite3.Connection, merchant_no: object, contract: str = AGGREGATE) -> sqlite3.Row | None:
    """The merchant of this number under this kind of contract, open or not."""
    if not isinstance(merchant_no, str):
        return None
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM jd_merchants WHERE merchant_no = ? AND contract = ?", (merchant_no, contract)
    ).fetchone()
    return row


def every(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """All merchants of the agent, newest first."""
    return connection.execute(
        "SELECT * FROM jd_merchants WHERE contract = 'aggregate' ORDER BY entered_at DESC, merchant_no"
    ).fetchall()


def make_first(connection: sqlite3.Connection, keys: Keys) -> None:
    """The merchants of `GET /credentials`, both open: one of the agent's, with the agent's own keys, and one alone."""
    first = (keys.jd_merchant_no, AGGREGATE, keys.jd_agent_no, "一码示范小店", keys.jd_des_key, keys.jd_md5_key)
    alone = (keys.jd_v2_merchant_no, OWN, "", "一码示范直营店", keys.jd_v2_des_key, "")
    for number, contract, agent_no, name, des_key, md5_key in (first, alone):
        now = time.time()  # before any order, wherever the business clock stands
        connection.execute(
            "INSERT INTO jd_merchants (merchant_no, contract, agent_no, serial_no, entity_hash, company_type, name,"
            " short_name, licence_no, des_key, md5_key, fee_bp, entered_at, applied_at, opened_at)"
            " VALUES (?, ?, ?, 'first', '', 'P', ?, ?, '', ?, ?, ?, ?, ?, ?) ON CONFLICT (merchant_no) DO NOTHING",
            (number, contract, agent_no, name, name, des_key, md5_key, DEFAULT_FEE_BP, now, now, now),
        )


def new_keys() -> tuple[str, str]:
    """A fresh 3DES key (base64 of 24 bytes) and MD5 key of one merchant."""
    return base64.b64encode(secrets.token_bytes(24)).decode(), secrets.token_hex(16)


def new_number(connection: sqlite3.Connection) -> str:
    """A merchant number nobody has: 12 digits, first two 11."""
    while True:
        number = "11" + "".join(secrets.choice("0123456789") for _ in range(10))
        if find(connection, number) is None and find(connection, number, OWN) is None:
            return number
