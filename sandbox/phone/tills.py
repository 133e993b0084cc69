"""The phone's word with the two wallets' systems: what an order asks for, and the payer's yes.

The institutions differ in how they name things; the rest of the phone knows only `Bill`.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from flask import current_app

from sandbox import clock
from sandbox.jd import orders as jd_orders
from sandbox.keys import Keys
from sandbox.payers import money
from sandbox.payers.money import CannotPay, Offer
from sandbox.wechat import bridge, oauth
from sandbox.wechat import orders as wechat_orders

Connection = sqlite3.Connection

WECHAT_PAYER = "demo"
_OPEN = {"NOTPAY": "open", "SUCCESS": "paid", "REFUND": "paid", "PROCESSING": "open", "FINISH": "paid"}
# A notice is looked for among the newest ones only; the phone asks every second.
_RECENT_NOTICES = 500
_NUMBER_IN = {"wechat": "$.plain.out_trade_no", "jd": "$.fields.outTradeNo", "interconnect": "$.plain.clearing_no"}


@dataclass(frozen=True)
class Bill:
    """An order as the wallet sees it. `key` is WeChat's prepay_id or JD's cashier token; amounts in fen.

    `amount` goes to the shop, `payer_total` is what the payer gives; `state` is open, paid or closed.
    """

    key: str
    number: str
    shop: str
    amount: int
    payer_total: int
    state: str


@dataclass(frozen=True)
class Notice:
    """How far `sender`'s word has come: `waiting`, `accepted` or `given_up`, and after how many attempts."""

    state: str
    attempts: int
    sender: str


def wechat_bridge_bill(connection: Connection, params: Mapping[str, object]) -> Bill:
    """The order behind a page's bridge call, once its signature is found right. Raises CannotPay."""
    try:
        return _wechat(bridge.read(connection, _keys(), params))
    except wechat_orders.NotPayable as problem:
        raise CannotPay(str(problem)) from problem


def wechat_code_bill(connection: Connection, code_url: str) -> Bill:
    """The order behind a Native code. Raises CannotPay."""
    try:
        return _wechat(wechat_orders.by_code_url(connection, code_url))
    except wechat_orders.NotPayable as problem:
        raise CannotPay(str(problem)) from problem


def wechat_bill(connection: Connection, *, prepay_id: str) -> Bill | None:
    """The order of a prepay_id, in whatever state."""
    try:
        return _wechat(wechat_orders.by_prepay(connection, prepay_id))
    except wechat_orders.NotPayable:
        return None


def wechat_offer(connection: Connection, total: int, *, payer: str) -> Offer:
    """What an open order of `total` fen would cost this payer now."""
    return money.offer(
        connection, payer=payer, wallet="wechat", total=total, static_code=False, now=clock.now(connection)
    )


def wechat_pay(connection: Connection, *, prepay_id: str, payer: str) -> Bill:
    """The payer confirms, inside the caller's `writing()` block. Raises CannotPay; then the block must end."""
    now = clock.now(connection)
    try:
        order = wechat_orders.by_prepay(connection, prepay_id)
        wechat_orders.refuse_unpayable(order, now)
        bill = _wechat(order)
        paid = money.settle(
            connection,
            payer=payer,
            wallet="wechat",
            institution="wechat",
            number=bill.number,
            total=bill.amount,
            static_code=False,
            now=now,
        )
        openid = oauth.openid_of(connection, str(order["sp_appid"]), payer)
        return _wechat(wechat_orders.pay(connection, prepay_id=prepay_id, openid=openid, paid=paid))
    except wechat_orders.NotPayable as problem:
        raise CannotPay(str(problem)) from problem


def wechat_openid(connection: Connection, payer: str) -> str:
    """The payer's openid towards the provider's official account. Needs a `writing()` block."""
    return oauth.openid_of(connection, _keys().wechat_sp_appid, payer)


def jd_bill(connection: Connection, *, token: str) -> Bill | None:
    """The order that a cashier's address names."""
    order = jd_orders.by_token(connection, token)
    if order is None:
        return None
    state = _OPEN.get(jd_orders.state_of(order), "closed")
    return Bill(token, order["out_trade_no"], order["shop_name"], order["total"], order["payer_total"], state)


def fee(connection: Connection, *, wallet: str, number: str) -> int | None:
    """What the acquirer books as its fee for a paid order, in fen."""
    if wallet == "wechat":
        row = connection.execute("SELECT fee FROM wechat_orders WHERE out_trade_no = ?", (number,)).fetchone()
    else:
        row = connection.execute(
            "SELECT fee FROM jd_entries WHERE out_trade_no = ? AND kind = 'payment'", (number,)
        ).fetchone()
    return int(row["fee"]) if row and row["fee"] is not None else None


def notice(connection: Connection, *, wallet: str, number: str, static: bool = False) -> Notice | None:
    """The payment notice of an order; at a static code it is WeChat's own, or the clearing institution's stand-in."""
    senders = ("wechat", "interconnect") if static else ("wechat" if wallet == "wechat" else "jd",)
    for sender in senders:
        row = connection.execute(
            "SELECT state, attempts FROM outbox WHERE id > (SELECT coalesce(max(id), 0) FROM outbox) - ?"
            " AND sender = ? AND json_extract(payload, ?) = ? ORDER BY id LIMIT 1",
            (_RECENT_NOTICES, sender, _NUMBER_IN[sender], number),
        ).fetchone()
        if row is not None:
            return Notice(row["state"], row["attempts"], sender)
    return None


def _wechat(order: Mapping[str, object]) -> Bill:
    total = int(str(order["total"]))
    payer_total = order.get("payer_total")
    return Bill(
        key=str(order["prepay_id"]),
        number=str(order["out_trade_no"]),
        shop=str(order["merchant_name"]),
        amount=total,
        payer_total=total if payer_total is None else int(str(payer_total)),
        state=_OPEN.get(str(order["state"]), "closed"),
    )


def _keys() -> Keys:
    keys: Keys = current_app.extensions["keys"]
    return keys
