"""Sheets as a table for bookkeeping programs: every column of amounts may be added up, each amount stands once."""

import csv
import io
from collections.abc import Iterable, Iterator

from flask_babel import gettext as _

from portal.settlement.days import Day, Institution
from portal.settlement.queries import SheetRow
from portal.settlement.rules import Line
from portal.settlement.words import ACQUIRER_WORDS, WALLET_WORDS, moment_text, paid_words
from portal.values.cells import csv_text, csv_yuan

# The mark by which Excel knows UTF-8.
_MARK = "\ufeff"


def csv_of(shop: str, days: Iterable[Day]) -> bytes:
    """RFC 4180 in UTF-8: a line for each acquirer and wallet, for what stands there of earlier days, for the rebate,
    and for what each institution has paid."""
    text = io.StringIO(newline="")
    text.write(_MARK)
    written = csv.writer(text)
    written.writerow(headings())
    for day in days:
        written.writerows(_rows(shop, day))
    return text.getvalue().encode()


def headings() -> list[str]:
    """The columns, amounts in yuan; refunds and fees are negative, so that a row adds up to what is owed."""
    return [
        *(_("日结单日期"), _("所属日期"), _("类别"), _("店名"), _("收单机构"), _("付款钱包"), _("收款笔数")),
        *(_("收款金额（元）"), _("退款笔数"), _("退款金额（元）"), _("手续费（元）"), _("挂账及更正（元）")),
        *(
            _("应到账（元）"),
            _("已到账（元）"),
            _("返现（元）"),
            _("其中钱包立减（元）"),
            _("说明"),
            _("封存时间"),
            _("指纹"),
        ),
    ]


def _rows(shop: str, day: Day) -> Iterator[list[str | int]]:
    row, figures = day.row, day.row.figures
    for line in figures.lines:
        yield _line(shop, row, figures.day.isoformat(), _("本日"), line)
    for one in figures.earlier:
        for line in one.lines:
            yield _line(shop, row, one.day.isoformat(), _("补记以前日期"), line)
    if figures.rebate.accrued or figures.rebate.taken_back:
        yield _row(shop, row, _("返现"), _("服务商另付"), {14: csv_yuan(figures.rebate.kept)})
    for institution in day.institutions:
        yield _paid(shop, row, institution)


def _line(shop: str, row: SheetRow, about: str, kind: str, line: Line) -> list[str | int]:
    return [
        *(row.day.isoformat(), about, kind, csv_text(shop)),
        *(str(ACQUIRER_WORDS[line.acquirer]), str(WALLET_WORDS[line.wallet]), line.count, csv_yuan(line.gross)),
        *(line.refund_count, csv_yuan(-line.refunds), csv_yuan(-line.fee), csv_yuan(line.held + line.other)),
        *(csv_yuan(line.owed), "", "", csv_yuan(line.discount), "", moment_text(row.sealed_at), csv_text(row.seal)),
    ]


def _paid(shop: str, row: SheetRow, one: Institution) -> list[str | int]:
    """Not known is a word, never a figure."""
    known = one.standing.paid is not None
    told = {4: str(ACQUIRER_WORDS[one.acquirer]), 13: csv_yuan(one.standing.paid)}
    return _row(shop, row, _("已到账"), "" if known else paid_words(one), told)


def _row(shop: str, row: SheetRow, kind: str, note: str, told: dict[int, str]) -> list[str | int]:
    day = row.day.isoformat()
    head = {
        0: day,
        1: day,
        2: kind,
        3: csv_text(shop),
        16: note,
        17: moment_text(row.sealed_at),
        18: csv_text(row.seal),
    }
    return [{**head, **told}.get(place, "") for place in range(19)]
