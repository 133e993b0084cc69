"""One merchant whole: what he may do, what happened, who looked."""

from typing import Any

from flask import abort, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import Session

from portal.audit import queries as audit
from portal.codes import queries as codes
from portal.events import queries as feed
from portal.identity.rules import StaffRole, masked_phone
from portal.merchants import queries as merchants
from portal.merchants import words as merchant_words
from portal.merchants.queries import MerchantPage, RestrictionRow
from portal.merchants.rules import Function, masked_name
from portal.payments import queries as payments
from portal.plumbing.clock import now
from portal.plumbing.pages import clock_time
from portal.plumbing.web import Audience, guard, staff_database
from portal.staff import story
from portal.staff.operations import note_merchant_view
from portal.staff.rules import LOOKS
from portal.staff.views.blueprint import MERCHANT, blueprint, has_role, opened, short_moment
from portal.values.day import business_date

STORY_LINES = 24
LOOK_LINES = 8


@blueprint.get(MERCHANT)
@guard(Audience.STAFF)
def merchant(merchant_id: int) -> ResponseReturnValue:
    page = existing(merchant_id)
    owner = next((person for person in page.members if person.role == "owner"), None)
    note_look(merchant_id, "overview")
    with staff_database().transaction(merchant=merchant_id) as session:
        around = _around(session, merchant_id)
    return render_template(
        "staff/merchant.html",
        page=page,
        operator=masked_name(opened(page.applications[0]).legal_person) if page.applications else "",
        owner_phone=masked_phone(owner.phone_tail) if owner else "",
        functions=function_rows(page),
        may_restrict=has_role(StaffRole.RISK),
        look_words=story.look_words,
        names=merchant_words,
        **around,
    )


def existing(merchant_id: int) -> MerchantPage:
    """The merchant whole. 404 for a number that nobody has."""
    with staff_database().transaction(merchant=merchant_id) as session:
        page = merchants.merchant_page(session, merchant_id, now=now())
    if page is None:
        abort(404)
    return page


def note_look(merchant_id: int, shown: str) -> None:
    """Write into the merchant's chain who looks, before anything is shown."""
    with staff_database().transaction(merchant=merchant_id) as session:
        note_merchant_view(session, merchant_id=merchant_id, shown=shown, actor=current_user.actor, now=now())


def _around(session: Session, merchant_id: int) -> dict[str, Any]:
    moment = now()
    last = feed.last_seq(session, merchant_id)
    happenings = feed.since(session, merchant_id, after=max(0, last - 100))
    acts = audit.entries(session, merchant_id, without=LOOKS, most=STORY_LINES)
    return {
        "today": payments.day(session, merchant_id, business_date(moment)),
        "clock": clock_time(moment),
        "codes": codes.codes(session, merchant_id),
        "days": story.tell(acts, happenings, most=STORY_LINES),
        "looks": audit.entries(session, merchant_id, only=LOOKS, most=LOOK_LINES),
    }


def function_rows(page: MerchantPage) -> list[dict[str, Any]]:
    """What each function's line shows: its state and, where it is restricted, reason, way out and times."""
    return [_function_row(function, page.restrictions.get(function)) for function in Function]


def _function_row(function: Function, held: RestrictionRow | None) -> dict[str, Any]:
    name = merchant_words.FUNCTION_WORDS[function]
    if held is None:
        return {"function": str(function), "name": name, "kind": "ok", "state": _("正常")}
    return {
        "function": str(function),
        "name": name,
        "kind": "pause",
        "state": _("限制中"),
        "reason": held.reason,
        "way_out": held.way_out,
        "from": short_moment(held.since),
        "until": short_moment(held.until) if held.until else "",
    }
