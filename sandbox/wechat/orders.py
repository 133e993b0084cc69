"""Orders from placing to paying (partner docs 4012738519, 4012738659, 4012739008, 4012739019)."""

import json
import secrets
import sqlite3
import time
from datetime import datetime

from sandbox.keys import Keys
from sandbox.wechat import notices
from sandbox.wechat.errors import Refused, against_the_rules, bad_parameter, wrong_field
from sandbox.wechat.fields import Examiner, refuse_other_provider
from sandbox.wechat.merchants import half_up, merchant, refuse_without
from sandbox.wechat.order_rules import CLOSE, ORDER
from sandbox.wechat.times import BEIJING, number_of_day, rfc3339, seconds_of

LIFE_SECONDS = 7 * 86400  # an unpaid order without time_expire is closed after seven days
PREPAY_SECONDS = 2 * 3600
STATES = {"NOTPAY": "订单未支付", "SUCCESS": "支付成功", "REFUND": "转入退款", "CLOSED": "订单已关闭"}
PAID = ("SUCCESS", "REFUND")
BY = {
    "out_trade_no": "SELECT * FROM wechat_orders WHERE out_trade_no = ?",
    "transaction_id": "SELECT * FROM wechat_orders WHERE transaction_id = ?",
}


class NotPayable(Exception):
    """The payer cannot pay this order; the text is what the wallet shows."""


def place(connection: sqlite3.Connection, keys: Keys, mchid: str, trade_type: str, body: dict) -> dict[str, str]:
    """Place an order, or hand out a fresh prepay_id for one placed with the very same parameters."""
    Examiner().check(ORDER[trade_type], body)
    refuse_other_provider(body["sp_mchid"], mchid)
    refuse_without(trade_type, merchant(connection, body["sub_mchid"]))
    _refuse_strange_appids(connection, keys, body)
    now = time.time()
    expires_at = _expiry(body, now)
    request = json.dumps(body, sort_keys=True, ensure_ascii=False)
    row = _row(connection, body["out_trade_no"])
    if row is None:
        _insert(connection, trade_type, body, request, now, expires_at)
    else:
        _refuse_other_entry(row, trade_type, request, now)
    return _prepay(connection, trade_type, body["out_trade_no"], now)


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
    if state in PAID:
        answer |= {
            "transaction_id": row["transaction_id"],
            "trade_type": row["trade_type"],
            "bank_type": "OTHERS",
            "success_time": rfc3339(row["paid_at"]),
            "payer": {"sp_openid": row["payer_openid"]},
            "amount": {
                "total": row["total"],
                "payer_total": row["payer_total"],
                "currency": "CNY",
                "payer_currency": "CNY",
            },
        }
    return answer


def find(connection: sqlite3.Connection, column: str, number: str, sub_mchid: str) -> dict[str, object]:
    """Answer a query by `out_trade_no` or `transaction_id`. Raises Refused (404 ORDER_NOT_EXIST)."""
    merchant(connection, sub_mchid)
    row = connection.execute(BY[column], (number,)).fetchone()
    if row is None:
        raise Refused(404, "ORDER_NOT_EXIST", "订单不存在")
    if row["sub_mchid"] != sub_mchid:
        raise against_the_rules("sub_mchid与订单不匹配")
    return shown(row, time.time())


def close(connection: sqlite3.Connection, mchid: str, out_trade_no: str, body: dict) -> None:
    """Close an unpaid order; may be repeated. Raises Refused for a paid one."""
    Examiner().check(CLOSE, body)
    refuse_other_provider(body["sp_mchid"], mchid)
    merchant(connection, body["sub_mchid"])
    row = _row(connection, out_trade_no)
    if row is None:
        raise against_the_rules("订单不存在")
    if row["sub_mchid"] != body["sub_mchid"]:
        raise against_the_rules("sub_mchid与订单不匹配")
    if row["state"] in PAID:
        raise against_the_rules("该订单已支付")
    connection.execute("UPDATE wechat_orders SET state = 'CLOSED' WHERE out_trade_no = ?", (out_trade_no,))


def by_prepay(connection: sqlite3.Connection, prepay_id: str) -> dict[str, object]:
    """What the wallet shows before paying: the order with `prepay_id`, `merchant_name`, `prepay_expires_at`.

    `state` is the state as seen now. Raises NotPayable when WeChat never gave out this prepay_id.
    """
    return _for_wallet(connection, prepay_id, "")


def by_code_url(connection: sqlite3.Connection, code_url: str) -> dict[str, object]:
    """The same for a scanned Native code (`weixin://wxpay/bizpayurl?pr=...`)."""
    return _for_wallet(connection, "", code_url)


def refuse_unpayable(order: dict[str, object], now: float) -> None:
    """Raises NotPayable for an order that is paid, closed, or whose prepay_id is older than two hours."""
    if order["state"] in PAID:
        raise NotPayable("该订单已支付")
    if order["state"] != "NOTPAY":
        raise NotPayable("订单已关闭")
    if now >= float(str(order["prepay_expires_at"])):
        raise NotPayable("预支付已过期，请重新下单")


