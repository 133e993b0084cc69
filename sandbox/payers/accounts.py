"""What a person has at one wallet: verification level, balance, cards, and which of them pays.

A person nobody has heard of gets the same two accounts as the demo payer the moment he is asked for.
"""

import sqlite3
from dataclasses import dataclass

WALLETS = ("wechat", "jdpay")
BALANCE = "balance"
# Bank of a card: what people call it, and the code that the institutions' notices carry.
BANKS = {
    "CMB": "招商银行",
    "ICBC": "工商银行",
    "CCB": "建设银行",
    "ABC": "农业银行",
    "BOC": "中国银行",
    "PSBC": "邮储银行",
    "SPDB": "浦发银行",
}
BALANCE_NAMES = {"wechat": "零钱", "jdpay": "小金库"}
_KINDS = {"debit": "储蓄卡", "credit": "信用卡"}
_FIRST_BALANCE = {"wechat": 1_000_000, "jdpay": 0}
_FIRST_CARDS = {
    "wechat": (("CMB", "debit", "6789", 2_000_000), ("ICBC", "credit", "0403", 1_000_000)),
    "jdpay": (("CCB", "debit", "2231", 2_000_000), ("CMB", "credit", "5518", 1_000_000)),
}


class NoSuchThing(LookupError):
    """There is no such wallet, card or source; the text says which."""


@dataclass(frozen=True)
class Card:
    """`money` is what can be spent from it, in fen; `state` is bound, expired or removed."""

    id: str
    bank: str
    kind: str
    tail: str
    money: int
    state: str

    @property
    def name(self) -> str:
        """As wallets and WeChat's refund notice write it: 招商银行储蓄卡6789."""
        return f"{BANKS[self.bank]}{_KINDS[self.kind]}{self.tail}"

    @property
    def english(self) -> str:
        """The same for a page in English."""
        return f"{self.bank} {self.kind} card {self.tail}"

    @property
    def bank_type(self) -> str:
        """As the notices write it: CMB_DEBIT."""
        return f"{self.bank}_{self.kind.upper()}"


@dataclass(frozen=True)
class Account:
    """One person at one wallet. `source` pays next: `balance` or a card's id. `balance` in fen."""

    payer: str
    wallet: str
    level: str
    balance: int
    source: str
    cards: tuple[Card, ...]

    def card(self, card_id: str) -> Card:
        """That card, removed ones too. Raises NoSuchThing."""
        for card in self.cards:
            if card.id == card_id:
                return card
        raise NoSuchThing(f"没有这张卡：{card_id}")

    @property
    def in_use(self) -> tuple[Card, ...]:
        """The cards that the wallet shows."""
        return tuple(card for card in self.cards if card.state != "removed")

    def source_name(self, source: str) -> str:
        """What people call a source."""
        return BALANCE_NAMES[self.wallet] if source == BALANCE else self.card(source).name

    def source_english(self, source: str) -> str:
        """The same for a page in English."""
        return "Balance" if source == BALANCE else self.card(source).english


def card_id(bank: str, kind: str, tail: str) -> str:
    """The id of a card: `cmb-debit-6789`."""
    return f"{bank.lower()}-{kind}-{tail}"


def account(connection: sqlite3.Connection, payer: str, wallet: str) -> Account:
    """The person's account, made when it is not there yet. Raises NoSuchThing for another wallet."""
    if wallet not in WALLETS:
        raise NoSuchThing(f"没有这个钱包：{wallet}")
    row = _row(connection, payer, wallet) or _open(connection, payer, wallet)
    cards = connection.execute(
        "SELECT * FROM payer_cards WHERE payer = ? AND wallet = ? ORDER BY bound", (payer, wallet)
    ).fetchall()
    return Account(
        payer,
        wallet,
        row["level"],
        row["balance"],
        row["source"],
        tuple(Card(c["card"], c["bank"], c["kind"], c["tail"], c["money"], c["state"]) for c in cards),
    )


def move(connection: sqlite3.Connection, payer: str, wallet: str, source: str, amount: int) -> None:
    """Add to a source, or take from it with a negative `amount` in fen. The caller has looked that it suffices."""
    if source == BALANCE:
        connection.execute(
            "UPDATE payer_accounts SET balance = balance + ? WHERE payer = ? AND wallet = ?", (amount, payer, wallet)
        )
    else:
        connection.execute(
            "UPDATE payer_cards SET money = money + ? WHERE payer = ? AND wallet = ? AND card = ?",
            (amount, payer, wallet, source),
        )


def _row(connection: sqlite3.Connection, payer: str, wallet: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM payer_accounts WHERE payer = ? AND wallet = ?", (payer, wallet)
    ).fetchone()
    return row


def _open(connection: sqlite3.Connection, payer: str, wallet: str) -> sqlite3.Row:
    first = _FIRST_CARDS[wallet]
    source = BALANCE if wallet == "wechat" else card_id(*first[0][:3])
    row: sqlite3.Row = connection.execute(
        "INSERT INTO payer_accounts (payer, wallet, level, balance, source) VALUES (?, ?, 'B', ?, ?) RETURNING *",
        (payer, wallet, _FIRST_BALANCE[wallet], source),
    ).fetchone()
    for position, (bank, kind, tail, money) in enumerate(first, start=1):
        connection.execute(
            "INSERT INTO payer_cards (payer, wallet, card, bank, kind, tail, money, bound)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (payer, wallet, card_id(bank, kind, tail), bank, kind, tail, money, position),
        )
    return row
