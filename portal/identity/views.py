"""Sign in and out, a forgotten password, the texts a person accepts, and the look he chose."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user, login_user, logout_user

from portal.identity import flows, operations, queries, texts
from portal.identity.forms import CODE_WORDS, LoginForm, PhoneForm, ResetForm
from portal.identity.gate import Visitor
from portal.identity.queries import Person
from portal.identity.rules import SMS_CODE_AGAIN, Limit, read_phone
from portal.plumbing import look
from portal.plumbing.clock import now, real_now
from portal.plumbing.crypto import hash_password, password_matches
from portal.plumbing.db import Database
from portal.plumbing.web import Audience, database, guard, keyring, settings, staff_database
from portal.values.errors import Refused

blueprint = Blueprint("identity", __name__)

_RESET_PHONE = "reset_phone"
_SENT_AT = "code_sent_at"
_TOO_OFTEN = _l("验证码发得太多了，请过一小时再来")
# The form's field, the cookie that keeps the choice, and what each value becomes.
_LOOK = (
    ("locale", "lang", {name: name for name in look.LOCALES}),
    ("theme", "theme", {name: name for name in look.THEMES}),
    ("large_type", "type", {"0": "", "1": "large"}),
)


@blueprint.route("/login", methods=["GET", "POST"])
@guard(Audience.EVERYONE)
def login() -> ResponseReturnValue:
    form = LoginForm()
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(home_path(current_user.person))
    if not form.validate_on_submit():
        return render_template("identity/login.html", form=form)
    blind = keyring().blind(read_phone(form.phone.data), kind="phone")
    try:
        flows.count_tries(database(), [(Limit.LOGIN_BY_ADDRESS, address()), (Limit.LOGIN_BY_PHONE, blind)], now=now())
    except Refused:
        form.form_errors.append(_("试得太多了，请过几分钟再来"))
        return render_template("identity/login.html", form=form), 429
    found, source = _find(blind)
    if not password_matches(found[1] if found else None, form.password.data) or found is None:
        form.form_errors.append(_("手机号或密码不对"))
        return render_template("identity/login.html", form=form)
    start_session(source, found[0])
    return redirect(safe_path(request.args.get("next")) or home_path(found[0]))


@blueprint.post("/logout")
@guard(Audience.EVERYONE)
def logout() -> ResponseReturnValue:
    if current_user.is_authenticated:
        source = staff_database() if current_user.is_staff else database()
        with source.transaction() as open_transaction:
            operations.sign_out(open_transaction, current_user.signed_in.token_hash, now=real_now())
    logout_user()
    session.clear()
    response = redirect(url_for("identity.login"))
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@blueprint.route("/forgot", methods=["GET", "POST"])
@guard(Audience.EVERYONE)
def forgot() -> ResponseReturnValue:
    form = PhoneForm()
    if form.validate_on_submit() and send_code(form, "reset"):
        session[_RESET_PHONE] = read_phone(form.phone.data)
        return redirect(url_for("identity.reset"))
    return render_template("identity/forgot.html", form=form)


@blueprint.route("/forgot/code", methods=["GET", "POST"])
@guard(Audience.EVERYONE)
def reset() -> ResponseReturnValue:
    phone = session.get(_RESET_PHONE)
    if phone is None:
        return redirect(url_for("identity.forgot"))
    form = ResetForm()
    if form.validate_on_submit():
        problem = _set_password(phone, form)
        if problem is None:
            session.pop(_RESET_PHONE)
            flash(_("密码改好了，请用新密码登录"), "done")
            return redirect(url_for("identity.login"))
        form.code.errors = [*form.code.errors, CODE_WORDS[problem]]
    return render_template("identity/reset.html", form=form, phone=shown_phone(phone), resend_at=resend_at())


@blueprint.post("/forgot/again")
@guard(Audience.EVERYONE)
def reset_again() -> ResponseReturnValue:
    if session.get(_RESET_PHONE) is None:
        return redirect(url_for("identity.forgot"))
    send_code_again(session[_RESET_PHONE], "reset")
    return redirect(url_for("identity.reset"))


@blueprint.get("/terms/<document>")
@guard(Audience.EVERYONE)
def terms(document: str) -> ResponseReturnValue:
    if document not in texts.DOCUMENTS:
        abort(404)
    return render_template("identity/terms.html", text=texts.current(document, look.chosen_locale()))


@blueprint.post("/settings/look")
@guard(Audience.EVERYONE)
def choose_look() -> ResponseReturnValue:
    response = make_response(redirect(safe_path(request.form.get("next")) or "/"))
    choices = {
        cookie: allowed[request.form[field]] for field, cookie, allowed in _LOOK if request.form.get(field) in allowed
    }
    return look.remember(response, secure=settings().secure, **choices)


def send_code(form: PhoneForm, purpose: str) -> bool:
    """Have a code sent; False (with the words on the form) when it was asked for too often.

    A code sent less than a minute ago still holds: the visitor goes on to the same page.
    """
    refusal = _ask_for_code(form.phone.data, purpose)
    if refusal == "too_often":
        form.form_errors.append(_TOO_OFTEN)
    return refusal != "too_often"


def send_code_again(phone: str, purpose: str) -> None:
    """The same for the button under the code's field; the words are flashed."""
    refusal = _ask_for_code(phone, purpose)
    if refusal == "too_often":
        flash(_TOO_OFTEN, "bad")
    elif refusal == "too_soon":
        flash(_("刚发过一条，请过一分钟再取"), "warn")
    else:
        flash(_("验证码又发了一次，只有最新的一条有效"), "done")


