"""What stands on the owner's home: the day, what only he can do, and where his application stands."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import url_for
from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.codes import queries as codes
from portal.identity import queries as people
from portal.merchants import queries as merchants
from portal.merchants.queries import ApplicationRow, WalletApplicationRow
from portal.merchants.words import FUNCTION_WORDS
from portal.payments import queries as payments
from portal.payments.queries import DayRow, PaymentRow
from portal.plumbing.clock import now
from portal.plumbing.pages import clock_time, day_words, moment_words
from portal.receipts import queries as receipts
from portal.receipts.words import count_words, money_words, standing_words, wallet_word
from portal.refunds import queries as refunds
from portal.refunds.rules import DECIDERS, State
from portal.settlement import days as settled
from portal.settlement import queries as settlement
from portal.settlement.words import stand_words
from portal.today import queries
from portal.today.rules import Chart, Part, chart, split, week_before
from portal.values.day import business_date, day_bounds, in_shanghai
from portal.wallets.applications import ApplicationState

_SHOWN = 5
_SHEET_DAYS = 3
# What the owner himself has to do at a wallet.
_OWNERS_TURN = (ApplicationState.TO_BE_CONFIRMED, ApplicationState.TO_BE_SIGNED)
_SAID_NO = (ApplicationState.REJECTED, ApplicationState.CANCELED)


@dataclass(frozen=True)
class NextAction:
    """The one thing that only the owner can do now."""

    kind: str
    icon: str
    text: str
    href: str


@dataclass(frozen=True)
class Today:
    """The day in figures (fen), compared with the same weekday a week ago up to the same time."""

    day: DayRow
    parts: list[Part]
    chart: Chart
    ahead: int | None
    weekday: str
    rows: list[tuple[PaymentRow, tuple[str, str]]]


@dataclass(frozen=True)
class LastSheet:
    """The newest sealed day: its title, its sums in words, what is owed of it in fen, and how it stands."""

    title: str
    second: str
    fen: int
    href: str
    stand: tuple[str, str]


def last_sheet(session: Session, merchant_id: int) -> LastSheet | None:
    """Yesterday's, as a rule; older ones are found in the month."""
    row = settlement.last_sheet(session, merchant_id)
    if row is None or (business_date(now()) - row.day).days > _SHEET_DAYS:
        return None
    total = row.figures.total
    return LastSheet(
        _("%(day)s的日结单", day=day_words(row.day)),
        _("%(count)s · 收款 %(amount)s", count=count_words(total.count), amount=money_words(total.gross)),
        total.owed + row.figures.earlier_total.owed,
        url_for("settlement.sheet", day=row.day.isoformat()),
        stand_words(settled.stands(session, merchant_id, [row])[row.day]),
    )


def today(session: Session, merchant_id: int) -> Today:
    """Everything the first card and the last receipts need."""
    moment = now()
    day = business_date(moment)
    before = week_before(day)
    old_start, _end = day_bounds(before)
    hours, old_hours = queries.hours(session, merchant_id, day), queries.hours(session, merchant_id, before)
    sums = payments.day(session, merchant_id, day)
    newest = receipts.newest(session, merchant_id, most=_SHOWN)
    states = refunds.open_states(session, merchant_id, [row.payment_no for row in newest])
    ahead = None
    if old_hours:
        until = moment - timedelta(days=7)
        ahead = sums.received - queries.received_until(session, merchant_id, start=old_start, end=until)
    return Today(
        sums,
        split(hours),
        chart(hours, old_hours, hour=in_shanghai(moment).hour),
        ahead,
        format_date(before, _("EEE")),
        [(row, standing_words(row, states.get(row.payment_no))) for row in newest],
    )


def warnings(session: Session, merchant_id: int) -> list[str]:
    """Functions taken away for now, each with its reason and its way out."""
    held = merchants.restrictions(session, merchant_id, now=now())
    return [
        _(
            "%(function)s暂停了：%(reason)s。%(way_out)s",
            function=words,
            reason=held[key].reason,
            way_out=held[key].way_out,
        )
        for key, words in FUNCTION_WORDS.items()
        if key in held
    ]


