"""Routing: a payer of one wallet at a code of another institution, and at codes no public interface reports.

All in the caller's `writing()` block. Clearing follows a moment after the payment, settlement on the next morning.
"""

import json
import secrets
import sqlite3
from dataclasses import replace

from flask import current_app

from sandbox import clock, faults
from sandbox.interconnect import notices, states
from sandbox.interconnect.directory import OWN, Holder, resolve
from sandbox.payers import money
from sandbox.payers.money import CannotPay, Paid
from sandbox.wechat import static_codes
from sandbox.wechat.orders import NotPayable

INSTITUTION = "interconnect"


class NoSuchCode(CannotPay):
    """No acquirer has filed this code."""


def pay(
    connection: sqlite3.Connection,
    *,
    text: str,
    amount: int,
    wallet: str,
    payer: str,
    openid: str | None,
    now: float,
) -> dict[str, object]:
    """The payer has typed `amount` fen at a static code and said yes.

    Gives what his wallet shows: `state` (AUTHORISED, or REVERSED when the acquirer did not answer and his money went
    back), `clearing_no` (None inside one institution), `number`, `transaction_id`, `shop`, `amount`, `payer_total`,
    `promotions`, `holding`. Raises CannotPay; then nothing has changed.
    """
    if amount <= 0:
        raise CannotPay("付款金额要大于 0")
    holder = resolve(connection, text)
    if holder is None:
        raise NoSuchCode("这个码查不到收款人，付不了")
    if faults.take(connection, INSTITUTION, "refuse", holder.text):
        raise CannotPay("对方机构没有受理这笔付款，钱没有扣")
    if holder.holding != OWN:
        return _report(connection, holder, amount=amount, wallet=wallet, payer=payer, now=now)
    try:
        if wallet == holder.acquirer:
            return _inside(connection, holder, amount=amount, payer=payer, openid=openid, now=now)
        return _across(connection, holder, amount=amount, wallet=wallet, payer=payer, now=now)
    except NotPayable as problem:
        raise CannotPay(str(problem)) from problem


def find(connection: sqlite3.Connection, clearing_no: str) -> sqlite3.Row | None:
    """One routed payment."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM interconnect_payments WHERE clearing_no = ?", (clearing_no,)
    ).fetchone()
    return row


def _inside(
    connection: sqlite3.Connection, holder: Holder, *, amount: int, payer: str, openid: str | None, now: float
) -> dict[str, object]:
    """A WeChat payer at a WeChat code of this provider: WeChat's own business, nothing is routed."""
    number = static_codes.new_number(connection)
    paid = _settle(connection, holder.acquirer, number, amount=amount, wallet=holder.acquirer, payer=payer, now=now)
    order = static_codes.pay(
        connection,
        code=holder.text,
        amount=amount,
        paid=paid,
        openid=openid,
        notify_url=_notify_url("wechat"),
        number=number,
    )
    return {
        "state": "AUTHORISED",
        "clearing_no": None,
        "number": number,
        "transaction_id": order["transaction_id"],
        "shop": holder.holder_name,
        "holding": holder.holding,
        "amount": amount,
        "payer_total": paid.payer_total,
        "promotions": _promotions(paid),
    }


def _across(
    connection: sqlite3.Connection, holder: Holder, *, amount: int, wallet: str, payer: str, now: float
) -> dict[str, object]:
    """A JD payer at a WeChat code of this provider: WeChat books and tells it; what JD took off is others' money there.

    The word which wallet it was follows with the clearing.
    """
    clearing_no = _begin(connection, holder, amount=amount, wallet=wallet, payer=payer, now=now)
    number = static_codes.new_number(connection)
    paid = _settle(connection, holder.acquirer, number, amount=amount, wallet=wallet, payer=payer, now=now)
    if faults.take(connection, INSTITUTION, "accept_then_time_out", holder.text):
        _authorise(connection, clearing_no, paid, transaction_id=None, out_trade_no=number, now=now)
        _reverse(connection, clearing_no, holder.acquirer, number, paid, now)
    else:
        seen = replace(
            paid, promotions=tuple(replace(one, funder="other") for one in paid.promotions), bank_type="OTHERS"
        )
        order = static_codes.pay(
            connection,
            code=holder.text,
            amount=amount,
            paid=seen,
            openid=None,
            notify_url=_notify_url("wechat"),
            number=number,
        )
        transaction_id = str(order["transaction_id"])
        _authorise(connection, clearing_no, paid, transaction_id=transaction_id, out_trade_no=number, now=now)
    return _shown(_row(connection, clearing_no), holder)


