"""对账: the days with what is open, and one day's sums, bills and differences."""

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _
from flask_login import current_user

from portal.identity.rules import StaffRole
from portal.plumbing.clock import now
from portal.plumbing.web import Audience, guard, staff_database
from portal.reconciliation import operations as bills
from portal.reconciliation import queries
from portal.reconciliation.asking import compare_again
from portal.reconciliation.queries import BatchRow, ItemRow, ProposalRow, Waiting, Wish, side_of
from portal.reconciliation.rules import SETTLED, BatchState, Difference, ItemState, stage
from portal.reconciliation.ways import ways
from portal.staff import words
from portal.staff.forms import DecideItemForm
from portal.staff.views.blueprint import blueprint, has_role
from portal.staff.words import REFUSAL_WORDS
from portal.values.cells import csv_text, csv_yuan
from portal.values.day import business_date, in_shanghai
from portal.values.errors import NotAllowedNow
from portal.wallets.bills import BillKind

DAYS = 31
DAY = "/reconciliation/<day>"
# Whoever worked on a bill and has not shown a sign of life for so long works no more.
_ALIVE = timedelta(minutes=2)
_FILTERS = ("acquirer", "wallet", "difference", "state", "merchant", "least")
# Of the bills that stand alike, so many merchants are named.
_NAMED = 5


@dataclass(frozen=True)
class Group:
    """Bills of one acquirer and kind that stand alike; `numbers` names the merchants of some of them."""

    row: BatchRow
    count: int
    lines: int
    numbers: tuple[str, ...]


@blueprint.get("/reconciliation")
@guard(Audience.STAFF)
def reconciliation() -> ResponseReturnValue:
    with staff_database().transaction() as session:
        rows = queries.days(session, most=DAYS)
    return render_template("staff/days.html", rows=rows, most=DAYS)


@blueprint.get(DAY)
@guard(Audience.STAFF)
def reconciled_day(day: str) -> ResponseReturnValue:
    return day_page(read_day(day), None)


@blueprint.get(f"{DAY}/differences.csv")
@guard(Audience.STAFF)
def differences_file(day: str) -> ResponseReturnValue:
    """Every difference of the day for a spreadsheet; amounts in yuan, numbers as text."""
    known = read_day(day)
    with staff_database().transaction() as session:
        rows = queries.every_item(session, known)
    body = io.StringIO()
    table = csv.writer(body, lineterminator="\r\n")
    table.writerow([str(title) for title in words.DIFFERENCE_COLUMNS])
    for row in rows:
        table.writerow(_cells(row))
    # A spreadsheet takes a file for UTF-8 by these three bytes only.
    return Response(
        "\ufeff" + body.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": f"attachment; filename=differences-{known.isoformat()}.csv"},
    )


@blueprint.post(f"{DAY}/again")
@guard(Audience.STAFF, StaffRole.FINANCE)
def compare_day_again(day: str) -> ResponseReturnValue:
    known = read_day(day)
    with staff_database().transaction() as session:
        if not queries.batches(session, known):
            abort(HTTPStatus.NOT_FOUND)
        compare_again(session, known)
    flash(_("已经开始，可以离开，回来再看进度"), "ok")
    return redirect(url_for("staff.reconciled_day", day=day))


@blueprint.post(f"{DAY}/close")
@guard(Audience.STAFF, StaffRole.FINANCE)
def close_day(day: str) -> ResponseReturnValue:
    known = read_day(day)
    try:
        with staff_database().transaction() as session:
            bills.close_day(session, known, actor=current_user.actor, now=now())
    except NotAllowedNow as refusal:
        flash(REFUSAL_WORDS[refusal.reason], "bad")
    else:
        flash(_("已关账"), "ok")
    return redirect(url_for("staff.reconciled_day", day=day))


def day_page(day: date, form: DecideItemForm | None, chosen: int | None = None) -> str:
    """One day with one difference beside it; `form` is what was sent about it, with what was wrong."""
    wish = _wish()
    with staff_database().transaction() as session:
        rows = queries.batches(session, day)
        items = queries.items(session, day, wish=wish)
        at = _chosen(items, chosen or request.args.get("at", 0, type=int))
        sums = queries.sums(session, day)
        waiting = queries.waiting_of_day(session, day, today=business_date(now()))
        proposed = queries.waiting(session, [item.item_id for item in items])
        earlier = queries.proposals(session, at.item_id) if at else []
    if not rows:
        abort(HTTPStatus.NOT_FOUND)
    place = items.index(at) if at else 0
    return render_template(
        "staff/day.html",
        day=day,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1),
        groups=_groups(rows),
        weekday=format_date(day, "EEE"),
        moment_of=lambda moment: moment_on(day, moment),
        state=stage(_states(rows)),
        may_close=not waiting.total and all(row.state in SETTLED for row in rows),
        stages=_stages(rows, waiting),
        running=[row for row in rows if _is_running(row)],
        items=items,
        most=queries.ITEMS_MOST,
        at=at,
        newer=items[place - 1] if place else None,
        older=items[place + 1] if place + 1 < len(items) else None,
        offered=ways(side_of(at)) if at else (),
        form=form or (DecideItemForm(offered=ways(side_of(at))) if at else None),
        wish=wish,
        options=_options(),
        why_not=_why_not(proposed.get(at.item_id)) if at else "",
        may_decide=has_role(StaffRole.FINANCE),
        sums=sums,
        waiting=waiting,
        proposed=proposed,
        earlier=earlier,
    )


def read_day(day: str) -> date:
    """A day as addresses write it, else there is no such page."""
    try:
        known = date.fromisoformat(day)
    except ValueError:
        abort(HTTPStatus.NOT_FOUND)
    if known.isoformat() != day or not 2000 <= known.year <= 2999:
        abort(HTTPStatus.NOT_FOUND)
    return known


