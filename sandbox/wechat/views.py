"""The WeChat side over HTTP: the partner API under /v3, web authorisation, and the signing page of an application."""

import json
import secrets
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, Flask, Response, current_app, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox import faults
from sandbox.wechat import applyments, desk, endpoints, faulty, gate, notices, oauth, opening
from sandbox.wechat.bill_files import Download
from sandbox.wechat.errors import Refused
from sandbox.wechat.place import Handler, Place
from sandbox.wechat.signing import signed_headers

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
PAYER_HEADER = "X-Sandbox-Payer"  # set by the phone's server side only: who holds this phone

blueprint = Blueprint("wechat", __name__, url_prefix="/wechat")


def set_up(app: Flask) -> None:
    """Open the books, and tell the notifier what WeChat sends and what falls due."""
    keys, notifier = app.extensions["keys"], app.extensions["notifier"]
    app.register_blueprint(desk.blueprint)
    with app.extensions["store"].writing() as connection:
        opening.open_books(connection, keys)
    notices.register(notifier, keys)
    for falls_due in opening.WATCHES:
        notifier.watch(falls_due)


@blueprint.route("/v3/<path:_rest>", methods=METHODS, provide_automatic_options=False)
def partner_api(_rest: str) -> Response:
    """Every call of the partner API; a 2xx is signed, an error is not."""
    keys = current_app.extensions["keys"]
    path = gate.plain_path(request)
    status, handler, number = endpoints.find(request.method, path)
    if handler is None:
        return _answer(status, b"")
    try:
        call = gate.read(request, keys, is_upload=endpoints.is_upload(path))
        asked = faults.Call("wechat", faulty.operation(request.method, path), faulty.numbers(number, call))
        return faults.around(
            current_app.extensions["store"],
            asked,
            faults.Answers(
                act=lambda: _acted(handler, call, number),
                refuse=lambda: _refused(faulty.REFUSED),
                fail=lambda: _refused(faulty.BROKEN),
                spoil=faulty.spoil,
            ),
        )
    except Refused as refusal:
        return _refused(refusal)
    finally:
        request.close()  # an upload may lie in a temporary file


@blueprint.get("/open/connect/oauth2/authorize")
def authorize() -> AnyResponse | tuple[str, int]:
    """Inside the phone's WeChat: straight back to the page with a code. Anywhere else: an honest page."""
    payer = request.headers.get(PAYER_HEADER, "")
    if not payer:
        return render_template("wechat/not_in_wechat.html"), 200
    keys, query = current_app.extensions["keys"], request.args
    back = urlsplit(query.get("redirect_uri", ""))
    wrong = (
        ("appid", query.get("appid") != keys.wechat_sp_appid),
        ("redirect_uri", (back.scheme, back.netloc) != urlsplit(current_app.config["PORTAL_URL"])[:2]),
        ("response_type", query.get("response_type") != "code"),
        ("scope", query.get("scope") not in oauth.SCOPES),
    )
    for name, is_wrong in wrong:
        if is_wrong:
            return render_template("wechat/wrong_parameter.html", name=name), 400
    with current_app.extensions["store"].writing() as connection:
        code = oauth.give_code(connection, keys.wechat_sp_appid, payer, query["scope"])
    pairs = [*parse_qsl(back.query, keep_blank_values=True), ("code", code), ("state", query.get("state", ""))]
    return redirect(urlunsplit(back._replace(query=urlencode(pairs))), 302)


@blueprint.get("/oauth/sns/oauth2/access_token")
def access_token() -> Response:
    """Code for openid. Always 200 and text/plain, as the real one; an error has `errcode`."""
    with current_app.extensions["store"].writing() as connection:
        answer = oauth.exchange(connection, current_app.extensions["keys"], request.args.to_dict())
    return Response(json.dumps(answer), content_type="text/plain")


@blueprint.route("/sign/<token>", methods=["GET", "POST"])
def sign(token: str) -> str | tuple[str, int]:
    """The page behind `sign_url`: the owner reads the terms and confirms."""
    with current_app.extensions["store"].writing() as connection:
        row = applyments.by_token(connection, token)
        if row is not None and request.method == "POST":
            applyments.confirm(connection, row)
            row = applyments.by_token(connection, token)
    if row is None:
        return render_template("wechat/sign.html", row=None), 404
    return render_template("wechat/sign.html", row=row, signable=row["state"] in applyments.SIGNABLE)


def _acted(handler: Handler, call: gate.Call, number: str) -> Response:
    keys = current_app.extensions["keys"]
    try:
        with current_app.extensions["store"].writing() as connection:
            status, body = handler(Place(connection, keys, current_app.config["SANDBOX_URL"]), call, number)
    except Refused as refusal:
        return _refused(refusal)
    if isinstance(body, Download):
        return Response(body.stream(current_app.extensions["store"]), status, content_type=body.content_type)
    raw = b"" if body is None else _text(body)
    answer = _answer(status, raw)
    answer.headers.update(signed_headers(keys.wechat_key, keys.wechat_public_key_id, raw))
    return answer


def _refused(refusal: Refused) -> Response:
    answer = _answer(refusal.status, _text(refusal.body))
    answer.headers["Request-ID"] = answer.headers["Request-ID"].removesuffix("-0") + f"-{int(refusal.cause)}"
    return answer


def _text(body: dict) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _answer(status: int, raw: bytes) -> Response:
    answer = Response(raw, status, content_type="application/json; charset=utf-8")
    answer.headers["Request-ID"] = f"08{secrets.token_hex(16).upper()}-0"
    return answer
