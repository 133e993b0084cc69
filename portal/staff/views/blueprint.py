"""The console's blueprint and what each of its pages shows in the head: who is here, what waits."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint, g, render_template
from flask_login import current_user

from portal.identity.rules import StaffRole
from portal.merchants import answers as halves
from portal.merchants import queries as merchants
from portal.merchants.queries import ApplicationRow
from portal.merchants.rules import Answers
from portal.plumbing import errors
from portal.plumbing.clock import now
from portal.plumbing.web import keyring, staff_database
from portal.reconciliation import queries as reconciliation
from portal.staff import rules, words
from portal.suspense import queries as suspense
from portal.values.day import in_shanghai
from portal.values.references import spoken_code

# No number of ours is longer; a longer one is no address at all.
MERCHANT = "/merchants/<int(max=999999999999):merchant_id>"
APPLICATION = "/applications/<int(max=999999999999):merchant_id>/<int(max=999999):application_id>"

blueprint = Blueprint("staff", __name__, url_prefix="/staff")
blueprint.add_app_template_filter(rules.application_number, "application_number")
blueprint.add_app_template_filter(rules.merchant_number, "merchant_number")
blueprint.add_app_template_filter(spoken_code, "spoken_code")


@blueprint.app_template_filter("short_moment")
def short_moment(moment: datetime) -> str:
    """`11-21 18:40` in Shanghai; the year only where it is another one."""
    local = in_shanghai(moment)
    same = local.year == in_shanghai(now()).year
    return local.strftime("%m-%d %H:%M" if same else "%Y-%m-%d %H:%M")


@blueprint.context_processor
def head() -> dict[str, Any]:
    """The person, his role, and how many applications wait; counted once a request. Nothing for anybody else's 404."""
    if not (current_user.is_authenticated and current_user.is_staff):
        return {}
    if "staff_head" not in g:
        with staff_database().transaction() as session:
            count = merchants.queue_length(session)
            differences = reconciliation.open_count(session)
            aside = suspense.standing(session)
        person = current_user.person
        g.staff_head = {
            "counts": {"review": count, "reconciliation": differences, "suspense": aside.count},
            "aside": aside,
            "person_name": person.name,
            "role_name": words.ROLE_WORDS[StaffRole(person.staff_role)],
            "staff_words": words,
        }
    shown: dict[str, Any] = g.staff_head
    return shown


@blueprint.errorhandler(HTTPStatus.NOT_FOUND)
def not_found(error: Exception) -> tuple[str, int]:
    """For staff a page with a way on; for anybody else there is no console, so the page says no more than any other."""
    if current_user.is_authenticated and current_user.is_staff:
        return render_template("staff/not_found.html"), HTTPStatus.NOT_FOUND
    return errors.page(HTTPStatus.NOT_FOUND)


def has_role(*roles: StaffRole) -> bool:
    """Whether whoever is signed in may act as one of these; an administrator may everything."""
    return current_user.person.staff_role in (*roles, StaffRole.ADMIN)


def opened(row: ApplicationRow) -> Answers:
    """The answers of one application, both halves."""
    return halves.opened(
        keyring(), merchant_id=row.merchant_id, application_id=row.application_id, plain=row.plain, sealed=row.sealed
    )
