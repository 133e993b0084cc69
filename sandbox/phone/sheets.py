"""The pay sheet of WeChat: asked for by a page's bridge call or by a scanned Native code, then confirmed or left."""

import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.payers import money
from sandbox.payers.accounts import account
from sandbox.phone import phones, story, tills
from sandbox.phone.story import Step
from sandbox.phone.telling import tell_decision
from sandbox.phone.tills import Bill, CannotPay, Connection
from sandbox.phone.wording import reduction_name, said, source_name
from sandbox.store import Store


@dataclass(frozen=True)
class Sheet:
    """What the payer sees. `amount` is the shop's price and `payer_total` what he gives, both in fen.

    `state` is open, paid or refused; `card` is what pays; `problem` says why the wallet would refuse, empty if not.
    """

    id: str
    number: str
    shop: str
    amount: int
    state: str
    payer_total: int
    reduction: int
    reduction_name: str
    card: str
    problem: str


def for_bridge(store: Store, phone: str, params: Mapping[str, object]) -> Sheet:
    """A page called `getBrandWCPayRequest`. Raises CannotPay when signature, order or state do not allow paying."""
    with store.writing() as connection:
        return _raised(connection, phone, tills.wechat_bridge_bill(connection, params))


def for_code(store: Store, phone: str, code_url: str) -> Sheet:
    """A Native code was scanned. Raises CannotPay."""
    with store.writing() as connection:
        return _raised(connection, phone, tills.wechat_code_bill(connection, code_url))


def find(store: Store, phone: str, sheet_id: str) -> Sheet | None:
    """A sheet that this phone showed."""
    with store.writing() as connection:
        row = _row(connection, phone, sheet_id)
        return _sheet(connection, row) if row else None


def decide(store: Store, phone: str, sheet_id: str, *, pays: bool) -> Sheet:
    """The payer's tap: money moves and the notice is queued in one transaction. A second tap changes nothing.

    Raises CannotPay for a sheet that is not this phone's, or when the order can no longer be paid.
    """
    with store.writing() as connection:
        row = _row(connection, phone, sheet_id)
        if row is None:
            raise CannotPay("没有这张付款单")
        if row["state"] != "open":
            return _sheet(connection, row)
        bill = tills.wechat_bill(connection, prepay_id=row["prepay_id"])
        if pays:
            bill = tills.wechat_pay(connection, prepay_id=row["prepay_id"], payer=phones.known(connection, phone).payer)
        if bill is None:
            raise CannotPay("没有这笔订单")
        state = "paid" if pays else "refused"
        connection.execute("UPDATE phone_sheets SET state = ? WHERE id = ?", (state, sheet_id))
        run = story.open_run(connection, phone, wallet="wechat", url=bill.number)
        tell_decision(connection, phone, run, bill, paid=pays)
        return _sheet(connection, _row(connection, phone, sheet_id))


def _raised(connection: Connection, phone: str, bill: Bill) -> Sheet:
    sheet_id = secrets.token_urlsafe(16)
    connection.execute(
        "INSERT INTO phone_sheets (id, phone, prepay_id, number, shop, amount) VALUES (?, ?, ?, ?, ?, ?)",
        (sheet_id, phone, bill.key, bill.number, bill.shop, bill.amount),
    )
    sheet = _sheet(connection, _row(connection, phone, sheet_id))
    run = story.open_run(connection, phone, wallet="wechat", url=bill.number)
    story.tell(connection, phone, run, Step.ORDERED, amount=bill.amount)
    story.tell(connection, phone, run, Step.SHEET, amount=sheet.payer_total, detail=bill.shop)
    story.name_order(connection, phone, run, number=bill.number, amount=bill.amount)
    return sheet


def _row(connection: Connection, phone: str, sheet_id: str) -> sqlite3.Row:
    row: sqlite3.Row = connection.execute(
        "SELECT * FROM phone_sheets WHERE id = ? AND phone = ?", (sheet_id, phone)
    ).fetchone()
    return row


def _sheet(connection: Connection, row: sqlite3.Row) -> Sheet:
    payer, total = phones.known(connection, row["phone"]).payer, int(row["amount"])
    taken = money.payment(connection, "wechat", row["number"]) if row["state"] == "paid" else None
    if taken is None:
        offer = tills.wechat_offer(connection, total, payer=payer)
        given, name, source, problem = offer.payer_total, offer.name, "", offer.problem
    else:
        granted = money.grants(connection, "wechat", row["number"])
        given, source, problem = int(taken["payer_total"]), str(taken["source"]), None
        name = granted[0].name if granted else ""
    return Sheet(
        id=row["id"],
        number=row["number"],
        shop=row["shop"],
        amount=total,
        state=row["state"],
        payer_total=given,
        reduction=total - given,
        reduction_name=reduction_name(name),
        card=source_name(account(connection, payer, "wechat"), source),
        problem=said(problem) if problem and row["state"] == "open" else "",
    )
