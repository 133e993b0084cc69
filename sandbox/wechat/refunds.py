"""Refunds: asking for one and asking after it (partner docs 4013080625 to 4013080629). Arriving is in arriving.py."""

import json
import sqlite3

from sandbox import clock, faults
from sandbox.settings import setting
from sandbox.wechat import promotions
from sandbox.wechat.errors import Cause, Refused, against_the_rules, bad_parameter
from sandbox.wechat.fields import Examiner
from sandbox.wechat.merchants import half_up, merchant, refuse_without
from sandbox.wechat.orders import BY, PAID
from sandbox.wechat.refund_rules import REFUND
from sandbox.wechat.times import number_of_day, rfc3339

WINDOW_SECONDS = 365 * 86400
MOST_PARTS = 50
STANDING = "SELECT * FROM wechat_refunds WHERE out_trade_no = ? AND state <> 'CLOSED' ORDER BY accepted_at"


def ask(connection: sqlite3.Connection, body: dict) -> dict[str, object]:
    """Accept a refund, or answer with the one that already has this number. Raises Refused."""
    Examiner().check(REFUND, body)
    refuse_without("REFUND", merchant(connection, body["sub_mchid"]))
    order = _order(connection, body)
    kept = row_of(connection, body["out_refund_no"])
    if kept is None:
        _refuse_too_much(connection, order, body, clock.now(connection))
        _refuse_for_want_of_money_or_payer(connection, order, body)
        kept = _insert(connection, order, body)
    else:
        _refuse_another(kept, order, body)
    return shown(kept, order)


