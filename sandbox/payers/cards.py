"""Card maintenance: bind, let expire, renew, remove, and choose which source pays."""

import sqlite3

from sandbox.payers.accounts import BALANCE, BANKS, Account, Card, account, card_id

KINDS = ("debit", "credit")
FIRST_MONEY = 1_000_000  # fen on a card that is bound without saying more
SHORTEST, LONGEST = 16, 19  # digits of a bank card's number


class BadCard(ValueError):
    """The card cannot be bound, or what was asked cannot be done with it. `english` is the same sentence."""

    def __init__(self, text: str, english: str) -> None:
        super().__init__(text)
        self.english = english


def bind(
    connection: sqlite3.Connection, payer: str, wallet: str, *, bank: str, kind: str, number: str, money: int
) -> Card:
    """Add a card, or take a removed one back. Only the last four digits of `number` are kept. Raises BadCard."""
    holder = account(connection, payer, wallet)
    digits = number.replace(" ", "").replace("-", "")
    if bank not in BANKS or kind not in KINDS:
        raise BadCard("请选一家银行，再选储蓄卡或信用卡。", "Choose a bank, then debit or credit.")
    if not (digits.isascii() and digits.isdigit() and SHORTEST <= len(digits) <= LONGEST):
        raise BadCard("卡号是 16 到 19 位数字。", "A card number has 16 to 19 digits.")
    if not 0 <= money <= 10**12:
        raise BadCard("卡里的钱要在 0 到 100 亿元之间。", "The money on the card is out of range.")
    new = card_id(bank, kind, digits[-4:])
    if any(card.id == new for card in holder.in_use):
        raise BadCard("这张卡已经绑定了。", "This card is bound already.")
    connection.execute(
        "INSERT INTO payer_cards (payer, wallet, card, bank, kind, tail, money, bound)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(bound), 0) + 1 FROM payer_cards))"
        " ON CONFLICT (payer, wallet, card) DO UPDATE SET state = 'bound', money = excluded.money",
        (payer, wallet, new, bank, kind, digits[-4:], money),
    )
    return account(connection, payer, wallet).card(new)


def use(connection: sqlite3.Connection, payer: str, wallet: str, source: str) -> Account:
    """Let `balance` or a card pay from now on. Raises BadCard, NoSuchThing."""
    holder = account(connection, payer, wallet)
    if source != BALANCE:
        _bound(holder, source, "bound")
    connection.execute("UPDATE payer_accounts SET source = ? WHERE payer = ? AND wallet = ?", (source, payer, wallet))
    return account(connection, payer, wallet)


def expire(connection: sqlite3.Connection, payer: str, wallet: str, card: str) -> Account:
    """The card's date passes: it stays in the wallet and pays no more, but still receives refunds."""
    return _become(connection, payer, wallet, card, before="bound", after="expired")


def renew(connection: sqlite3.Connection, payer: str, wallet: str, card: str) -> Account:
    """The bank has sent a new one with a later date."""
    return _become(connection, payer, wallet, card, before="expired", after="bound")


def remove(connection: sqlite3.Connection, payer: str, wallet: str, card: str) -> Account:
    """Unbind it. If it was the one that pays, the next card does, else the balance."""
    holder = account(connection, payer, wallet)
    if holder.card(card).state == "removed":
        raise BadCard("这张卡已经解绑了。", "This card is removed already.")
    _set(connection, payer, wallet, card, "removed")
    if holder.source == card:
        rest = [other.id for other in holder.in_use if other.id != card and other.state == "bound"]
        use(connection, payer, wallet, BALANCE if wallet == "wechat" or not rest else rest[0])
    return account(connection, payer, wallet)


ACTS = {"use": use, "expire": expire, "renew": renew, "remove": remove}


def _become(connection: sqlite3.Connection, payer: str, wallet: str, card: str, *, before: str, after: str) -> Account:
    _bound(account(connection, payer, wallet), card, before)
    _set(connection, payer, wallet, card, after)
    return account(connection, payer, wallet)


def _bound(holder: Account, card: str, state: str) -> None:
    now = holder.card(card).state
    if now == state:
        return
    chinese = {"bound": "这张卡没有过期。", "expired": "这张卡已经过期。", "removed": "这张卡已经解绑。"}
    english = {"bound": "This card has not expired.", "expired": "This card has expired.", "removed": "Card removed."}
    raise BadCard(chinese[now], english[now])


def _set(connection: sqlite3.Connection, payer: str, wallet: str, card: str, state: str) -> None:
    connection.execute(
        "UPDATE payer_cards SET state = ? WHERE payer = ? AND wallet = ? AND card = ?", (state, payer, wallet, card)
    )
