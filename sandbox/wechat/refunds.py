"""Refunds: accepted first, arrived later (partner docs 4013080625 to 4013080628)."""

import sqlite3
import time

from sandbox.settings import setting
from sandbox.store import Store
from sandbox.wechat import notices
from sandbox.wechat.errors import Refused, against_the_rules, bad_parameter
from sandbox.wechat.fields import Examiner
from sandbox.wechat.merchants import half_up, merchant, refuse_without
from sandbox.wechat.orders import BY, PAID
from sandbox.wechat.refund_rules import REFUND
from sandbox.wechat.times import number_of_day, rfc3339

WINDOW_SECONDS = 365 * 86400
MOST_PARTS = 50
ACCOUNT = "支付用户零钱"


def ask(connection: sqlite3.Connection, body: dict) -> dict[str, object]:
    """Accept a refund, or answer with the one that already has this number. Raises Refused."""
    Examiner().check(REFUND, body)
    refuse_without("REFUND", merchant(connection, body["sub_mchid"]))
    order = _order(connection, body)
    kept = _row(connection, body["out_refund_no"])
    if kept is None:
        _refuse_too_much(connection, order, body, time.time())
        kept = _insert(connection, order, body)
    else:
        _refuse_another(kept, order, body)
    return shown(kept, order)


