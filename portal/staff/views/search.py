"""商户: find one by what somebody on the phone reads out. Every search is written down."""

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.merchants import queries as merchants
from portal.plumbing.clock import now
from portal.plumbing.web import Audience, guard, keyring, staff_database
from portal.staff.finding import find, tidy
from portal.staff.operations import note_search
from portal.staff.views.blueprint import blueprint

MOST = 50


@blueprint.get("/merchants")
@guard(Audience.STAFF)
def search() -> ResponseReturnValue:
    text = tidy(request.args.get("q", ""))
    found, rows = None, []
    with staff_database().transaction() as session:
        if text:
            found = find(session, text, keys=keyring(), now=now())
            rows = found.rows
            note_search(
                session,
                kind=found.kind,
                text=found.shown,
                found=len(rows),
                actor=current_user.actor,
                now=now(),
            )
        else:
            rows = merchants.search_merchants(session, now=now(), most=MOST)
    return render_template("staff/merchants.html", text=text, found=found, rows=rows, most=MOST)