def resend_at() -> datetime:
    """From when another code may be asked for by this browser."""
    return datetime.fromtimestamp(session.get(_SENT_AT, 0), UTC) + SMS_CODE_AGAIN


def shown_phone(phone: str) -> str:
    """`+8613800138000` as people write it: `138 0013 8000`."""
    national = phone.removeprefix("+86")
    return f"{national[:3]} {national[3:7]} {national[7:]}"


def start_session(source: Database, person: Person) -> None:
    """Sign a person in with a fresh token; whatever session the browser had before is gone."""
    with source.transaction() as open_transaction:
        merchants = queries.merchants_of(open_transaction, person.user_id)
        merchant_id = merchants[0] if merchants else None
        token = operations.sign_in(
            open_transaction,
            user_id=person.user_id,
            staff=person.kind == "staff",
            merchant_id=merchant_id,
            browser=request.user_agent.string,
            now=real_now(),
        )
        found = queries.signed_in(open_transaction, operations.token_hash(token), now=real_now())
    session.clear()
    if found is not None:
        login_user(Visitor(token, found))


def home_path(person: Person) -> str:
    """Where a person begins."""
    return "/staff" if person.kind == "staff" else "/"


def address() -> str:
    """The visitor's network address, for counting tries."""
    return request.remote_addr or "unknown"


def _ask_for_code(phone: str, purpose: str) -> str | None:
    try:
        flows.ask_for_code(
            database(),
            keyring(),
            phone=phone,
            purpose=purpose,
            address=address(),
            locale=look.chosen_locale(),
            now=now(),
        )
    except Refused as refusal:
        return refusal.reason
    session[_SENT_AT] = int(now().timestamp())
    return None


def _set_password(phone: str, form: ResetForm) -> str | None:
    blind = keyring().blind(phone, kind="phone")
    with database().transaction() as open_transaction:
        problem = operations.try_sms_code(
            open_transaction, phone_blind=blind, purpose="reset", code=form.code.data.strip(), now=now()
        )
        found = queries.password_of(open_transaction, blind)
        if problem is None and found is not None:
            operations.set_password(open_transaction, found[0].user_id, hash_password(form.password.data), now=now())
    return problem if found is not None else problem or "code_wrong"


def _find(blind: str) -> tuple[tuple[Person, str] | None, Database]:
    for source in (database(), staff_database()):
        with source.transaction() as open_transaction:
            found = queries.password_of(open_transaction, blind)
        if found is not None:
            return found, source
    return None, database()


def safe_path(text: str | None) -> str | None:
    """A path of ours to go on to, or None: never another host, never `//host` or a backslash trick."""
    if not text or not text.startswith("/") or text.startswith("//") or "\\" in text or not text.isprintable():
        return None
    parts = urlsplit(text)
    return text if not parts.scheme and not parts.netloc else None
