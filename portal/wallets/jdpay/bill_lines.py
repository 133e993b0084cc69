"""The lines of JD's trade bill, read one by one.

Which column holds what is known from one public parser (jdpay-py): 0 order, 1 JD's number, 2 amount, 3 way of paying,
4 business, 5 state, 6 refunded, 8 and 9 times, 10 refund, 11 fee. UNCONFIRMED: 7 (what promotions gave), 13 (the
merchant), the header's words, and the words in columns 3 to 5. Amounts are yuan; a refund's are negative.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import BinaryIO

from portal.values.day import SHANGHAI
from portal.wallets.bills import BillUnreadable, LineKind, TradeLine
from portal.wallets.jdpay import words
from portal.wallets.port import Acquirer, Wallet

ENCODING = "gb18030"  # GBK and everything that was added to it
_LONGEST_LINE = 16 * 1024
_FEWEST_COLUMNS = 17
_MOST_COLUMNS = 19
_NONE = ("", "-", "-1", "--")
_MOST_FEN = Decimal(2**53)


def read_trades(bill: BinaryIO) -> Iterator[TradeLine]:
    """The payments and refunds in a plain bill; JD's has no line of sums. Raises BillUnreadable."""
    rows = csv.reader(_lines(bill), strict=True)
    first = True
    try:
        for row in rows:
            cells = [_bare(cell) for cell in row]
            header = first and len(cells) > 2 and not _looks_like_amount(cells[2])
            first = False
            if header or not any(cells):
                continue
            yield _line(cells, rows.line_num)
    except csv.Error as error:
        raise BillUnreadable(str(error), line=rows.line_num) from error


def _line(cells: list[str], number: int) -> TradeLine:
    if not _FEWEST_COLUMNS <= len(cells) <= _MOST_COLUMNS:
        raise BillUnreadable(f"{len(cells)} columns", line=number)
    kind = words.BILL_KINDS.get(cells[4])
    if kind is None:
        raise BillUnreadable(f"business {cells[4][:20]}", line=number)
    state = words.BILL_STATES.get(cells[5])
    if state is None:
        raise BillUnreadable(f"state {cells[5][:20]}", line=number)
    amount = _fen(cells[2], number)
    if kind is not LineKind.PAYMENT:
        amount = _fen(cells[6], number) or amount
    amount = abs(amount)
    promotions = abs(_fen(cells[7], number))
    if promotions > amount:
        raise BillUnreadable("promotions exceed the amount", line=number)
    if not cells[0]:
        raise BillUnreadable("no order", line=number)
    refund_no = _told(cells[10])
    if kind is LineKind.REFUND and refund_no is None:
        raise BillUnreadable("a refund without a number", line=number)
    return TradeLine(
        acquirer=Acquirer.JDPAY,
        kind=kind,
        sub_merchant_no=cells[13],
        order_no=cells[0],
        transaction_id=cells[1],
        at=_moment(_told(cells[9]) or cells[8], number),
        amount=amount,
        payer_amount=amount - promotions,
        fee=_yuan(cells[11], number) * 100,
        state=state,
        wallet=words.BILL_WALLETS.get(cells[3], Wallet.UNKNOWN),
        refund_no=refund_no if kind is not LineKind.PAYMENT else None,
    )


def _lines(bill: BinaryIO) -> Iterator[str]:
    """Decoded lines, none longer than any honest one."""
    number = 0
    while raw := bill.readline(_LONGEST_LINE):
        number += 1
        if len(raw) == _LONGEST_LINE and not raw.endswith(b"\n"):
            raise BillUnreadable("an endless line", line=number)
        try:
            yield raw.decode(ENCODING)
        except UnicodeDecodeError as error:
            raise BillUnreadable("not GBK", line=number) from error


def _bare(cell: str) -> str:
    """Numbers come as `="123"` with a tab, so that a spreadsheet leaves them alone."""
    cell = cell.strip()
    if cell.startswith('="') and cell.endswith('"'):
        cell = cell[2:-1].strip()
    return cell.strip("\t ")


def _told(cell: str) -> str | None:
    return None if cell in _NONE else cell


def _looks_like_amount(cell: str) -> bool:
    try:
        return Decimal(cell).is_finite()
    except InvalidOperation:
        return False


def _yuan(cell: str, number: int) -> Decimal:
    if cell in ("", "-"):
        return Decimal(0)
    if len(cell) > 24 or not _looks_like_amount(cell):
        raise BillUnreadable(f"amount {cell[:24]}", line=number)
    return Decimal(cell)


def _fen(cell: str, number: int) -> int:
    fen = _yuan(cell, number) * 100
    if abs(fen) > _MOST_FEN or fen != fen.to_integral_value():
        raise BillUnreadable(f"amount {cell[:24]}", line=number)
    return int(fen)


def _moment(cell: str, number: int) -> datetime:
    for form in ("%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S"):
        try:
            return datetime.strptime(cell, form).replace(tzinfo=SHANGHAI).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    raise BillUnreadable(f"moment {cell[:24]}", line=number)