def find(connection: sqlite3.Connection, out_refund_no: str, sub_mchid: str) -> dict[str, object]:
    """Answer a query. Raises Refused (404 RESOURCE_NOT_EXISTS) when no refund with this number was accepted."""
    merchant(connection, sub_mchid)
    refund = row_of(connection, out_refund_no)
    if refund is None:
        raise Refused(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    if refund["sub_mchid"] != sub_mchid:
        raise against_the_rules("sub_mchid与退款单不匹配", Cause.SUB_MCHID_AND_ORDER)
    return shown(refund, order_of(connection, refund))


def shown(refund: sqlite3.Row, order: sqlite3.Row) -> dict[str, object]:
    """The refund as both the application and the query answer it."""
    coupons = json.loads(refund["promotions"])
    answer: dict[str, object] = {
        "refund_id": refund["refund_id"],
        "out_refund_no": refund["out_refund_no"],
        "transaction_id": order["transaction_id"],
        "out_trade_no": order["out_trade_no"],
        "channel": refund["channel"],
        "user_received_account": refund["received_by"],
        "create_time": rfc3339(refund["accepted_at"]),
        "status": refund["state"],
        "funds_account": refund["funds_account"],
        "amount": _amount(refund, order),
    }
    if refund["success_at"] is not None:
        answer["success_time"] = rfc3339(refund["success_at"])
    return answer | {"promotion_detail": coupons} if coupons else answer


def four_amounts(refund: sqlite3.Row, order: sqlite3.Row) -> dict[str, int]:
    """What a notice tells of the money, in fen."""
    return {
        "total": order["total"],
        "refund": refund["refund"],
        "payer_total": order["payer_total"],
        "payer_refund": refund["payer_refund"],
    }


def row_of(connection: sqlite3.Connection, out_refund_no: str) -> sqlite3.Row | None:
    """The refund of this number, None when it was never accepted."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM wechat_refunds WHERE out_refund_no = ?", (out_refund_no,)
    ).fetchone()
    return row


def order_of(connection: sqlite3.Connection, refund: sqlite3.Row) -> sqlite3.Row:
    """The order that a refund belongs to."""
    order: sqlite3.Row = connection.execute(BY["out_trade_no"], (refund["out_trade_no"],)).fetchone()
    return order


def _amount(refund: sqlite3.Row, order: sqlite3.Row) -> dict[str, object]:
    told: dict[str, object] = {
        **four_amounts(refund, order),
        "settlement_refund": refund["refund"],
        "settlement_total": order["total"],
        "discount_refund": refund["refund"] - refund["payer_refund"],
        "currency": "CNY",
        "refund_fee": refund["fee_back"],
    }
    return told if refund["sources"] is None else told | {"from": json.loads(refund["sources"])}


def _order(connection: sqlite3.Connection, body: dict) -> sqlite3.Row:
    given = [name for name in ("transaction_id", "out_trade_no") if name in body]
    if not given:
        raise bad_parameter("transaction_id和out_trade_no须二选一")
    order: sqlite3.Row | None = connection.execute(BY[given[0]], (body[given[0]],)).fetchone()
    if order is None or order["state"] not in PAID:
        raise Refused(404, "RESOURCE_NOT_EXISTS", "订单不存在", cause=Cause.NO_ORDER)
    if any(order[name] != body[name] for name in (*given, "sub_mchid")):
        raise against_the_rules("您的请求参数与订单信息不一致", Cause.MCHID_AND_ORDER)
    return order


def _refuse_another(kept: sqlite3.Row, order: sqlite3.Row, body: dict) -> None:
    if kept["out_trade_no"] != order["out_trade_no"]:
        raise against_the_rules("支付单号校验不一致，请核实后再试", Cause.OTHER_PARAMETERS)
    if kept["refund"] != body["amount"]["refund"] or order["total"] != body["amount"]["total"]:
        raise against_the_rules("您的请求参数与订单信息不一致", Cause.OTHER_PARAMETERS)


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
    if len(connection.execute(STANDING, (order["out_trade_no"],)).fetchall()) >= MOST_PARTS:
        raise against_the_rules("一笔订单最多支持50次部分退款")


def _refuse_for_want_of_money_or_payer(connection: sqlite3.Connection, order: sqlite3.Row, body: dict) -> None:
    """The shop's account is only short on demand: here it may go below zero, and the next day's money fills it."""
    numbers = (body["out_refund_no"], order["out_trade_no"], order["transaction_id"])
    if faults.taken(connection, "wechat", "not_enough", numbers):
        raise Refused(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
    payer = connection.execute(
        "SELECT cancelled FROM wechat_openids WHERE openid = ?", (order["payer_openid"],)
    ).fetchone()
    if payer is not None and payer["cancelled"]:
        raise Refused(403, "USER_ACCOUNT_ABNORMAL", "用户账户已注销，退款申请失败")


def _insert(connection: sqlite3.Connection, order: sqlite3.Row, body: dict) -> sqlite3.Row:
    now, refund = clock.now(connection), body["amount"]["refund"]
    earlier = connection.execute(STANDING, (order["out_trade_no"],)).fetchall()
    share = promotions.share(order, earlier, refund)
    sources = body["amount"].get("from")
    kept: sqlite3.Row = connection.execute(
        "INSERT INTO wechat_refunds (out_refund_no, refund_id, out_trade_no, sub_mchid, refund, payer_refund,"
        " promotions, fee_back, notify_url, reason, funds_account, sources, state, accepted_at, due_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'PROCESSING', ?, ?) RETURNING *",
        (
            body["out_refund_no"],
            number_of_day("5030", 28, now),
            order["out_trade_no"],
            order["sub_mchid"],
            refund,
            share.payer,
            json.dumps(share.promotions),
            _fee_back(order, earlier, refund),
            body.get("notify_url"),
            body.get("reason"),
            body.get("funds_account", "AVAILABLE"),
            json.dumps(sources) if sources else None,
            now,
            now + setting(connection, "refund_seconds"),
        ),
    ).fetchone()
    connection.execute(
        "UPDATE wechat_orders SET state = 'REFUND', refunded = refunded + ? WHERE out_trade_no = ?",
        (refund, order["out_trade_no"]),
    )
    return kept


def _fee_back(order: sqlite3.Row, earlier: list[sqlite3.Row], refund: int) -> int:
    """The fee that comes back: pro rata, and with all other parts never more than was taken."""
    rest = int(order["fee"]) - sum(row["fee_back"] for row in earlier)
    return min(rest, half_up(order["fee"], refund, order["total"]))
