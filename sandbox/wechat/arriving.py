"""How a refund ends: it arrives, it cannot arrive, or it is closed; and the way out for one that could not arrive.

The card that paid is gone: ABNORMAL, the money is parked until somebody says where to (partner docs 4013080627). The
shop's account stays short: CLOSED, the money stays with the shop, and only a new number may try again (4013080629).
"""

import sqlite3

from sandbox import clock, faults
from sandbox.keys import Keys
from sandbox.payers import money
from sandbox.settings import setting
from sandbox.store import Store
from sandbox.wechat import notices
from sandbox.wechat.errors import Refused, against_the_rules, wrong_field
from sandbox.wechat.fields import Examiner
from sandbox.wechat.merchants import merchant
from sandbox.wechat.refund_rules import ABNORMAL, BANKS
from sandbox.wechat.refunds import four_amounts, order_of, row_of, shown
from sandbox.wechat.signing import open_field
from sandbox.wechat.times import rfc3339

_SUMMARIES = {"SUCCESS": "退款成功", "ABNORMAL": "退款异常", "CLOSED": "退款关闭"}
_TO_THE_SHOP = "商户基本账户商户结算银行账户"


def finish_due(store: Store) -> None:
    """Let the refunds whose time has come end, each with its notice."""
    with store.reading() as connection:
        if not _due(connection):
            return
    with store.writing() as connection:
        advance(connection)


def advance(connection: sqlite3.Connection) -> None:
    """The same inside a `writing()` block. A refund ends when it was due, however far the clock has jumped."""
    for refund in _due(connection):
        _finish(connection, refund)


def send_elsewhere(
    connection: sqlite3.Connection, keys: Keys, key_id: str, refund_id: str, body: dict
) -> dict[str, object]:
    """Send a parked refund to another card of the payer or to the shop's bank. Raises Refused."""
    examiner = Examiner(unseal=lambda sealed: open_field(keys.wechat_key, sealed))
    examiner.check(ABNORMAL, body)
    merchant(connection, body["sub_mchid"])
    if body["type"] == "USER_BANK_CARD":
        for name in ("bank_type", "bank_account", "real_name"):
            if name not in body:
                raise wrong_field(f"/{name}", "退款至用户银行卡时，此字段为必填项")
    if examiner.plain and not key_id:
        raise wrong_field("Wechatpay-Serial", "缺少：敏感字段加密所用的公钥ID", location="header")
    refund = row_of(connection, body["out_refund_no"])
    if refund is None or refund["refund_id"] != refund_id:
        raise Refused(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    if refund["sub_mchid"] != body["sub_mchid"]:
        raise against_the_rules("sub_mchid与退款单不匹配")
    if refund["state"] == "ABNORMAL":
        bank = BANKS.get(body.get("bank_type", ""))
        _resend(connection, refund_id, f"{bank}借记卡" if bank else _TO_THE_SHOP)
        refund = row_of(connection, body["out_refund_no"])
    elif refund["channel"] != "OTHER_BANKCARD":
        raise against_the_rules("退款单状态不是退款异常，不能发起异常退款")
    if refund is None:
        raise LookupError(refund_id)
    return shown(refund, order_of(connection, refund))


def _resend(connection: sqlite3.Connection, refund_id: str, received_by: str) -> None:
    connection.execute(
        "UPDATE wechat_refunds SET state = 'PROCESSING', channel = 'OTHER_BANKCARD', received_by = ?, due_at = ?"
        " WHERE refund_id = ?",
        (received_by, clock.now(connection) + setting(connection, "refund_seconds"), refund_id),
    )


def _due(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT * FROM wechat_refunds WHERE state = 'PROCESSING' AND due_at <= ? ORDER BY due_at",
        (clock.now(connection),),
    ).fetchall()


def _finish(connection: sqlite3.Connection, refund: sqlite3.Row) -> None:
    order = order_of(connection, refund)
    numbers = (refund["out_refund_no"], refund["refund_id"], order["out_trade_no"], order["transaction_id"])
    if refund["channel"] == "OTHER_BANKCARD":
        _arrive(connection, refund, refund["received_by"])
    elif faults.taken(connection, "wechat", "refund_closed", numbers):
        _close(connection, refund)
    elif faults.taken(connection, "wechat", "refund_abnormal", numbers) or not money.can_receive(
        connection, institution="wechat", number=order["out_trade_no"]
    ):
        _park(connection, refund)
    else:
        _arrive(connection, refund, _give_back(connection, refund))
    fresh = row_of(connection, refund["out_refund_no"])
    if fresh is not None and fresh["notify_url"] is not None:
        _tell(connection, fresh, order)


def _give_back(connection: sqlite3.Connection, refund: sqlite3.Row) -> str:
    return money.give_back(
        connection,
        institution="wechat",
        number=refund["out_trade_no"],
        refund_number=refund["out_refund_no"],
        payer_part=refund["payer_refund"],
        promotion_part=refund["refund"] - refund["payer_refund"],
        now=refund["due_at"],
    )


def _arrive(connection: sqlite3.Connection, refund: sqlite3.Row, received_by: str) -> None:
    connection.execute(
        "UPDATE wechat_refunds SET state = 'SUCCESS', success_at = due_at, received_by = ? WHERE refund_id = ?",
        (received_by, refund["refund_id"]),
    )


def _park(connection: sqlite3.Connection, refund: sqlite3.Row) -> None:
    connection.execute(
        "UPDATE wechat_refunds SET state = 'ABNORMAL', abnormal_at = due_at WHERE refund_id = ?",
        (refund["refund_id"],),
    )


def _close(connection: sqlite3.Connection, refund: sqlite3.Row) -> None:
    connection.execute(
        "UPDATE wechat_refunds SET state = 'CLOSED', closed_at = due_at WHERE refund_id = ?",
        (refund["refund_id"],),
    )
    connection.execute(
        "UPDATE wechat_orders SET refunded = refunded - ? WHERE out_trade_no = ?",
        (refund["refund"], refund["out_trade_no"]),
    )


def _tell(connection: sqlite3.Connection, refund: sqlite3.Row, order: sqlite3.Row) -> None:
    plain = {
        "sp_mchid": order["sp_mchid"],
        "sub_mchid": refund["sub_mchid"],
        "out_trade_no": refund["out_trade_no"],
        "transaction_id": order["transaction_id"],
        "out_refund_no": refund["out_refund_no"],
        "refund_id": refund["refund_id"],
        "refund_status": refund["state"],
        "user_received_account": refund["received_by"],
        "amount": four_amounts(refund, order),
    }
    if refund["success_at"] is not None:
        plain["success_time"] = rfc3339(refund["success_at"])
    event, summary = f"REFUND.{refund['state']}", _SUMMARIES[refund["state"]]
    notices.tell(connection, refund["notify_url"], event, "refund", summary, plain)