def pay(connection: sqlite3.Connection, *, prepay_id: str, openid: str) -> dict[str, object]:
    """The payer confirmed: book the payment and queue its notice. Must run in a `writing()` block.

    Raises NotPayable; then nothing has changed. Returns the order as the wallet shows it, with its transaction_id.
    """
    now = time.time()
    order = by_prepay(connection, prepay_id)
    refuse_unpayable(order, now)
    payer = connection.execute("SELECT appid FROM wechat_openids WHERE openid = ?", (openid,)).fetchone()
    if payer is None or payer["appid"] != order["sp_appid"]:
        raise NotPayable("付款人不是此公众号的用户")
    if order["sp_openid"] is not None and order["sp_openid"] != openid:
        raise NotPayable("下单账号与支付账号不一致，请核实后再支付")
    rate = merchant(connection, order["sub_mchid"])["rate_bp"]
    total = int(str(order["total"]))
    row = connection.execute(
        "UPDATE wechat_orders SET state = 'SUCCESS', transaction_id = ?, payer_openid = ?, payer_total = total,"
        " paid_at = ?, fee = ? WHERE out_trade_no = ? AND state = 'NOTPAY' RETURNING *",
        (number_of_day("4200", 28, now), openid, now, half_up(total, rate, 10_000), order["out_trade_no"]),
    ).fetchone()
    notices.tell(connection, row["notify_url"], "TRANSACTION.SUCCESS", "transaction", "支付成功", shown(row, now))
    return by_prepay(connection, prepay_id)


def _for_wallet(connection: sqlite3.Connection, prepay_id: str, code_url: str) -> dict[str, object]:
    row = connection.execute(
        "SELECT o.*, m.name AS merchant_name, p.prepay_id, p.created_at AS prepaid_at FROM wechat_prepays p"
        " JOIN wechat_orders o USING (out_trade_no) JOIN wechat_merchants m USING (sub_mchid)"
        " WHERE p.prepay_id = ? OR p.code_url = ?",
        (prepay_id, code_url),
    ).fetchone()
    if row is None:
        raise NotPayable("没有这笔订单")
    order = dict(row)
    order["state"] = state_of(row, time.time())
    order["prepay_expires_at"] = min(row["expires_at"], order.pop("prepaid_at") + PREPAY_SECONDS)
    return order


def _row(connection: sqlite3.Connection, out_trade_no: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(BY["out_trade_no"], (out_trade_no,)).fetchone()
    return row


def _refuse_strange_appids(connection: sqlite3.Connection, keys: Keys, body: dict) -> None:
    if body["sp_appid"] != keys.wechat_sp_appid:
        raise Refused(400, "APPID_MCHID_NOT_MATCH", "sp_appid与sp_mchid不匹配，请检查后再试")
    if "sub_appid" in body:
        raise against_the_rules("sub_mch_id与sub_appid不匹配")
    payer = body.get("payer")
    if payer is None:
        return
    if "sub_openid" in payer:
        raise bad_parameter("传了sub_openid，就必须传与它对应的sub_appid")
    if "sp_openid" not in payer:
        raise wrong_field("/payer/sp_openid", "JSAPI支付必须传openid")
    known = connection.execute("SELECT appid FROM wechat_openids WHERE openid = ?", (payer["sp_openid"],)).fetchone()
    if known is None or known["appid"] != body["sp_appid"]:
        raise wrong_field("/payer/sp_openid", "appid和openid不匹配", payer["sp_openid"])


def _expiry(body: dict, now: float) -> float:
    if "time_expire" not in body:
        return now + LIFE_SECONDS
    try:
        expires_at = seconds_of(body["time_expire"])
    except ValueError:
        raise wrong_field("/time_expire", "不是RFC 3339格式的时间", body["time_expire"]) from None
    if expires_at > now + LIFE_SECONDS:
        raise wrong_field("/time_expire", "距下单超过7天", body["time_expire"])
    return expires_at


def _refuse_other_entry(row: sqlite3.Row, trade_type: str, request: str, now: float) -> None:
    if row["request"] != request or row["trade_type"] != trade_type:
        raise Refused(403, "OUT_TRADE_NO_USED", "请求重入时，参数与首次请求时不一致，请检查参数后再试")
    state = state_of(row, now)
    if state in PAID:
        raise Refused(403, "OUT_TRADE_NO_USED", "该订单已支付")
    if state == "CLOSED":
        raise against_the_rules("订单已关闭，请换单号重新下单")


def _insert(
    connection: sqlite3.Connection, trade_type: str, body: dict, request: str, now: float, expires_at: float
) -> None:
    if expires_at <= now:
        raise wrong_field("/time_expire", "早于当前时间", body["time_expire"])
    connection.execute(
        "INSERT INTO wechat_orders (out_trade_no, sub_mchid, sp_mchid, sp_appid, trade_type, request, description,"
        " attach, device_id, notify_url, total, sp_openid, created_at, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            body["out_trade_no"],
            body["sub_mchid"],
            body["sp_mchid"],
            body["sp_appid"],
            trade_type,
            request,
            body["description"],
            body.get("attach"),
            body.get("scene_info", {}).get("device_id"),
            body["notify_url"],
            body["amount"]["total"],
            body.get("payer", {}).get("sp_openid"),
            now,
            expires_at,
        ),
    )


def _prepay(connection: sqlite3.Connection, trade_type: str, out_trade_no: str, now: float) -> dict[str, str]:
    prepay_id = f"wx{datetime.fromtimestamp(now, BEIJING):%d%H%M%S}{secrets.token_hex(13)}"
    code_url = f"weixin://wxpay/bizpayurl?pr={secrets.token_urlsafe(8)}" if trade_type == "NATIVE" else None
    connection.execute(
        "INSERT INTO wechat_prepays (prepay_id, out_trade_no, code_url, created_at) VALUES (?, ?, ?, ?)",
        (prepay_id, out_trade_no, code_url, now),
    )
    return {"prepay_id": prepay_id} if code_url is None else {"code_url": code_url}
