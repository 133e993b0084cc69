"""What happened, before anybody has written it down: a line for each paid order, by merchant and time."""

import csv
import hashlib
import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TextIO

from portal.values.day import business_date, day_bounds
from portal.values.references import Kind, mint

PROCESSES = 2
_PAID_AFTER, _TOLD_AFTER = timedelta(seconds=20), timedelta(seconds=21)
# Most pay in full; every fifth has a discount of the wallet, every seventh a note.
_DISCOUNT_EVERY, _DISCOUNT, _NOTE_EVERY = 5, 50, 7
_NOTES = ("三斤橙子", "=SUM(A1:A9)", '少糖, "去冰"', "给张姐留的\n下午来拿")
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class PaidOrder:
    """One order of code 1 that was paid through WeChat Pay. Amounts in fen; empty text is nothing."""

    merchant_id: int
    payment_no: str
    amount: int
    discount: int
    transaction_no: str
    payer_blind: str
    note: str
    form_key: str
    created_at: datetime
    paid_at: datetime
    told_at: datetime
    day: date


COLUMNS = tuple(field.name for field in fields(PaidOrder))


@dataclass(frozen=True)
class Trade:
    """`each` orders for each of `merchants`, spread evenly over `days` days from `first` on."""

    merchants: range
    each: int
    first: date
    days: int


def write(path: Path, trade: Trade, *, reference_key: bytes) -> None:
    """Write the facts as CSV, made by two processes, in the order of merchant and time."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(COLUMNS)
        chunks = [(trade, part, reference_key) for part in _parts(trade)]
        if len(chunks) == 1:
            file.write(_text(chunks[0]))
            return
        with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
            for text in pool.imap(_text, chunks):
                file.write(text)


def save(path: Path, orders: Iterable[PaidOrder]) -> None:
    """Write facts that are already known."""
    with path.open("w", encoding="utf-8", newline="") as file:
        _save(file, orders)


def orders_of(merchant_id: int, trade: Trade, places: range, *, reference_key: bytes) -> Iterator[PaidOrder]:
    """The merchant's orders at `places` of his `trade.each`, every day's share of them between 06:00 and 22:00."""
    per_day = -(-trade.each // trade.days)
    pace = timedelta(hours=16) / per_day
    opens = day_bounds(trade.first)[0] + timedelta(hours=6)
    for place in places:
        day, turn = divmod(place, per_day)
        created = opens + day * _DAY + turn * pace
        number = mint(Kind.ORDER, merchant_id, key=reference_key, now=created)
        amount = 500 + (merchant_id * 31 + place * 977) % 9_500
        yield PaidOrder(
            merchant_id=merchant_id,
            payment_no=number,
            amount=amount,
            discount=0 if place % _DISCOUNT_EVERY else _DISCOUNT,
            transaction_no=f"42000{merchant_id:011d}{place:012d}",
            payer_blind=hashlib.sha256(number.encode()).hexdigest(),
            note="" if place % _NOTE_EVERY else _NOTES[place % len(_NOTES)],
            form_key=f"f{number}",
            created_at=created,
            paid_at=created + _PAID_AFTER,
            told_at=created + _TOLD_AFTER,
            day=business_date(created + _PAID_AFTER),
        )


def _parts(trade: Trade) -> Sequence[tuple[range, range]]:
    """Pieces of some 20,000 orders: a handful of merchants, or a stretch of one merchant's orders."""
    at_once = 20_000
    if trade.each >= at_once:
        places = [range(at, min(at + at_once, trade.each)) for at in range(0, trade.each, at_once)]
        return [(range(one, one + 1), part) for one in trade.merchants for part in places]
    step = max(1, at_once // trade.each)
    found = trade.merchants
    return [(found[at : at + step], range(trade.each)) for at in range(0, len(found), step)]


def _text(chunk: tuple[Trade, tuple[range, range], bytes]) -> str:
    trade, (merchants, places), key = chunk
    lines = _Lines()
    written = csv.writer(lines)
    for merchant_id in merchants:
        written.writerows(astuple(order) for order in orders_of(merchant_id, trade, places, reference_key=key))
    return "".join(lines)


class _Lines(list[str]):
    """A list that a CSV writer can write to."""

    def write(self, line: str) -> None:
        self.append(line)


def _save(file: TextIO, orders: Iterable[PaidOrder]) -> None:
    written = csv.writer(file)
    written.writerow(COLUMNS)
    written.writerows(astuple(order) for order in orders)
