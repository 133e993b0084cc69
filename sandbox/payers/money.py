"""The wallets' side of a payment: what the payer gives, what the wallet adds, and where a refund goes back to.

Everything here runs in the caller's `writing()` block, beside the institution's own booking. All amounts are fen.
"""

import secrets
import sqlite3
from dataclasses import dataclass

from sandbox.payers import quotas, reductions
from sandbox.payers.accounts import BALANCE, Account, account, move

UNKNOWN_PLACE = "支付用户零钱"


class CannotPay(Exception):
    """The wallet will not pay this; the text is what it shows to the payer, `english` the same where it is known."""

    def __init__(self, text: str, english: str = "") -> None:
        super().__init__(text)
        self.english = english or text


class CannotReturn(Exception):
    """The card that paid is gone, so nothing can go back to it."""


@dataclass(frozen=True)
class Grant:
    """A part of the price that somebody else gives. `funder` is wallet, merchant or other."""

    grant_id: str
    name: str
    amount: int
    funder: str


@dataclass(frozen=True)
class Paid:
    """`payer_total` left the payer's source; with the promotions it is the whole price.

    `bank_type` is what WeChat's notices say (`CMB_DEBIT`, `OTHERS` for a balance), `card` what people call the source.
    """

    payer_total: int
    promotions: tuple[Grant, ...]
    bank_type: str
    card: str


@dataclass(frozen=True)
class Offer:
    """What the wallet shows before the tap. `problem` is what settling would raise; None when it would pay."""

    total: int
    reduction: int
    payer_total: int
    name: str
    card: str
    problem: CannotPay | None


def offer(
    connection: sqlite3.Connection, *, payer: str, wallet: str, total: int, static_code: bool, now: float
) -> Offer:
    """What a payment of `total` would cost this payer now. Nothing is booked."""
    holder = account(connection, payer, wallet)
    due = reductions.due(connection, payer, wallet, total)
    reduction = due[1] if due else 0
    payer_total, problem = total - reduction, None
    try:
        _refuse(connection, holder, payer_total, static_code=static_code, now=now)
    except CannotPay as reason:
        problem = reason
    card = holder.source_name(holder.source)
    return Offer(total, reduction, payer_total, due[0].name if due else "", card, problem)


def settle(
    connection: sqlite3.Connection,
    *,
    payer: str,
    wallet: str,
    institution: str,
    number: str,
    total: int,
    static_code: bool,
    now: float,
) -> Paid:
    """The payer said yes to `total` of the institution's order `number`: take his part, grant the wallet's.

    The same number again gives the same answer and takes nothing. Raises CannotPay; then nothing has changed.
    """
    holder = account(connection, payer, wallet)
    known = payment(connection, institution, number)
    if known is not None:
        return _paid(connection, known)
    due = reductions.due(connection, payer, wallet, total)
    payer_total = total - (due[1] if due else 0)
    _refuse(connection, holder, payer_total, static_code=static_code, now=now)
    move(connection, payer, wallet, holder.source, -payer_total)
    connection.execute(
        "INSERT INTO payer_payments (institution, number, payer, wallet, source, total, payer_total, static_code,"
        " paid_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (institution, number, payer, wallet, holder.source, total, payer_total, int(static_code), now),
    )
    if due:
        _grant(connection, institution, number, *due)
        if due[0].upcoming:
            reductions.end(connection, payer, wallet, upcoming=True)
    row = payment(connection, institution, number)
    if row is None:
        raise LookupError(number)
    return _paid(connection, row)


def can_receive(connection: sqlite3.Connection, *, institution: str, number: str) -> bool:
    """Whether a refund of this payment can go back: not when the payer has removed the card that paid."""
    row = payment(connection, institution, number)
    if row is None or row["source"] == BALANCE:
        return True
    return account(connection, row["payer"], row["wallet"]).card(row["source"]).state != "removed"


