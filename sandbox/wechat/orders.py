"""Orders: how they are asked for, closed and paid (partner docs 4012739008, 4012739019). Placing is in placing.py."""

import json
import sqlite3

from sandbox import clock
from sandbox.payers.money import Paid
from sandbox.wechat import notices, promotions
from sandbox.wechat.errors import Cause, Refused, against_the_rules
from sandbox.wechat.fields import Examiner, refuse_other_provider
from sandbox.wechat.merchants import half_up, merchant
from sandbox.wechat.order_rules import CLOSE
from sandbox.wechat.times import number_of_day, rfc3339

PREPAY_SECONDS = 2 * 3600
H5_SECONDS = 5 * 60
STATES = {"NOTPAY": "订单未支付", "SUCCESS": "支付成功", "REFUND": "转入退款", "CLOSED": "订单已关闭"}
PAID = ("SUCCESS", "REFUND")
BY = {
    "out_trade_no": "SELECT * FROM wechat_orders WHERE out_trade_no = ?",
    "transaction_id": "SELECT * FROM wechat_orders WHERE transaction_id = ?",
}
_FOR_WALLET = (
    "SELECT o.*, m.name AS merchant_name, p.prepay_id, p.created_at AS prepaid_at FROM wechat_prepays p"
    " JOIN wechat_orders o USING (out_trade_no) JOIN wechat_merchants m USING (sub_mchid) WHERE "
)


class NotPayable(Exception):
    """The payer cannot pay this order; the text is what the wallet shows."""


def state_of(row: sqlite3.Row, now: float) -> str:
    """The state as everybody sees it: an order past its time is closed without anybody closing it."""
    if row["state"] == "NOTPAY" and now >= row["expires_at"]:
        return "CLOSED"
    return str(row["state"])


def shown(row: sqlite3.Row, now: float) -> dict[str, object]:
    """The order as the query answers it, and, when paid, as the notice tells it."""
    state = state_of(row, now)
    answer: dict[str, object] = {
        "sp_appid": row["sp_appid"],
        "sp_mchid": row["sp_mchid"],
        "sub_mchid": row["sub_mchid"],
        "out_trade_no": row["out_trade_no"],
        "trade_state": state,
        "trade_state_desc": STATES[state],
        "amount": {"total": row["total"], "currency": "CNY"},
    }
    if row["attach"] is not None:
        answer["attach"] = row["attach"]
    if row["device_id"] is not None:
        answer["scene_info"] = {"device_id": row["device_id"]}
    return answer | _shown_when_paid(row) if state in PAID else answer


def _shown_when_paid(row: sqlite3.Row) -> dict[str, object]:
    """A payer of another wallet has no openid: `payer` is absent then."""
    told: dict[str, object] = {
        "transaction_id": row["transaction_id"],
        "trade_type": row["trade_type"],
        "bank_type": row["bank_type"],
        "success_time": rfc3339(row["paid_at"]),
        "amount": {
            "total": row["total"],
            "payer_total": row["payer_total"],
            "currency": "CNY",
            "payer_currency": "CNY",
        },
    }
    if row["payer_openid"] is not None:
        told["payer"] = {"sp_openid": row["payer_openid"]}
    coupons = json.loads(row["promotions"])
    return told | {"promotion_detail": coupons} if coupons else told


def find(connection: sqlite3.Connection, column: str, number: str, sub_mchid: str) -> dict[str, object]:
    """Answer a query by `out_trade_no` or `transaction_id`. Raises Refused (404 ORDER_NOT_EXIST)."""
    merchant(connection, sub_mchid)
    row = connection.execute(BY[column], (number,)).fetchone()
    if row is None:
        raise Refused(404, "ORDER_NOT_EXIST", "订单不存在", cause=Cause.NO_ORDER)
    if row["sub_mchid"] != sub_mchid:
        raise against_the_rules("sub_mchid与订单不匹配", Cause.SUB_MCHID_AND_ORDER)
    return shown(row, clock.now(connection))


def close(connection: sqlite3.Connection, mchid: str, out_trade_no: str, body: dict) -> None:
    """Close an unpaid order; may be repeated. Raises Refused for a paid one."""
    Examiner().check(CLOSE, body)
    refuse_other_provider(body["sp_mchid"], mchid)
    merchant(connection, body["sub_mchid"])
    row = connection.execute(BY["out_trade_no"], (out_trade_no,)).fetchone()
    if row is None:
        raise against_the_rules("订单不存在", Cause.NO_ORDER)
    if row["sub_mchid"] != body["sub_mchid"]:
        raise against_the_rules("sub_mchid与订单不匹配", Cause.SUB_MCHID_AND_ORDER)
    if row["state"] in PAID:
        raise against_the_rules("该订单已支付", Cause.PAID)
    connection.execute("UPDATE wechat_orders SET state = 'CLOSED' WHERE out_trade_no = ?", (out_trade_no,))


