"""Register: the number, then the code with the shop's name and a password."""

from flask import redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.identity import queries as people
from portal.identity.forms import CODE_WORDS, PhoneForm
from portal.identity.rules import read_phone
from portal.identity.views import home_path, resend_at, send_code, send_code_again, shown_phone, start_session
from portal.merchants import flows, queries
from portal.merchants.flows.registering import KNOWN
from portal.merchants.forms import RegisterForm
from portal.merchants.views.blueprint import blueprint
from portal.plumbing import look
from portal.plumbing.clock import now
from portal.plumbing.crypto import hash_password
from portal.plumbing.web import Audience, database, guard, keyring

_PHONE = "register_phone"
_PURPOSE = "register"


@blueprint.route("/register", methods=["GET", "POST"])
@guard(Audience.EVERYONE)
def register() -> ResponseReturnValue:
    """Ask for the number. A known number gets a code like any other: the page does not tell."""
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(home_path(current_user.person))
    form = PhoneForm()
    if form.validate_on_submit() and send_code(form, _PURPOSE):
        session[_PHONE] = read_phone(form.phone.data)
        return redirect(url_for("merchants.register_code"))
    return render_template("merchants/register.html", form=form)


@blueprint.route("/register/code", methods=["GET", "POST"])
@guard(Audience.EVERYONE)
def register_code() -> ResponseReturnValue:
    """The code proves the number; only then is said whether it has an account."""
    phone = session.get(_PHONE)
    if phone is None:
        return redirect(url_for("merchants.register"))
    form = RegisterForm()
    if form.validate_on_submit():
        done = _register(phone, form)
        if done.problem == KNOWN:
            session.pop(_PHONE)
            return render_template("merchants/register_known.html", phone=shown_phone(phone))
        if done.user_id is not None:
            return _welcome(done.user_id)
        form.code.errors = [*form.code.errors, CODE_WORDS[done.problem or "code_wrong"]]
    with database().transaction() as open_transaction:
        rates = queries.fee_terms(open_transaction, now=now())
    return render_template(
        "merchants/register_code.html", form=form, phone=shown_phone(phone), resend_at=resend_at(), rates=rates
    )


@blueprint.post("/register/again")
@guard(Audience.EVERYONE)
def register_again() -> ResponseReturnValue:
    """Another code for the same number."""
    if session.get(_PHONE) is None:
        return redirect(url_for("merchants.register"))
    send_code_again(session[_PHONE], _PURPOSE)
    return redirect(url_for("merchants.register_code"))


def _register(phone: str, form: RegisterForm) -> flows.Registration:
    newcomer = flows.Newcomer(
        phone=phone,
        password_hash=hash_password(form.password.data),
        shop_name=form.shop_name.data,
        locale=look.chosen_locale(),
    )
    return flows.register(database(), keyring(), newcomer, code=form.code.data.strip(), now=now())


def _welcome(user_id: int) -> ResponseReturnValue:
    with database().transaction() as open_transaction:
        person = people.person(open_transaction, user_id)
    if person is not None:
        start_session(database(), person)
    return redirect(url_for("merchants.application"))
