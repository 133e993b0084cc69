"""Placing an order, and placing it again (partner docs 4012738519 JSAPI, 4012738659 Native, 4012738604 H5)."""

import json
import secrets
import sqlite3
from datetime import datetime
from urllib.parse import urlencode

from sandbox import clock
from sandbox.keys import Keys
from sandbox.wechat.errors import Cause, Refused, against_the_rules, bad_parameter, wrong_field
from sandbox.wechat.fields import Examiner, refuse_other_provider
from sandbox.wechat.merchants import merchant, refuse_without
from sandbox.wechat.order_rules import DETAIL_BYTES, ORDER
from sandbox.wechat.orders import BY, PAID, state_of
from sandbox.wechat.times import BEIJING, seconds_of

LIFE_SECONDS = 7 * 86400  # an unpaid order without time_expire is closed after seven days
SHORTEST_SECONDS, LONGEST_SECONDS = 60, 15 * 86400  # a time_expire outside of this is moved there
PERMISSIONS = {"JSAPI": "JSAPI", "NATIVE": "NATIVE", "MWEB": "H5"}
H5_PATH = "/wechat/cgi-bin/mmpayweb-bin/checkmweb"  # stands for https://wx.tenpay.com/cgi-bin/...


def place(
    connection: sqlite3.Connection, keys: Keys, mchid: str, trade_type: str, body: dict, sandbox_url: str
) -> dict[str, str]:
    """Place an order, or hand out a fresh prepay_id for one placed with the very same parameters. Raises Refused."""
    Examiner().check(ORDER[trade_type], body)
    _refuse_long_detail(body)
    refuse_other_provider(body["sp_mchid"], mchid)
    refuse_without(PERMISSIONS[trade_type], merchant(connection, body["sub_mchid"]))
    _refuse_strange_appids(connection, keys, body)
    now = clock.now(connection)
    expires_at = _expiry(body, now)
    request = json.dumps(body, sort_keys=True, ensure_ascii=False)
    row = connection.execute(BY["out_trade_no"], (body["out_trade_no"],)).fetchone()
    if row is None:
        _insert(connection, trade_type, body, request, now, expires_at)
    else:
        _refuse_other_entry(row, trade_type, request, now)
    return _prepay(connection, trade_type, body["out_trade_no"], now, sandbox_url)


def _refuse_long_detail(body: dict) -> None:
    detail = json.dumps(body.get("detail", {}), ensure_ascii=False, separators=(",", ":"))
    if len(detail.encode()) > DETAIL_BYTES:
        raise wrong_field("/detail", f"去除多余空格换行后超过{DETAIL_BYTES}字节", cause=Cause.OUT_OF_RANGE)


def _refuse_strange_appids(connection: sqlite3.Connection, keys: Keys, body: dict) -> None:
    if body["sp_appid"] != keys.wechat_sp_appid:
        text = "sp_appid与sp_mchid不匹配，请检查后再试"
        raise Refused(400, "APPID_MCHID_NOT_MATCH", text, cause=Cause.APPID_AND_MCHID)
    if "sub_appid" in body:
        raise against_the_rules("sub_mch_id与sub_appid不匹配")
    payer = body.get("payer")
    if payer is None:
        return
    if "sub_openid" in payer:
        raise bad_parameter("传了sub_openid，就必须传与它对应的sub_appid")
    if "sp_openid" not in payer:
        raise wrong_field("/payer/sp_openid", "JSAPI支付必须传openid", cause=Cause.OPENID_MISSING)
    known = connection.execute("SELECT appid FROM wechat_openids WHERE openid = ?", (payer["sp_openid"],)).fetchone()
    if known is None or known["appid"] != body["sp_appid"]:
        raise wrong_field("/payer/sp_openid", "appid和openid不匹配", payer["sp_openid"])


def _expiry(body: dict, now: float) -> float:
    """When the order can no longer be paid; never sooner than in a minute nor later than in fifteen days."""
    if "time_expire" not in body:
        return now + LIFE_SECONDS
    try:
        wish = seconds_of(body["time_expire"])
    except (ValueError, OverflowError):
        raise wrong_field("/time_expire", "不是RFC 3339格式的时间", body["time_expire"]) from None
    return min(max(wish, now + SHORTEST_SECONDS), now + LONGEST_SECONDS)


def _refuse_other_entry(row: sqlite3.Row, trade_type: str, request: str, now: float) -> None:
    if row["request"] != request or row["trade_type"] != trade_type:
        text = "请求重入时，参数与首次请求时不一致，请检查参数后再试"
        raise Refused(403, "OUT_TRADE_NO_USED", text, cause=Cause.OTHER_PARAMETERS)
    state = state_of(row, now)
    if state in PAID:
        raise Refused(403, "OUT_TRADE_NO_USED", "该订单已支付", cause=Cause.PAID_ALREADY)
    if state == "CLOSED":
        raise against_the_rules("订单已关闭，请换单号重新下单", Cause.ORDER_EXPIRED)


def _insert(
    connection: sqlite3.Connection, trade_type: str, body: dict, request: str, now: float, expires_at: float
) -> None:
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


def _prepay(
    connection: sqlite3.Connection, trade_type: str, out_trade_no: str, now: float, sandbox_url: str
) -> dict[str, str]:
    prepay_id = f"wx{datetime.fromtimestamp(now, BEIJING):%d%H%M%S}{secrets.token_hex(13)}"
    code_url = f"weixin://wxpay/bizpayurl?pr={secrets.token_urlsafe(8)}" if trade_type == "NATIVE" else None
    package = str(10**9 + secrets.randbelow(9 * 10**9)) if trade_type == "MWEB" else None
    connection.execute(
        "INSERT INTO wechat_prepays (prepay_id, out_trade_no, code_url, package, created_at) VALUES (?, ?, ?, ?, ?)",
        (prepay_id, out_trade_no, code_url, package, now),
    )
    if code_url is not None:
        return {"code_url": code_url}
    if package is not None:
        return {"h5_url": f"{sandbox_url}{H5_PATH}?{urlencode({'prepay_id': prepay_id, 'package': package})}"}
    return {"prepay_id": prepay_id}
