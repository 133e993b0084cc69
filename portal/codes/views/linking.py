"""Link a WeChat code the merchant already has: read it, say what it is and what follows, then link it.

Between the steps the code's text travels in the form, sealed for this merchant: nobody can put another in its place.
"""

from http import HTTPStatus

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from wtforms import Field
from wtforms.fields.choices import SelectChoice

from portal.codes import flows, queries, words
from portal.codes.forms import ChoiceForm, LinkForm, ScanForm
from portal.codes.rules import LINKABLE, TEXT_MOST, Finding, Meaning, Scanned, canonical, read
from portal.codes.scanning import asking
from portal.codes.views.blueprint import blueprint
from portal.merchants import queries as merchants
from portal.plumbing.clock import now
from portal.plumbing.crypto import CannotOpen
from portal.plumbing.press import PressFailed
from portal.plumbing.web import Audience, database, guard, interconnect, keyring, settings
from portal.values.errors import Refused
from portal.wallets.directory import Holding
from portal.wallets.errors import WalletError


@blueprint.get("/codes/link")
@guard(Audience.OWNER)
def link() -> ResponseReturnValue:
    asking.warm_up()
    return render_template("codes/link.html", form=ScanForm())


@blueprint.post("/codes/link")
@guard(Audience.OWNER)
def scan() -> ResponseReturnValue:
    form = ScanForm()
    form.validate()
    blamed = form.photo if form.photo.data else form.text
    try:
        texts = _texts(form)
    except Refused as problem:
        return _again(form, blamed, words.scan_problem(problem))
    except PressFailed:
        return _again(form, blamed, words.scanner_down(), HTTPStatus.SERVICE_UNAVAILABLE)
    if len(texts) > 1:
        return render_template("codes/choose.html", form=_choice(texts))
    return _consider(texts[0], form, blamed)


@blueprint.get("/codes/link/check")
@blueprint.get("/codes/link/confirm")
@guard(Audience.OWNER)
def begin_again() -> ResponseReturnValue:
    """The later steps exist only as answers to a form; their addresses lead back to the first."""
    return redirect(url_for("codes.link"))


@blueprint.post("/codes/link/check")
@guard(Audience.OWNER)
def check() -> ResponseReturnValue:
    form, first = ChoiceForm(), ScanForm(formdata=None)
    text = _unsealed(form.sealed.data)
    if text is None:
        return _again(first, first.photo, _("没有选码，请重新上传照片"))
    return _consider(text, first, first.photo)


@blueprint.post("/codes/link/confirm")
@guard(Audience.OWNER)
def confirm() -> ResponseReturnValue:
    form, first = LinkForm(), ScanForm(formdata=None)
    text = _unsealed(form.sealed.data)
    if text is None:
        return _again(first, first.photo, _("这一页放得太久了，请重新上传照片"))
    scanned = read(text, portal_url=settings().portal_url)
    if not form.validate_on_submit():
        return _consider(text, first, first.photo, form)
    try:
        found = _look_up(scanned)
        code_id = _link(scanned, form.name.data, found)
    except WalletError:
        return _again(first, first.photo, words.directory_down(), HTTPStatus.SERVICE_UNAVAILABLE)
    except Refused as problem:
        if problem.reason in ("name_taken", "too_many"):
            form.name.errors = [words.name_problem(problem)]
            return _consider(text, first, first.photo, form, HTTPStatus.CONFLICT)
        return _consider(text, first, first.photo)
    flash(_("已关联。"), "ok")
    return redirect(url_for("codes.page", code_id=code_id), HTTPStatus.SEE_OTHER)


def _texts(form: ScanForm) -> list[str]:
    if form.photo.data:
        return asking.codes_in(form.photo.data.stream.read(asking.FILE_MOST_BYTES + 1))
    typed = (form.text.data or "").strip()
    if not typed:
        raise Refused("nothing")
    if len(typed) > TEXT_MOST:
        raise Refused("text_long", most=TEXT_MOST)
    return [typed]


