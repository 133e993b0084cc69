"""A wallet's bill of the loaded payments, with every sort of lie in known places, and what must be found."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bench.stand import FEE_RATE_BP, sub_merchant_no
from portal.values.day import in_shanghai
from portal.values.money import fee_of
from portal.wallets.wechat.bill_kinds import ALL

# Of every four thousand lines: two amounts off by a fen, four left out, three told that nobody knows, one told twice,
# and one of an order that was never paid here. The bill has as many lines as there are payments.
ROUND = 4_000
_WRONG, _MISSING, _STRANGE, _TWICE, UNPAID = (7, 2_007), (13, 1_013, 2_013, 3_013), (17, 1_017, 2_017), (23,), (29,)

# Difference, number, the bill's fen, our fen.
Difference = tuple[str, str, int | None, int | None]


@dataclass
class Written:
    """A bill on disk: its lines, and the differences it must lead to. `unpaid` are to be unpaid on our side."""

    path: Path
    lines: int = 0
    unpaid: list[tuple[int, str]] = field(default_factory=list)
    differences: set[Difference] = field(default_factory=set)


def write(facts: Path, target: Path) -> Written:
    """Write the bill of all `facts`, which are of one day, in the order in which a wallet has them: by time."""
    written = Written(target)
    sums = {"amount": 0, "fee": 0}
    with facts.open(encoding="utf-8", newline="") as given, target.open("w", encoding="utf-8", newline="") as bill:
        bill.write(",".join(ALL.columns) + "\r\n")
        for place, order in enumerate(csv.DictReader(given)):
            for number, amount in _told(written, place, order):
                fee = fee_of(amount, FEE_RATE_BP)
                bill.write(_line(order, number, amount, fee))
                written.lines += 1
                sums["amount"] += amount
                sums["fee"] += fee
        bill.write(_sums(written.lines, sums))
    return written


def _told(written: Written, place: int, order: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """What the bill says of one order of ours: (number, fen), mostly once and rightly."""
    number, amount, turn = order["payment_no"], int(order["amount"]), place % ROUND
    found = written.differences
    if turn in _MISSING:
        found.add(("local_only", number, None, amount))
        return
    if turn in _WRONG:
        found.add(("amount", number, amount + 1, amount))
        yield number, amount + 1
        return
    yield number, amount
    if turn in _STRANGE:
        stranger = f"{number[:-4]}ZZZZ"
        found.add(("channel_only", stranger, amount, None))
        yield stranger, amount
    elif turn in _TWICE:
        found.add(("duplicate", number, amount, None))
        yield number, amount
    elif turn in UNPAID:
        written.unpaid.append((int(order["merchant_id"]), number))
        found.add(("status", number, amount, 0))


def _line(order: Mapping[str, str], number: str, amount: int, fee: int) -> str:
    at = f"{in_shanghai(datetime.fromisoformat(order['paid_at'])):%Y-%m-%d %H:%M:%S}"
    merchant_no = sub_merchant_no(int(order["merchant_id"]))
    paid, discount = _yuan(amount), _yuan(int(order["discount"]))
    return (
        f"`{at},`wx0000000000000001,`1900000001,`{merchant_no},`,`{order['transaction_no']},`{number},"
        f"`o{order['payer_blind'][:27]},`JSAPI,`SUCCESS,`OTHERS,`CNY,`{paid},`{discount},"
        f"`0,`0,`0.00,`0.00,`,`,`摊位收款,`,`{_yuan(fee)},`0.38%,`{paid},`0.00,`\r\n"
    )


def _sums(lines: int, sums: Mapping[str, int]) -> str:
    paid = _yuan(sums["amount"])
    return f"{','.join(ALL.totals)}\r\n`{lines},`{paid},`0.00,`0.00,`{_yuan(sums['fee'])},`{paid},`0.00\r\n"


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
