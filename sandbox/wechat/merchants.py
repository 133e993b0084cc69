"""The sub-merchants this provider acts for (受理关系), what each of them may use, and the provider's own products."""

import sqlite3

from sandbox import clock
from sandbox.keys import Keys
from sandbox.wechat.errors import Cause, Refused, against_the_rules

RATE_BP = 38  # basis points, when the application said nothing else
FIRST_NAME = "沙盒体验店"
FIRST_PERMISSIONS = "H5 JSAPI NATIVE REFUND"
# What the provider has to apply for in its own name: the sub-merchants' fund-flow bills, and transfers to people.
PRODUCTS = ("FUND_BILL", "TRANSFER")


def open_first(connection: sqlite3.Connection, keys: Keys) -> None:
    """The sub-merchant that is there from the start, so that a client can be tried at once."""
    connection.execute(
        "INSERT INTO wechat_merchants (sub_mchid, name, rate_bp, permissions, opened_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (keys.wechat_sub_mchid, FIRST_NAME, RATE_BP, FIRST_PERMISSIONS, clock.now(connection)),
    )


def merchant(connection: sqlite3.Connection, sub_mchid: object) -> sqlite3.Row:
    """The sub-merchant of this number. Raises Refused when it was never taken on by this provider."""
    row = connection.execute("SELECT * FROM wechat_merchants WHERE sub_mchid = ?", (sub_mchid,)).fetchone()
    if row is None:
        raise against_the_rules("受理关系不存在", Cause.NO_RELATION)
    return row


def refuse_without(permission: str, row: sqlite3.Row) -> None:
    """Raises Refused (403 NO_AUTH) when the sub-merchant has not this product."""
    if permission not in row["permissions"].split():
        raise Refused(403, "NO_AUTH", "商户号该产品权限未开通，请前往商户平台>产品中心检查后重试")


def refuse_without_product(connection: sqlite3.Connection, name: str) -> None:
    """Raises Refused (403 NO_AUTH) when the provider has not this product."""
    row = connection.execute("SELECT open FROM wechat_products WHERE name = ?", (name,)).fetchone()
    if row is not None and not row["open"]:
        raise Refused(403, "NO_AUTH", "产品权限未开通，请在服务商平台的产品中心开通后重试")


def set_product(connection: sqlite3.Connection, name: str, is_open: bool) -> None:
    """Grant or withdraw a product of PRODUCTS; all are granted from the start."""
    connection.execute("INSERT OR REPLACE INTO wechat_products (name, open) VALUES (?, ?)", (name, int(is_open)))


def half_up(amount: int, numerator: int, denominator: int) -> int:
    """amount x numerator / denominator in fen, half a fen counts up."""
    return (2 * amount * numerator + denominator) // (2 * denominator)
