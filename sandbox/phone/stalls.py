"""Paying a static WeChat code, with either wallet: whose it is, the amount on the wallet's own page, then the tap.

A check is one look at the price before paying, like a sheet: confirmed once, refused once, whoever taps how often.
"""

import json
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Any

from sandbox import clock
from sandbox.interconnect import routing
from sandbox.interconnect.directory import PERSONAL, Holder, resolve
from sandbox.payers import money
from sandbox.payers.accounts import account
from sandbox.phone import phones, story, tills, ways
from sandbox.phone.codes import Kind
from sandbox.phone.phones import Phone
from sandbox.phone.story import Step
from sandbox.phone.tills import CannotPay, Connection
from sandbox.phone.wording import reduction_name, said, source_name

KINDS = (Kind.WECHAT_MERCHANT, Kind.WECHAT_PERSONAL)
MOST = 10_000_000  # fen; no wallet takes more in one barcode payment


@dataclass(frozen=True)
class Check:
    """Price and promise. Amounts in fen: the shop receives `amount`, the payer gives `payer_total`.

    `state` is open, paid, refused, or reversed (the acquirer was silent and the money came back).
    """

    id: str
    text: str
    wallet: str
    shop: str
    holding: str
    amount: int
    payer_total: int
    reductions: tuple[tuple[str, int], ...]
    card: str
    state: str
    number: str
    subsidy: int
    problem: str


def holder_of(connection: Connection, text: str) -> Holder | None:
    """Whose code this is, as the acquirer answers."""
    return resolve(connection, text)


def look(phone: Phone, wallet: str, text: str, amount: int) -> Check:
    """The price of `amount` fen at this code, before anything is paid. Raises CannotPay."""
    if not 0 < amount <= MOST:
        raise CannotPay("金额要在 0.01 到 100,000 元之间", "The amount must be between ¥0.01 and ¥100,000")
    with phones.store().writing() as connection:
        holder = holder_of(connection, text)
        if holder is None:
            raise CannotPay("这个码查不到收款人，付不了", "Nobody is known behind this code, so it cannot be paid")
        run = _run(connection, phone, wallet, holder)
        check_id = secrets.token_urlsafe(16)
        connection.execute(
            "INSERT INTO phone_checks (id, phone, run, wallet, text, shop, holding, amount)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (check_id, phone.id, run, wallet, holder.text, holder.holder_name, holder.holding, amount),
        )
        story.name_shop(connection, phone.id, run, holder.holder_name)
        story.tell(connection, phone.id, run, Step.OPENED, detail=holder.holder_name)
        story.tell(connection, phone.id, run, Step.SHEET, amount=amount)
        return _check(connection, _row(connection, phone, check_id), phone)


def find(phone: Phone, check_id: str) -> Check | None:
    """A check that this phone made."""
    with phones.store().writing() as connection:
        row = _row(connection, phone, check_id)
        return _check(connection, row, phone) if row else None


def decide(phone: Phone, check_id: str, *, pays: bool) -> Check:
    """The tap: money moves and is told in one transaction; a second tap changes nothing. Raises CannotPay."""
    with phones.store().writing() as connection:
        row = _row(connection, phone, check_id)
        if row is None:
            raise CannotPay("没有这笔付款", "There is no such payment")
        if row["state"] == "open" and pays:
            _pay(connection, row, phone)
        elif row["state"] == "open":
            connection.execute("UPDATE phone_checks SET state = 'refused' WHERE id = ?", (check_id,))
            story.tell(connection, phone.id, row["run"], Step.PAID)
            story.end(connection, phone.id, row["run"], state="refused")
        return _check(connection, _row(connection, phone, check_id), phone)


def _run(connection: Connection, phone: Phone, wallet: str, holder: Holder) -> int:
    """The run that began with scanning this code, or a new one."""
    last = story.latest(connection, phone.id)
    if last is not None and (last.wallet, last.state) == (wallet, "open"):
        known = resolve(connection, last.text)
        if known is not None and known.text == holder.text:
            return last.number
    kind = Kind.WECHAT_PERSONAL if holder.holding == PERSONAL else Kind.WECHAT_MERCHANT
    return story.begin(connection, phone.id, wallet=wallet, text=holder.text, kind=kind.value)


def _pay(connection: Connection, row: sqlite3.Row, phone: Phone) -> None:
    told = routing.pay(
        connection,
        text=row["text"],
        amount=row["amount"],
        wallet=row["wallet"],
        payer=phone.payer,
        openid=tills.wechat_openid(connection, phone.payer) if row["wallet"] == "wechat" else None,
        now=clock.now(connection),
    )
    reversed_ = told["state"] == "REVERSED"
    number, payer_total = str(told["number"]), int(str(told["payer_total"]))
    promotions: Any = told["promotions"]
    taken = [(str(one["name"]), int(one["amount"])) for one in promotions]
    subsidy = 0
    if row["wallet"] == "jdpay" and not reversed_:
        subsidy = ways.rewarded(connection, phone.payer, f"pay_{phone.way}").now
    connection.execute(
        "UPDATE phone_checks SET state = ?, number = ?, payer_total = ?, reductions = ?, card = ?, subsidy = ?"
        " WHERE id = ?",
        (
            "reversed" if reversed_ else "paid",
            number,
            payer_total,
            json.dumps(taken, ensure_ascii=False),
            account(connection, phone.payer, row["wallet"]).source,
            subsidy,
            row["id"],
        ),
    )
    story.name_order(connection, phone.id, row["run"], number=number, amount=row["amount"])
    story.tell(connection, phone.id, row["run"], Step.PAID, amount=None if reversed_ else payer_total)
    story.end(
        connection,
        phone.id,
        row["run"],
        state="refused" if reversed_ else "paid",
        payer_paid=None if reversed_ else payer_total,
    )


def _row(connection: Connection, phone: Phone, check_id: str) -> sqlite3.Row:
    row: sqlite3.Row = connection.execute(
        "SELECT * FROM phone_checks WHERE id = ? AND phone = ?", (check_id, phone.id)
    ).fetchone()
    return row


def _check(connection: Connection, row: sqlite3.Row, phone: Phone) -> Check:
    holder, problem = account(connection, phone.payer, row["wallet"]), ""
    if row["payer_total"] is None:
        offer = money.offer(
            connection,
            payer=phone.payer,
            wallet=row["wallet"],
            total=row["amount"],
            static_code=True,
            now=clock.now(connection),
        )
        payer_total, taken = offer.payer_total, [(offer.name, offer.reduction)] if offer.reduction else []
        problem = said(offer.problem) if offer.problem and row["state"] == "open" else ""
    else:
        payer_total, taken = row["payer_total"], json.loads(row["reductions"])
    return Check(
        id=row["id"],
        text=row["text"],
        wallet=row["wallet"],
        shop=row["shop"],
        holding=row["holding"],
        amount=row["amount"],
        payer_total=payer_total,
        reductions=tuple((reduction_name(name), amount) for name, amount in taken),
        card=source_name(holder, row["card"]),
        state=row["state"],
        number=row["number"],
        subsidy=row["subsidy"],
        problem=problem,
    )
