"""Whose code is this? The directory in which acquirers file the codes they gave out.

Codes of this provider's own sub-merchants are WeChat Pay's to know and are asked of it; codes of other contracts and
of persons stand in the directory's own table. A person's name is never told whole: all but its last character is a
star, the way wallets show a payee before a transfer.
"""

import sqlite3
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from sandbox.wechat import static_codes

OWN, OTHER, PERSONAL = "own_sub_merchant", "other_contract", "personal"

# One code of each of the two kinds that the wallets' public interfaces know nothing of.
SEEDS = (
    ("wxp://f2f0YimaDemoStallOneTwoThreeFourFive", PERSONAL, "陈珍珍", "P00000000001"),
    ("https://payapp.weixin.qq.com/materialqr/entry/home?id=YimaDemoOtherContract01", OTHER, "老周豆腐", "1500000001"),
)


class CannotOpen(ValueError):
    """The code cannot be filed; the text says why."""


@dataclass(frozen=True)
class Holder:
    """`holder_name` as the directory tells it, `merchant_no` only for a sub-merchant of the asking provider."""

    text: str
    acquirer: str
    holding: str
    holder_name: str
    merchant_no: str


def canonical(text: str) -> str:
    """One spelling of each code: scheme and, in a web address, host in lower case."""
    plain = text.strip()
    scheme, mark, rest = plain.partition("://")
    if not mark:
        return plain
    if scheme.lower() not in ("http", "https"):
        return f"{scheme.lower()}://{rest}"
    parts = urlsplit(plain)
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path, parts.query, parts.fragment))


def masked(name: str) -> str:
    """陈珍珍 as **珍."""
    return "*" * (len(name) - 1) + name[-1:]


def plant(connection: sqlite3.Connection, now: float) -> None:
    """File the codes that are there from the start."""
    for text, holding, name, number in SEEDS:
        connection.execute(
            "INSERT INTO interconnect_codes (text, acquirer, holding, holder_name, merchant_no, opened_at)"
            " VALUES (?, 'wechat', ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (text, holding, name, number, now),
        )


def open_code(
    connection: sqlite3.Connection, *, text: str, holding: str, holder_name: str, merchant_no: str, now: float
) -> None:
    """File one more code of another contract or of a person. Raises CannotOpen."""
    plain, name = canonical(text), holder_name.strip()
    if holding not in (OTHER, PERSONAL) or not name or not 8 <= len(plain) <= 1000:
        raise CannotOpen("holding is other_contract or personal; text and holder_name are needed")
    if resolve(connection, plain) is not None:
        raise CannotOpen("This code is filed already.")
    connection.execute(
        "INSERT INTO interconnect_codes (text, acquirer, holding, holder_name, merchant_no, opened_at)"
        " VALUES (?, 'wechat', ?, ?, ?, ?)",
        (plain, holding, name, merchant_no, now),
    )


def resolve(connection: sqlite3.Connection, text: str) -> Holder | None:
    """The holder of a code, None when no acquirer has filed it."""
    plain = canonical(text)
    own = static_codes.by_code(connection, plain)
    if own is not None:
        return Holder(own["text"], "wechat", OWN, own["merchant_name"], own["sub_mchid"])
    row = connection.execute("SELECT * FROM interconnect_codes WHERE text = ?", (plain,)).fetchone()
    if row is None:
        return None
    name = masked(row["holder_name"]) if row["holding"] == PERSONAL else row["holder_name"]
    return Holder(row["text"], row["acquirer"], row["holding"], name, row["merchant_no"])


def every(connection: sqlite3.Connection) -> list[Holder]:
    """All codes, those of this provider's sub-merchants first."""
    rows = [
        *static_codes.every(connection),
        *connection.execute("SELECT text FROM interconnect_codes ORDER BY opened_at, rowid").fetchall(),
    ]
    found = (resolve(connection, row["text"]) for row in rows)
    return [holder for holder in found if holder is not None]
