"""What the merchant sees of rebates, and the page his customers pay at: `/r/<token>`."""

from http import HTTPStatus

from flask import Blueprint, Response, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from portal.codes import queries as codes
from portal.codes.plates.errors import PlateUnfit
from portal.codes.qr_picture import qr_png
from portal.codes.queries import CodeRow
from portal.merchants import queries as merchants
from portal.payments import counter
from portal.payments.counter import Stand
from portal.plumbing.clock import now
from portal.plumbing.web import Audience, database, guard, keyring, settings
from portal.rebates import operations, queries, words
from portal.rebates.queries import LinkRow
from portal.values.errors import InvalidReference, NotAllowedNow
from portal.values.references import Kind, merchant_of

blueprint = Blueprint("rebates", __name__)


@blueprint.get("/rebates")
@guard(Audience.MEMBER)
def index() -> ResponseReturnValue:
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as open_transaction:
        programme = queries.running_programme(open_transaction, now=now())
        held = merchants.restrictions(open_transaction, merchant_id, now=now()).get("rebate")
        code = _code_to_share(open_transaction, merchant_id)
        sums = queries.sums(open_transaction, merchant_id)
        entries = queries.entries(open_transaction, merchant_id)
        link = _open_link(open_transaction, merchant_id)
    return render_template(
        "rebates/index.html",
        programme=programme,
        rate=words.percent(programme.rate_bp) if programme else "",
        until=words.last_day(programme) if programme else "",
        held=held,
        code=code,
        sums=sums,
        rows=[words.entry_words(entry) for entry in entries],
        shared=link is not None,
        owner=current_user.role == "owner",
    )


@blueprint.post("/rebates/link")
@guard(Audience.OWNER)
def open_link() -> ResponseReturnValue:
    merchant_id = current_user.merchant_id
    try:
        with database().transaction(merchant=merchant_id) as open_transaction:
            programme = queries.running_programme(open_transaction, now=now())
            code = _code_to_share(open_transaction, merchant_id)
            operations.open_link(
                open_transaction,
                merchant_id=merchant_id,
                programme_id=programme.programme_id if programme else 0,
                code_id=code.code_id if code else 0,
                reference_key=keyring().reference_key,
                now=now(),
            )
    except NotAllowedNow as problem:
        flash(words.no_link(problem.reason), "warn")
        return redirect(url_for("rebates.index"), HTTPStatus.SEE_OTHER)
    return redirect(url_for("rebates.share"), HTTPStatus.SEE_OTHER)


@blueprint.get("/rebates/share")
@guard(Audience.MEMBER)
def share() -> ResponseReturnValue:
    with database().transaction(merchant=current_user.merchant_id) as open_transaction:
        link = _open_link(open_transaction, current_user.merchant_id)
        programme = queries.running_programme(open_transaction, now=now())
    if link is None or programme is None:
        return redirect(url_for("rebates.index"))
    rate, until = words.percent(programme.rate_bp), words.last_day(programme)
    return render_template("rebates/share.html", address=_address(link), rate=rate, until=until)


@blueprint.get("/rebates/share.png")
@guard(Audience.MEMBER)
def share_png() -> ResponseReturnValue:
    with database().transaction(merchant=current_user.merchant_id) as open_transaction:
        link = _open_link(open_transaction, current_user.merchant_id)
    if link is None:
        abort(404)
    try:
        picture = qr_png(_address(link))
    except PlateUnfit:
        abort(404)
    headers = {"Content-Disposition": 'inline; filename="yima-share.png"', "Cache-Control": "private, no-cache"}
    return Response(picture, mimetype="image/png", headers=headers)


@blueprint.get("/r/<token>")
@guard(Audience.PAYER)
def pay(token: str) -> ResponseReturnValue:
    stand = _stand(token)
    return counter.amount_page(stand) if isinstance(stand, Stand) else stand


@blueprint.post("/r/<token>")
@guard(Audience.PAYER)
def pay_amount(token: str) -> ResponseReturnValue:
    stand = _stand(token)
    return counter.take_amount(stand) if isinstance(stand, Stand) else stand


def _stand(token: str) -> Stand | ResponseReturnValue:
    """Where the link leads, or the page that says it leads nowhere (any more)."""
    try:
        merchant_id = merchant_of(token, kind=Kind.SHARE_LINK, key=keyring().reference_key)
    except InvalidReference:
        return render_template("rebates/no_such_link.html"), HTTPStatus.NOT_FOUND
    with database().transaction(merchant=merchant_id) as open_transaction:
        link = queries.link(open_transaction, merchant_id, token)
        code = codes.code(open_transaction, merchant_id, link.code_id) if link else None
    if link is None or code is None:
        return render_template("rebates/no_such_link.html"), HTTPStatus.NOT_FOUND
    if link.ended_at is not None:
        return render_template("rebates/ended.html", shop=code.shop_name), HTTPStatus.GONE
    return counter.stand_at(code, token)


def _code_to_share(session: Session, merchant_id: int) -> CodeRow | None:
    """The portal code that has been in use longest; a payment through the link is counted as one at this code."""
    usable = (code for code in codes.codes(session, merchant_id) if code.number and code.state == "active")
    return next(usable, None)


def _open_link(session: Session, merchant_id: int) -> LinkRow | None:
    """The page shared now: of the running programme, not ended."""
    programme = queries.running_programme(session, now=now())
    if programme is None:
        return None
    usable = (link for link in queries.links(session, merchant_id) if link.ended_at is None)
    return next((link for link in usable if link.programme_id == programme.programme_id), None)


def _address(link: LinkRow) -> str:
    return f"{settings().portal_url}{url_for('rebates.pay', token=link.token)}"