def _cells(row: ItemRow) -> list[str]:
    amounts = (row.bill_amount, row.our_amount, row.off_by, row.bill_fee, row.our_fee)
    before = (
        *(words.DIFFERENCE_WORDS[Difference(row.difference)][1], words.SORT_WORDS[row.sort]),
        in_shanghai(row.at).strftime("%Y-%m-%d %H:%M:%S"),
        *(row.merchant_id or "", row.merchant_name, row.merchant_no, words.ACQUIRER_WORDS[row.key.acquirer]),
        *(words.PAYER_WALLET_WORDS[row.wallet], row.number, row.order_no, row.transaction_no),
    )
    after = (words.ITEM_STATE_WORDS[ItemState(row.state)][1], row.decided_by, row.reason)
    return [
        *(csv_text(str(value)) for value in before),
        *map(csv_yuan, amounts),
        *(csv_text(str(value)) for value in after),
    ]


def _wish() -> Wish:
    """The view as the address says it; what makes no sense is no wish."""
    asked = {name: request.args.get(name, "")[:20] for name in _FILTERS}
    options = _options()
    plain = {name: asked[name] if asked[name] in dict(options[name]) else "" for name in options}
    merchant = asked["merchant"].upper().removeprefix("M-").replace("-", "")
    return Wish(
        acquirer=plain["acquirer"],
        wallet=plain["wallet"],
        difference=plain["difference"],
        state=plain["state"] or "open",
        merchant=int(merchant) if merchant.isascii() and merchant.isdigit() else None,
        least=int(plain["least"] or 0),
    )


def _options() -> dict[str, list[tuple[str, Any]]]:
    every = ("", _("全部"))
    return {
        "acquirer": [every, *words.ACQUIRER_WORDS.items()],
        "wallet": [every, *words.PAYER_WALLET_WORDS.items()],
        "difference": [every, *((str(kind), word[1]) for kind, word in words.DIFFERENCE_WORDS.items())],
        "state": [
            ("open", _("未完结")),
            *(("proposed", _("等第二人")), ("on_hold", _("挂账")), ("over", _("已完结")), ("all", _("全部"))),
        ],
        "least": [("", _("不限")), ("100", "≥ 1.00"), ("1000", "≥ 10.00"), ("10000", "≥ 100.00")],
    }


def _stages(rows: list[BatchRow], waiting: Waiting) -> list[dict[str, Any]]:
    """How far the day is: bills here, read, compared, balanced, closed; it stands at the first that is not done."""
    trades = [row for row in rows if row.key.kind == BillKind.TRADES and row.state is not BatchState.NOT_REPORTED]
    reached = [stage({row.state: 1}) for row in trades]
    late = (BatchState.COMPARED, BatchState.UNBALANCED, BatchState.BALANCED, BatchState.CLOSED)
    balanced = bool(rows) and all(row.state in SETTLED for row in rows) and not waiting.total
    closed = any(row.state is BatchState.CLOSED for row in rows)
    steps = [
        (all(state is not BatchState.AWAITING_BILL for state in reached), _("账单到齐"), _("等账单")),
        (all(state in (BatchState.PARSED, *late) for state in reached), _("已解析"), _("解析")),
        (all(state in late for state in reached), _("已比对"), _("比对")),
        (balanced, _("已对平"), _("未对平：%(count)s 笔差异", count=waiting.total) if waiting.total else _("对平")),
        (closed, _("已关账"), _("关账")),
    ]
    first = next((place for place, step in enumerate(steps) if not step[0]), len(steps))
    on = first if first < len(steps) - 1 else -1
    return [
        {"kind": "ok" if done else "open", "text": yes if done else no, "on": place == on}
        for place, (done, yes, no) in enumerate(steps)
    ]


def _groups(rows: list[BatchRow]) -> list[Group]:
    """Bills that stand alike in one line: a thousand merchants make no thousand lines."""
    found: dict[tuple[object, ...], list[BatchRow]] = {}
    for row in rows:
        found.setdefault((row.key.acquirer, row.key.kind, row.state, row.answer, row.trouble), []).append(row)
    order = [str(kind) for kind in BillKind]
    return [
        Group(
            same[0],
            len(same),
            sum(row.lines for row in same),
            tuple(row.key.sub_merchant_no for row in same if row.key.sub_merchant_no)[:_NAMED],
        )
        for same in sorted(found.values(), key=lambda same: order.index(same[0].key.kind))
    ]


def moment_on(day: date, moment: datetime) -> str:
    """`19:47`, with the date where it is another one."""
    local = in_shanghai(moment)
    return local.strftime("%H:%M" if local.date() == day else "%m-%d %H:%M")


def _states(rows: list[BatchRow]) -> dict[BatchState, int]:
    states: dict[BatchState, int] = {}
    for row in rows:
        states[row.state] = states.get(row.state, 0) + 1
    return states


def _why_not(waiting: ProposalRow | None) -> str:
    """Why this person may not agree to what waits; empty when he may."""
    if waiting is None:
        return ""
    if not has_role(StaffRole.FINANCE):
        return _("由财务处理。")
    return str(REFUSAL_WORDS["second_person"]) if waiting.proposed_by == current_user.person.user_id else ""


def _is_running(row: BatchRow) -> bool:
    return row.progress is not None and row.progress_at is not None and now() - row.progress_at < _ALIVE


def _chosen(items: list[ItemRow], wanted: int | None) -> ItemRow | None:
    return next((item for item in items if item.item_id == wanted), items[0] if items else None)