def _report(
    connection: sqlite3.Connection, holder: Holder, *, amount: int, wallet: str, payer: str, now: float
) -> dict[str, object]:
    """A code of another contract or of a person: recorded here, told by the stand-in's own message."""
    number = _begin(connection, holder, amount=amount, wallet=wallet, payer=payer, now=now)
    paid = _settle(connection, INSTITUTION, number, amount=amount, wallet=wallet, payer=payer, now=now)
    _authorise(connection, number, paid, transaction_id=_digits("4200", now), out_trade_no=None, now=now)
    if faults.take(connection, INSTITUTION, "accept_then_time_out", holder.text):
        _reverse(connection, number, INSTITUTION, number, paid, now)
    else:
        row = _row(connection, number)
        notices.tell(connection, _notify_url("interconnect"), row, notices.CODE_PAID)
    return _shown(_row(connection, number), holder)


def _begin(connection: sqlite3.Connection, holder: Holder, *, amount: int, wallet: str, payer: str, now: float) -> str:
    number = _digits("30", now)
    connection.execute(
        "INSERT INTO interconnect_payments (clearing_no, text, holding, holder_name, account_side, acquirer,"
        " merchant_no, payer, amount, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'RESOLVED')",
        (
            *(number, holder.text, holder.holding, holder.holder_name, wallet, holder.acquirer),
            *(holder.merchant_no, payer, amount),
        ),
    )
    states.note(connection, number, "payment", "RESOLVED", now)
    for state in ("CREATED", "USER_CONFIRMING"):
        states.move(connection, number, state, now)
    return number


def _authorise(
    connection: sqlite3.Connection,
    number: str,
    paid: Paid,
    *,
    transaction_id: str | None,
    out_trade_no: str | None,
    now: float,
) -> None:
    states.move(connection, number, "AUTHORISED", now)
    promotions = json.dumps(_promotions(paid), ensure_ascii=False)
    connection.execute(
        "UPDATE interconnect_payments SET payer_amount = ?, promotions = ?, transaction_id = ?, out_trade_no = ?,"
        " authorised_at = ? WHERE clearing_no = ?",
        (paid.payer_total, promotions, transaction_id, out_trade_no, now, number),
    )


def _settle(
    connection: sqlite3.Connection, institution: str, number: str, *, amount: int, wallet: str, payer: str, now: float
) -> Paid:
    return money.settle(
        connection,
        payer=payer,
        wallet=wallet,
        institution=institution,
        number=number,
        total=amount,
        static_code=True,
        now=now,
    )


def _promotions(paid: Paid) -> list[dict[str, object]]:
    return [
        {"id": grant.grant_id, "name": grant.name, "amount": grant.amount, "paid_by": grant.funder}
        for grant in paid.promotions
    ]


def _reverse(
    connection: sqlite3.Connection, number: str, institution: str, settled_as: str, paid: Paid, now: float
) -> None:
    """The acquirer did not answer in time: the account side gives everything back (冲正)."""
    states.move(connection, number, "REVERSED", now)
    money.give_back(
        connection,
        institution=institution,
        number=settled_as,
        refund_number=f"reversal-{number}",
        payer_part=paid.payer_total,
        promotion_part=sum(grant.amount for grant in paid.promotions),
        now=now,
    )


def _shown(row: sqlite3.Row, holder: Holder) -> dict[str, object]:
    return {
        "state": row["state"],
        "clearing_no": row["clearing_no"],
        "number": row["out_trade_no"] or row["clearing_no"],
        "transaction_id": row["transaction_id"],
        "shop": holder.holder_name,
        "holding": holder.holding,
        "amount": row["amount"],
        "payer_total": row["payer_amount"],
        "promotions": json.loads(row["promotions"]),
    }


def _row(connection: sqlite3.Connection, number: str) -> sqlite3.Row:
    row = find(connection, number)
    if row is None:
        raise LookupError(number)
    return row


def _notify_url(institution: str) -> str:
    return f"{current_app.config['NOTICES_URL']}/notify/{institution}"


def _digits(start: str, now: float) -> str:
    day = f"{clock.beijing(now):%Y%m%d}"
    tail = 28 - len(start) - len(day)
    return f"{start}{day}{secrets.randbelow(10**tail):0{tail}d}"