def _consider(
    text: str,
    form: ScanForm,
    blamed: Field,
    name: LinkForm | None = None,
    status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
) -> ResponseReturnValue:
    """The check page for a code that may be linked, or why it may not. `name` is a form that came back wrong."""
    scanned = read(text, portal_url=settings().portal_url)
    owner = _owner(scanned.number or flows.lookup_key(scanned.text))
    if owner is not None and owner[0] == current_user.merchant_id:
        flash(_("这就是您自己的码，不用再关联。"), "warn")
        return redirect(url_for("codes.page", code_id=owner[1]), HTTPStatus.SEE_OTHER)
    if scanned.meaning not in LINKABLE:
        return _again(form, blamed, words.not_linkable(scanned))
    if owner is not None:
        return _again(form, blamed, words.taken(), HTTPStatus.CONFLICT)
    try:
        found = _look_up(scanned)
    except WalletError:
        return _again(form, blamed, words.directory_down(), HTTPStatus.SERVICE_UNAVAILABLE)
    except Refused:
        return _again(form, blamed, words.unknown_holder())
    if found.holder is not None and found.match in flows.REFUSED_MATCHES:
        return render_template(
            "codes/not_yours.html", found=found, told=words.refused_holder(found)
        ), HTTPStatus.CONFLICT
    if name is None:
        fresh = LinkForm(formdata=None, data={"name": _("原来的微信码"), "sealed": _sealed(text)})
        return _check_page(scanned, found, fresh)
    return _check_page(scanned, found, name), status


def _look_up(scanned: Scanned) -> Finding:
    """Ask whose code it is; it is asked again before linking, because the page may have lain open."""
    return flows.look_up(
        database(), keyring(), interconnect(), merchant_id=current_user.merchant_id, text=canonical(scanned.text)
    )


def _owner(key: str) -> tuple[int, int] | None:
    with database().transaction() as open_transaction:
        return queries.whose(open_transaction, key)


def _check_page(scanned: Scanned, found: Finding, form: LinkForm) -> str:
    personal = scanned.meaning is Meaning.WECHAT_PERSONAL
    if found.holding is not None:
        personal = found.holding is Holding.PERSONAL
    return render_template(
        "codes/check.html",
        form=form,
        personal=personal,
        shown=words.shown_text(scanned.text),
        found=found,
        holder=words.holder_words(found),
        follows=words.what_follows(found.holding, found.told_by, personal=personal),
    )


def _again(
    form: ScanForm, blamed: Field, sentence: str, status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY
) -> ResponseReturnValue:
    blamed.errors = [sentence]
    return render_template("codes/link.html", form=form), status


def _choice(texts: list[str]) -> ChoiceForm:
    form = ChoiceForm(formdata=None)
    form.sealed.choices = []
    for text in texts:
        meaning = words.meaning_words(read(text, portal_url=settings().portal_url).meaning)
        form.sealed.choices.append(SelectChoice(_sealed(text), f"{meaning} {words.shown_text(text)}"))
    return form


def _link(scanned: Scanned, name: str, found: Finding) -> int:
    with database().transaction(merchant=current_user.merchant_id) as open_transaction:
        shop = merchants.shops(open_transaction, current_user.merchant_id)[0]
    return flows.link_code(
        database(),
        keyring(),
        merchant_id=current_user.merchant_id,
        shop_id=shop.shop_id,
        name=name,
        scanned=scanned,
        found=found,
        now=now(),
        actor=current_user.actor,
    )


def _sealed(text: str) -> str:
    return keyring().seal(text, place=_place())


def _unsealed(sealed: str | None) -> str | None:
    try:
        return keyring().open(sealed or "", place=_place())
    except (CannotOpen, ValueError):
        return None


def _place() -> str:
    return f"codes|linking|{current_user.merchant_id}"
