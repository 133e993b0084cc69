"""The agent's addresses: onboarding under /jd/psi (psi.jd.com), and the page of JD's auditor, /jd/merchants."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox.control import refuse_foreign_pages
from sandbox.jd import merchants, onboarding
from sandbox.keys import Keys
from sandbox.store import Store

# Thirteen pictures of two megabytes and the form around them.
LARGEST_BODY = 28 * 1024 * 1024
LONGEST_REASON = 200

blueprint = Blueprint("agency", __name__)


@blueprint.before_request
def limit_body() -> None:
    """An application with all its pictures is not larger."""
    request.max_content_length = LARGEST_BODY


@blueprint.post("/psi/merchant/enterSingle")
def enter_single() -> Response:
    """A merchant is brought in: form fields agentNo and entity, pictures as files."""
    pictures = {name: part.read() for name, part in request.files.items()}
    return _onboarded(lambda connection, keys, form: onboarding.enter(connection, keys, form, pictures))


@blueprint.post("/psi/merchant/applySingle")
def apply_single() -> Response:
    """The merchant asks for a product."""
    return _onboarded(onboarding.apply)


@blueprint.post("/psi/merchant/status/queryApplySingle")
def query_apply_single() -> Response:
    """How the merchant's products stand."""
    return _onboarded(onboarding.status)


@blueprint.post("/psi/merchant/status/queryMerchantKeys")
def query_merchant_keys() -> Response:
    """The keys of an open merchant."""
    return _onboarded(onboarding.merchant_keys)


@blueprint.get("/merchants")
def show_merchants() -> str:
    """Who is with JD and how his application stands; whoever waits can be confirmed or rejected here."""
    with _store().reading() as connection:
        return render_template(
            "jd/merchants.html", merchants=merchants.every(connection), usual_reason=onboarding.AUDITOR_SAYS
        )


@blueprint.post("/merchants/<merchant_no>/confirm")
def confirm_merchant(merchant_no: str) -> AnyResponse | tuple[Response, int]:
    """The merchant's own "yes, open it"."""
    refuse_foreign_pages()
    with _store().writing() as connection:
        done = onboarding.open_merchant(connection, merchant_no)
    return _done(merchant_no, done)


@blueprint.post("/merchants/<merchant_no>/reject")
def reject_merchant(merchant_no: str) -> AnyResponse | tuple[Response, int]:
    """JD's auditor says no: `{"reason": ...}`, as JSON or as a form."""
    refuse_foreign_pages()
    wish = request.get_json() if request.is_json else request.form
    reason = str(wish.get("reason") or "").strip()[:LONGEST_REASON] or onboarding.AUDITOR_SAYS
    with _store().writing() as connection:
        done = onboarding.reject_merchant(connection, merchant_no, reason)
    return _done(merchant_no, done)


def _done(merchant_no: str, done: bool) -> AnyResponse | tuple[Response, int]:
    if not request.is_json:
        return redirect(url_for("jd.agency.show_merchants"), 303)
    if not done:
        return jsonify({"error": f"{merchant_no} is not waiting for anything"}), 409
    return jsonify({"merchant_no": merchant_no})


def _onboarded(act: Callable[[Any, Keys, Mapping[str, str]], dict[str, Any]]) -> Response:
    try:
        with _store().writing() as connection:
            told = act(connection, current_app.extensions["keys"], request.form)
    except onboarding.Rejected as problem:
        return jsonify({"code": problem.code, "message": problem.message})
    return jsonify({"code": "0000", "message": "成功", **told})


def _store() -> Store:
    store: Store = current_app.extensions["store"]
    return store
