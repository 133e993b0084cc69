"""The owner's home, the live feed behind it, and the announcer."""

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.events import queries as events
from portal.identity import queries as identity
from portal.identity.gate import check_audience
from portal.merchants import queries as merchants
from portal.plumbing.clock import now, real_now
from portal.plumbing.web import Audience, database, guard, settings
from portal.receipts import queries as receipts
from portal.receipts.views import SEES_SHEETS
from portal.receipts.words import count_words
from portal.today import feed, home

blueprint = Blueprint("today", __name__)

_ANNOUNCED = 3


@blueprint.get("/")
@guard(Audience.EVERYONE)
def today() -> ResponseReturnValue:
    """Each to his own: the owner's day, the console for staff, the sign-in for a stranger."""
    if current_user.is_authenticated and current_user.is_staff:
        return redirect("/staff")
    turned_away = check_audience(Audience.MEMBER, ())
    if turned_away is not None:
        return turned_away
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        merchant = merchants.merchant(session, merchant_id)
        shops = merchants.shops(session, merchant_id)
        name = shops[0].name if shops else merchant.name if merchant else ""
        last = events.last_seq(session, merchant_id)
        if merchant is None or merchant.status == "pending":
            standing = home.standing(
                merchants.newest_application(session, merchant_id), merchants.wallet_applications(session, merchant_id)
            )
            return render_template("today/pending.html", shop=name, standing=standing, last=last)
        return render_template(
            "today/today.html",
            shop=name,
            today=home.today(session, merchant_id),
            warnings=home.warnings(session, merchant_id),
            action=home.next_action(session, merchant_id, role=current_user.role),
            sheet=home.last_sheet(session, merchant_id) if current_user.role in SEES_SHEETS else None,
            moment=now(),
            count_words=count_words,
            last=last,
        )


@blueprint.get("/announcer")
@guard(Audience.MEMBER)
def announcer() -> ResponseReturnValue:
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        newest = receipts.newest(session, merchant_id, most=_ANNOUNCED)
        last = events.last_seq(session, merchant_id)
        shops = merchants.shops(session, merchant_id)
    return render_template(
        "today/announcer.html",
        latest=home.announced(newest[0]) if newest else {},
        recent=[home.announced(row) for row in newest[1:]],
        shop=shops[0].name if shops else "",
        last=last,
    )


@blueprint.get("/events")
@guard(Audience.MEMBER)
def live() -> ResponseReturnValue:
    """The merchant's feed as server-sent events; the events process serves it, this one shows the way there."""
    elsewhere = settings().events_url
    if elsewhere is not None:
        return redirect(f"{elsewhere}{request.full_path.rstrip('?')}", 307)
    merchant_id, token_hash, source = current_user.merchant_id, current_user.signed_in.token_hash, database()

    def still_allowed() -> bool:
        with source.transaction() as session:
            return identity.signed_in(session, token_hash, now=real_now()) is not None

    told = feed.stream(
        source,
        merchant_id,
        after=feed.start_after(request.headers.get("Last-Event-ID"), request.args.get("after")),
        still_allowed=still_allowed,
        clock=now,
        pace=feed.Pace(),
    )
    response = Response(told, mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    if request.headers.get("Origin") == settings().portal_url:
        # The page comes from the portal's own port, this answer from the events process beside it.
        response.headers["Access-Control-Allow-Origin"] = settings().portal_url
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Vary"] = "Origin"
    return response