def next_action(session: Session, merchant_id: int, *, role: str) -> NextAction | None:
    """The first thing only the owner can do: a refund that needs him, a wallet that waits for him, a code to get.

    His manager decides about refunds too.
    """
    owner = role == "owner"
    his = [State.PENDING_APPROVAL, State.ABNORMAL] if role in DECIDERS else [State.ABNORMAL]
    stuck = refunds.oldest_in(session, merchant_id, his)
    if stuck is not None:
        amount = money_words(stuck.amount)
        words = _("退款 %(amount)s 卡住了，要您处理", amount=amount)
        if stuck.state == State.PENDING_APPROVAL:
            clerk = people.person(session, stuck.asked_by) if stuck.asked_by else None
            who = clerk.name if clerk else _("店员")
            words = _("%(who)s申请退款 %(amount)s，等您同意", who=who, amount=amount)
        return NextAction("warn", "return", words, url_for("refunds.refund", number=stuck.refund_no))
    if owner:
        for acquirer, standing in sorted(merchants.wallet_applications(session, merchant_id).items()):
            if standing.state in _OWNERS_TURN:
                return NextAction(
                    "warn", "clock", _("%(wallet)s等您签约", wallet=wallet_word(acquirer)), "/application"
                )
            if standing.state in _SAID_NO:
                return NextAction(
                    "warn", "clock", _("%(wallet)s没有通过，看看要改什么", wallet=wallet_word(acquirer)), "/application"
                )
    if not any(code.state == "active" for code in codes.codes(session, merchant_id)):
        return NextAction("warn", "code", _("还没有收款码，先领一个"), "/codes")
    return None


def announced(row: PaymentRow) -> dict[str, Any]:
    """One receipt as the announcer shows it: wallet, fen, time, and which one of which day it is."""
    paid_at = row.paid_at or row.created_at
    if business_date(paid_at) == business_date(now()):
        note = _("今天第 %(no)s 笔 · %(time)s", no=row.day_number, time=clock_time(paid_at, True))
    else:
        note = _("第 %(no)s 笔 · %(time)s", no=row.day_number, time=moment_words(paid_at))
    return {"wallet": row.wallet, "fen": row.amount, "time": clock_time(paid_at), "note": note}


def standing(row: ApplicationRow | None, at_wallets: dict[str, WalletApplicationRow]) -> dict[str, Any]:
    """Where a merchant that cannot receive yet stands: heading, lines, the button, and the sign."""
    if row is None or row.state == "draft":
        return {
            "kind": "note",
            "title": _("还差一步，开通收款"),
            "lines": [_("填好四项资料，一般 10 分钟。"), _("通过后，微信、京东都能付。")],
            "button": _("开始填资料") if row is None else _("接着填资料"),
        }
    if row.state == "returned":
        return {"kind": "bad", "title": _("资料要改一下"), "lines": [row.reason], "button": _("去改资料")}
    if row.state == "submitted":
        return {
            "kind": "wait",
            "title": _("资料交上来了，正在审核"),
            "lines": [_("一码一般当天审核。"), _("结果会用短信告诉您。")],
            "button": _("看进度"),
        }
    states = {standing.state for standing in at_wallets.values()}
    if states & set(_OWNERS_TURN):
        return {"kind": "wait", "title": _("等您签约"), "lines": [_("签好就能收款。")], "button": _("去签约")}
    if states and states <= set(_SAID_NO):
        return {"kind": "bad", "title": _("钱包没有通过"), "lines": [_("看看原因，改好再交。")], "button": _("看原因")}
    return {
        "kind": "wait",
        "title": _("一码已通过，钱包正在开通"),
        "lines": [_("微信支付、京东支付各自审核，"), _("开通一个就能先收款。")],
        "button": _("看进度"),
    }