def find(connection: sqlite3.Connection, out_refund_no: str, sub_mchid: str) -> dict[str, object]:
    """Answer a query. Raises Refused (404 RESOURCE_NOT_EXISTS) when no refund with this number was accepted."""
    merchant(connection, sub_mchid)
    refund = _row(connection, out_refund_no)
    if refund is None:
        raise Refused(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    if refund["sub_mchid"] != sub_mchid:
        raise against_the_rules("sub_mchid与退款单不匹配")
    return shown(refund, _order_of(connection, refund))


def shown(refund: sqlite3.Row, order: sqlite3.Row) -> dict[str, object]:
    """The refund as both the application and the query answer it."""
    answer: dict[str, object] = {
        "refund_id": refund["refund_id"],
        "out_refund_no": refund["out_refund_no"],
        "transaction_id": order["transaction_id"],
        "out_trade_no": order["out_trade_no"],
        "channel": "ORIGINAL",
        "user_received_account": ACCOUNT,
        "create_time": rfc3339(refund["accepted_at"]),
        "status": refund["state"],
        "funds_account": refund["funds_account"],
        "amount": {
            **_amounts(refund, order),
            "settlement_refund": refund["refund"],
            "settlement_total": order["total"],
            "discount_refund": refund["refund"] - refund["payer_refund"],
            "currency": "CNY",
            "refund_fee": refund["fee_back"],
        },
    }
    if refund["success_at"] is not None:
        answer["success_time"] = rfc3339(refund["success_at"])
    return answer


def finish_due(store: Store) -> None:
    """Let the refunds whose time has come arrive, each with its notice."""
    with store.reading() as connection:
        if not _due(connection):
            return
    with store.writing() as connection:
        for refund in _due(connection):
            _finish(connection, refund)


def _due(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT * FROM wechat_refunds WHERE state = 'PROCESSING' AND due_at <= ? ORDER BY due_at", (time.time(),)
    ).fetchall()


def _finish(connection: sqlite3.Connection, refund: sqlite3.Row) -> None:
    now = time.time()
    connection.execute(
        "UPDATE wechat_refunds SET state = 'SUCCESS', success_at = ? WHERE out_refund_no = ?",
        (now, refund["out_refund_no"]),
    )
    if refund["notify_url"] is None:
        return
    order = _order_of(connection, refund)
    plain = {
        "sp_mchid": order["sp_mchid"],
        "sub_mchid": refund["sub_mchid"],
        "out_trade_no": refund["out_trade_no"],
        "transaction_id": order["transaction_id"],
        "out_refund_no": refund["out_refund_no"],
        "refund_id": refund["refund_id"],
        "refund_status": "SUCCESS",
        "success_time": rfc3339(now),
        "user_received_account": ACCOUNT,
        "amount": _amounts(refund, order),
    }
    notices.tell(connection, refund["notify_url"], "REFUND.SUCCESS", "refund", "退款成功", plain)


def _amounts(refund: sqlite3.Row, order: sqlite3.Row) -> dict[str, int]:
    return {
        "total": order["total"],
        "refund": refund["refund"],
        "payer_total": order["payer_total"],
        "payer_refund": refund["payer_refund"],
    }


def _order(connection: sqlite3.Connection, body: dict) -> sqlite3.Row:
    given = [name for name in ("transaction_id", "out_trade_no") if name in body]
    if not given:
        raise bad_parameter("transaction_id和out_trade_no须二选一")
    order: sqlite3.Row | None = connection.execute(BY[given[0]], (body[given[0]],)).fetchone()
    if order is None or order["state"] not in PAID:
        raise Refused(404, "RESOURCE_NOT_EXISTS", "订单不存在")
    if any(order[name] != body[name] for name in (*given, "sub_mchid")):
        raise against_the_rules("您的请求参数与订单信息不一致")
    return order


def _refuse_another(kept: sqlite3.Row, order: sqlite3.Row, body: dict) -> None:
    if kept["out_trade_no"] != order["out_trade_no"]:
        raise against_the_rules("支付单号校验不一致，请核实后再试")
    if kept["refund"] != body["amount"]["refund"] or order["total"] != body["amount"]["total"]:
        raise against_the_rules("您的请求参数与订单信息不一致")


def _refuse_too_much(connection: sqlite3.Connection, order: sqlite3.Row, body: dict, now: float) -> None:
    amount = body["amount"]
    if amount["total"] != order["total"]:
        raise against_the_rules("您的请求参数与订单信息不一致：订单金额不符")
    if amount["refund"] > order["total"] - order["refunded"]:
        raise against_the_rules("申请退款金额超过订单可退金额")
    if "from" in amount and sum(source["amount"] for source in amount["from"]) != amount["refund"]:
        raise bad_parameter("退款出资账户金额之和与退款金额不一致")
    if now > order["paid_at"] + WINDOW_SECONDS:
        raise against_the_rules("订单已超过可退款的最大期限365天")
    parts = connection.execute(
        "SELECT count(*) FROM wechat_refunds WHERE out_trade_no = ?", (order["out_trade_no"],)
    ).fetchone()[0]
    if parts >= MOST_PARTS:
        raise against_the_rules("一笔订单最多支持50次部分退款")


def _insert(connection: sqlite3.Connection, order: sqlite3.Row, body: dict) -> sqlite3.Row:
    now, refund = time.time(), body["amount"]["refund"]
    kept: sqlite3.Row = connection.execute(
        "INSERT INTO wechat_refunds (out_refund_no, refund_id, out_trade_no, sub_mchid, refund, payer_refund, fee_back,"
        " notify_url, reason, funds_account, state, accepted_at, due_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'PROCESSING', ?, ?) RETURNING *",
        (
            body["out_refund_no"],
            number_of_day("5030", 28, now),
            order["out_trade_no"],
            order["sub_mchid"],
            refund,
            _payer_refund(connection, order, refund),
            _fee_back(connection, order, refund),
            body.get("notify_url"),
            body.get("reason"),
            body.get("funds_account", "AVAILABLE"),
            now,
            now + setting(connection, "refund_seconds"),
        ),
    ).fetchone()
    connection.execute(
        "UPDATE wechat_orders SET state = 'REFUND', refunded = refunded + ? WHERE out_trade_no = ?",
        (refund, order["out_trade_no"]),
    )
    return kept


def _payer_refund(connection: sqlite3.Connection, order: sqlite3.Row, refund: int) -> int:
    """What the payer gets back: pro rata, and with the last fen exactly what he had paid."""
    back = connection.execute(
        "SELECT coalesce(sum(payer_refund), 0) FROM wechat_refunds WHERE out_trade_no = ?", (order["out_trade_no"],)
    ).fetchone()[0]
    rest = order["payer_total"] - back
    if order["refunded"] + refund == order["total"]:
        return int(rest)
    return min(int(rest), half_up(refund, order["payer_total"], order["total"]))


def _fee_back(connection: sqlite3.Connection, order: sqlite3.Row, refund: int) -> int:
    """The fee that comes back: pro rata, and with all other parts never more than was taken."""
    back = connection.execute(
        "SELECT coalesce(sum(fee_back), 0) FROM wechat_refunds WHERE out_trade_no = ?", (order["out_trade_no"],)
    ).fetchone()[0]
    return min(int(order["fee"] - back), half_up(order["fee"], refund, order["total"]))


def _row(connection: sqlite3.Connection, out_refund_no: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM wechat_refunds WHERE out_refund_no = ?", (out_refund_no,)
    ).fetchone()
    return row


def _order_of(connection: sqlite3.Connection, refund: sqlite3.Row) -> sqlite3.Row:
    order: sqlite3.Row = connection.execute(BY["out_trade_no"], (refund["out_trade_no"],)).fetchone()
    return order
