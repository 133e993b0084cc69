"""The sub-merchants this provider may act for (受理关系) and what each of them may use."""

import sqlite3
import time

from sandbox.keys import Keys
from sandbox.wechat.errors import Refused, against_the_rules

RATE_BP = 38  # basis points, when the application said nothing else
FIRST_NAME = "沙盒体验店"


def open_first(connection: sqlite3.Connection, keys: Keys) -> None:
    """The sub-merchant that is there from the start, so that a client can be tried at once."""
    connection.execute(
        "INSERT INTO wechat_merchants (sub_mchid, name, rate_bp, permissions, opened_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (keys.wechat_sub_mchid, FIRST_NAME, RATE_BP, "JSAPI NATIVE REFUND", time.time()),
    )


def merchant(connection: sqlite3.Connection, sub_mchid: object) -> sqlite3.Row:
    """The sub-merchant of this number. Raises Refused when it was never taken on by this provider."""
    row = connection.execute("SELECT * FROM wechat_merchants WHERE sub_mchid = ?", (sub_mchid,)).fetchone()
    if row is None:
        raise against_the_rules("受理关系不存在")
    return row


def refuse_without(permission: str, row: sqlite3.Row) -> None:
    """Raises Refused (403 NO_AUTH) when the sub-merchant has not this product."""
    if permission not in row["permissions"].split():
        raise Refused(403, "NO_AUTH", "商户号该产品权限未开通，请前往商户平台>产品中心检查后重试")


def half_up(amount: int, numerator: int, denominator: int) -> int:
    """amount x numerator / denominator in fen, half a fen counts up."""
    return (2 * amount * numerator + denominator) // (2 * denominator)
