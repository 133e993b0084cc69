"""One code: its page, and its plate as PDF and PNG, byte for byte as the printing process proofed it."""

from http import HTTPStatus

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.codes import operations, words
from portal.codes.plates import refusals
from portal.codes.plates.errors import PlateUnfit
from portal.codes.plates.face import MOST_SIGNS, Locale, PlateFace
from portal.codes.plates.printing import render_plate_pdf, render_plate_png
from portal.codes.queries import CodeRow
from portal.codes.rules import PRINTABLE, Fact, State, after
from portal.codes.views.blueprint import blueprint, is_owner, own_code, own_portal_code
from portal.events import queries as feed
from portal.merchants import queries as merchants
from portal.plumbing.clock import now
from portal.plumbing.look import chosen_locale
from portal.plumbing.press import PressFailed
from portal.plumbing.web import Audience, database, guard
from portal.values.day import business_date
from portal.values.references import spoken_code

_TYPES = {"pdf": "application/pdf", "png": "image/png"}
_PRINT_DPI, _PREVIEW_DPI = 200, 110
_STEPS_SHOWN = 6


@blueprint.get("/codes/<int:code_id>")
@guard(Audience.MEMBER)
def page(code_id: int) -> ResponseReturnValue:
    code = own_code(code_id)
    with database().transaction(merchant=code.merchant_id) as open_transaction:
        contracts = merchants.contracts(open_transaction, code.merchant_id)
        held = merchants.restrictions(open_transaction, code.merchant_id, now=now()).get("receive")
        happenings = feed.about(open_transaction, code.merchant_id, [f"code-{code_id}"])
    common = {"code": code, "held": held, "story": words.story(happenings)[:_STEPS_SHOWN], "owner": is_owner()}
    if code.number is None:
        follows = words.what_follows(code.holding, code.told_by, personal=code.kind == "linked_personal")
        return render_template("codes/linked.html", **common, state=words.linked_state(code), follows=follows)
    state = State(code.state)
    return render_template(
        "codes/code.html",
        **common,
        state=words.state_words(code.state),
        number=spoken_code(code.number),
        unfit=_why_unfit(code),
        version=int(code.changed_at.timestamp()),
        contracts=contracts,
        may_suspend=after(state, Fact.SUSPENDED) is not None,
        may_start=after(state, Fact.STARTED) is not None,
    )


@blueprint.get("/codes/<int:code_id>/plate.pdf")
@guard(Audience.MEMBER)
def plate_pdf(code_id: int) -> ResponseReturnValue:
    return _printed(own_portal_code(code_id), "pdf")


@blueprint.get("/codes/<int:code_id>/plate.png")
@guard(Audience.MEMBER)
def plate_png(code_id: int) -> ResponseReturnValue:
    """`?size=preview` is the small picture of the code's page; only the large one counts as printed."""
    return _printed(own_portal_code(code_id), "png", preview=request.args.get("size") == "preview")


def face_of(code: CodeRow) -> PlateFace:
    """What the code's plate says: Chinese always, English below it for an owner who reads English.

    Raises PlateUnfit.
    """
    return PlateFace(
        shop_name=code.shop_name,
        code=code.number or "",
        url=code.printed_url or "",
        changed_on=business_date(code.changed_at),
        place=_short_place(code.shop_address),
        plate_name=code.name,
        locale=Locale.BILINGUAL if chosen_locale() == "en" else Locale.CHINESE,
    )


def _short_place(address: str) -> str:
    # A Chinese address ends with the stall, which is the part worth printing.
    most = MOST_SIGNS["place"]
    return address if len(address) <= most else f"…{address[1 - most :]}"


def _why_unfit(code: CodeRow) -> str:
    if code.state not in PRINTABLE:
        return _("这张码已经不用了，不再打印。")
    try:
        face_of(code)
    except PlateUnfit as unfit:
        return refusals.sentence(unfit)
    return ""


def _printed(code: CodeRow, output: str, *, preview: bool = False) -> ResponseReturnValue:
    if code.state not in PRINTABLE:
        return _not_printed(code, _why_unfit(code)), HTTPStatus.CONFLICT
    try:
        face = face_of(code)
        body = _bytes(face, output, preview)
    except PlateUnfit as unfit:
        return _not_printed(code, refusals.sentence(unfit)), HTTPStatus.UNPROCESSABLE_ENTITY
    except PressFailed:
        return _press_down(), HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "10"}
    if not preview and request.method == "GET":
        _note_printed(code, output)
    answer = Response(body, mimetype=_TYPES[output])
    answer.headers["Content-Disposition"] = f'inline; filename="yima-{code.number}.{output}"'
    answer.headers["Cache-Control"] = "private, max-age=3600" if preview else "private, no-cache"
    answer.headers["Vary"] = "Cookie"
    return answer


def _bytes(face: PlateFace, output: str, preview: bool) -> bytes:
    if output == "pdf":
        return render_plate_pdf(face)
    return render_plate_png(face, dpi=_PREVIEW_DPI if preview else _PRINT_DPI)


def _note_printed(code: CodeRow, output: str) -> None:
    with database().transaction(merchant=code.merchant_id) as open_transaction:
        operations.note_printed(
            open_transaction,
            merchant_id=code.merchant_id,
            code_id=code.code_id,
            output=output,
            now=now(),
            actor=current_user.actor,
        )


def _not_printed(code: CodeRow, sentence: str) -> str:
    return render_template(
        "_layouts/error.html",
        error_title=_("这张码牌印不了"),
        error_lines=[sentence],
        home_href=url_for("codes.page", code_id=code.code_id),
        home_text=_("回到这张码"),
    )


def _press_down() -> str:
    return render_template(
        "_layouts/error.html",
        error_kind="wait",
        error_title=_("码牌还没印好"),
        error_lines=[refusals.press_down()],
        home_href=request.full_path.rstrip("?"),
        home_text=_("再试一次"),
    )