def give_back(
    connection: sqlite3.Connection,
    *,
    institution: str,
    number: str,
    refund_number: str,
    payer_part: int,
    promotion_part: int,
    now: float,
) -> str:
    """A refund has arrived: the payer's part goes back to what paid, the other part to who granted it.

    Gives where it went, in the words of WeChat's `user_received_account`. The same refund number again books nothing.
    A payment that no payer of ours made goes to an unnamed balance. Raises CannotReturn when the card is gone.
    """
    row = payment(connection, institution, number)
    if row is None:
        return UNKNOWN_PLACE
    known = connection.execute(
        "SELECT went_to FROM payer_refunds WHERE institution = ? AND refund_number = ?", (institution, refund_number)
    ).fetchone()
    if known is not None:
        return str(known["went_to"])
    if not can_receive(connection, institution=institution, number=number):
        raise CannotReturn("付款的银行卡已经解绑，退款退不回去")
    holder = account(connection, row["payer"], row["wallet"])
    name = UNKNOWN_PLACE if row["source"] == BALANCE else holder.source_name(row["source"])
    move(connection, row["payer"], row["wallet"], row["source"], payer_part)
    connection.execute(
        "INSERT INTO payer_refunds (institution, refund_number, number, payer_part, promotion_part, went_to,"
        " returned_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (institution, refund_number, number, payer_part, promotion_part, name, now),
    )
    return name


def payment(connection: sqlite3.Connection, institution: str, number: str) -> sqlite3.Row | None:
    """What was taken for an order."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM payer_payments WHERE institution = ? AND number = ?", (institution, number)
    ).fetchone()
    return row


def grants(connection: sqlite3.Connection, institution: str, number: str) -> tuple[Grant, ...]:
    """What others gave to an order."""
    rows = connection.execute(
        "SELECT * FROM payer_grants WHERE institution = ? AND number = ? ORDER BY rowid", (institution, number)
    )
    return tuple(Grant(row["grant_id"], row["name"], row["amount"], row["funder"]) for row in rows)


def _grant(connection: sqlite3.Connection, institution: str, number: str, rule: reductions.Rule, amount: int) -> None:
    connection.execute(
        "INSERT INTO payer_grants (grant_id, institution, number, name, amount, funder) VALUES (?, ?, ?, ?, ?, ?)",
        (str(secrets.randbelow(9 * 10**11) + 10**11), institution, number, rule.name, amount, rule.funder),
    )


def _refuse(
    connection: sqlite3.Connection, holder: Account, payer_total: int, *, static_code: bool, now: float
) -> None:
    name, money = holder.source_name(holder.source), holder.balance
    if holder.source != BALANCE:
        card = holder.card(holder.source)
        money = card.money
        if card.state == "expired":
            raise CannotPay(f"{name}已经过期，请换一种付款方式", "This card has expired. Pay with another one")
        if card.state == "removed":
            raise CannotPay(f"{name}已经解绑，请换一种付款方式", "This card was removed. Pay with another one")
    left = quotas.left(
        connection, payer=holder.payer, wallet=holder.wallet, source=holder.source, grade=holder.level, now=now
    )
    if static_code and payer_total > left.static:
        raise CannotPay(
            f"静态收款码每天最多付 500 元，{name}今天还能付 {yuan(left.static)} 元。请店家出示动态码再扫",
            f"Static codes take ¥500 a day; ¥{yuan(left.static)} is left today. Ask the shop for a dynamic code",
        )
    if left.level is not None and payer_total > left.level:
        raise CannotPay(
            f"{name}今天扫码还能付 {yuan(left.level)} 元，超过了您的认证级别每天的限额",
            f"Your level's daily limit is nearly used: ¥{yuan(left.level)} is left today",
        )
    if payer_total > money:
        raise CannotPay(f"{name}余额不足，请换一种付款方式", "Not enough money there. Pay with another source")


def yuan(fen: int) -> str:
    """`1234` as `12.34`."""
    return f"{fen // 100:,}.{fen % 100:02d}"


def _paid(connection: sqlite3.Connection, row: sqlite3.Row) -> Paid:
    holder = account(connection, row["payer"], row["wallet"])
    bank_type = "OTHERS" if row["source"] == BALANCE else holder.card(row["source"]).bank_type
    return Paid(
        row["payer_total"],
        grants(connection, row["institution"], row["number"]),
        bank_type,
        holder.source_name(row["source"]),
    )