def by_prepay(connection: sqlite3.Connection, prepay_id: str) -> dict[str, object]:
    """What the wallet shows before paying: the order with `prepay_id`, `merchant_name`, `prepay_expires_at`.

    `state` is the state as seen now. Raises NotPayable when WeChat never gave out this prepay_id.
    """
    return _for_wallet(connection, "p.prepay_id = ?", prepay_id)


def by_code_url(connection: sqlite3.Connection, code_url: str) -> dict[str, object]:
    """The same for a scanned Native code (`weixin://wxpay/bizpayurl?pr=...`)."""
    return _for_wallet(connection, "p.code_url = ?", code_url)


def by_h5_url(connection: sqlite3.Connection, prepay_id: str, package: str) -> dict[str, object]:
    """The same for the two parameters of an h5_url. Raises NotPayable when five minutes have passed."""
    order = _for_wallet(connection, "p.prepay_id = ? AND p.package = ?", prepay_id, package)
    if clock.now(connection) >= float(str(order["prepaid_at"])) + H5_SECONDS:
        raise NotPayable("支付请求已失效，请重新发起支付")
    return order


def refuse_unpayable(order: dict[str, object], now: float) -> None:
    """Raises NotPayable for an order that is paid, closed, or whose prepay_id is older than two hours."""
    if order["state"] in PAID:
        raise NotPayable("该订单已支付")
    if order["state"] != "NOTPAY":
        raise NotPayable("订单已关闭")
    if now >= float(str(order["prepay_expires_at"])):
        raise NotPayable("预支付已过期，请重新下单")


def pay(connection: sqlite3.Connection, *, prepay_id: str, openid: str, paid: Paid | None = None) -> dict[str, object]:
    """The payer confirmed: book the payment and queue its notice. Must run in a `writing()` block.

    `paid` says what he gave and what others added; without it he gave the whole price from his balance. Raises
    NotPayable; then nothing has changed. Returns the order as the wallet shows it, with its transaction_id.
    """
    now = clock.now(connection)
    order = by_prepay(connection, prepay_id)
    refuse_unpayable(order, now)
    payer = connection.execute("SELECT appid FROM wechat_openids WHERE openid = ?", (openid,)).fetchone()
    if payer is None or payer["appid"] != order["sp_appid"]:
        raise NotPayable("付款人不是此公众号的用户")
    if order["sp_openid"] is not None and order["sp_openid"] != openid:
        raise NotPayable("下单账号与支付账号不一致，请核实后再支付")
    total = int(str(order["total"]))
    book(connection, str(order["out_trade_no"]), openid, paid or Paid(total, (), "OTHERS", "零钱"))
    return by_prepay(connection, prepay_id)


def book(connection: sqlite3.Connection, out_trade_no: str, openid: str | None, paid: Paid) -> None:
    """Make an open order a paid one and queue its notice."""
    now = clock.now(connection)
    order = connection.execute(BY["out_trade_no"], (out_trade_no,)).fetchone()
    promotions.refuse_wrong_sum(paid, order["total"])
    rate = merchant(connection, order["sub_mchid"])["rate_bp"]
    row = connection.execute(
        "UPDATE wechat_orders SET state = 'SUCCESS', transaction_id = ?, payer_openid = ?, payer_total = ?,"
        " promotions = ?, bank_type = ?, paid_at = ?, fee = ? WHERE out_trade_no = ? AND state = 'NOTPAY' RETURNING *",
        (
            number_of_day("4200", 28, now),
            openid,
            paid.payer_total,
            promotions.detail(paid.promotions),
            paid.bank_type,
            now,
            half_up(order["total"], rate, 10_000),
            out_trade_no,
        ),
    ).fetchone()
    notices.tell(connection, row["notify_url"], "TRANSACTION.SUCCESS", "transaction", "支付成功", shown(row, now))


def _for_wallet(connection: sqlite3.Connection, condition: str, *values: str) -> dict[str, object]:
    row = connection.execute(_FOR_WALLET + condition, values).fetchone()
    if row is None:
        raise NotPayable("没有这笔订单")
    order = dict(row)
    order["state"] = state_of(row, clock.now(connection))
    order["prepay_expires_at"] = min(row["expires_at"], row["prepaid_at"] + PREPAY_SECONDS)
    return order
