"""`/phone/web/<wallet>/...`: the wallet's built-in browser. Fetches the real page, hands it over with its addresses
mapped and the wallet's bridge inside.
"""

import secrets
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox.language import HEADER, language, say
from sandbox.phone import phones, policy, rewriting
from sandbox.phone.addresses import WALLETS, Foreign, Places
from sandbox.phone.browser import Answer, Browser, Request, Unreachable
from sandbox.phone.telling import Watcher

blueprint = Blueprint("web", __name__)

_KEPT_HEADERS = ("Content-Disposition", "Cache-Control", "ETag", "Last-Modified", "Content-Language", "Retry-After")


@blueprint.route("/web/<wallet>/", defaults={"path": ""}, methods=["GET", "POST"])
@blueprint.route("/web/<wallet>/<path:path>", methods=["GET", "POST"])
def show(wallet: str, path: str) -> AnyResponse:
    """One page, picture, script or stylesheet, or the next hop of a redirect."""
    if wallet not in WALLETS:
        abort(404)
    browser = phones.browser(wallet)
    places = browser.places
    try:
        asked = _asked(places, path)
        answer = browser.send(asked)
    except Foreign as problem:
        return _outside(str(problem))
    except Unreachable:
        return _sorry()
    Watcher(phones.store(), places, phones.current().id).see(asked, answer)
    if answer.redirect is not None:
        return _onward(places, answer)
    return _page(browser, answer)


@blueprint.get("/outside")
def outside() -> AnyResponse:
    """Where links end that lead away from the portal and the wallets."""
    return _outside(request.args.get("to", ""))


def _asked(places: Places, path: str) -> Request:
    """The person's click, as the real browser would send it."""
    url = places.upstream(path, request.query_string.decode("latin-1"))
    names = ("Accept", "Accept-Language", "Content-Type", "If-None-Match", "If-Modified-Since")
    return Request(
        url,
        method=request.method,
        body=request.get_data() if request.method == "POST" else b"",
        headers={name: request.headers[name] for name in names if name in request.headers} | {HEADER: language()},
        referer=_referer(places),
    )


def _referer(places: Places) -> str:
    """The real address of the page that holds the link or form; empty when it was the phone itself."""
    parts = urlsplit(request.referrer or "")
    inner = parts.path.removeprefix(f"{places.base}/")
    if parts.netloc != request.host or inner == parts.path:
        return ""
    try:
        return places.upstream(inner, parts.query)
    except Foreign:
        return ""


def _onward(places: Places, answer: Answer) -> AnyResponse:
    try:
        return redirect(places.shown(str(answer.redirect)), answer.status)
    except Foreign:
        return _outside(str(answer.redirect))


def _page(browser: Browser, answer: Answer) -> Response:
    headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    headers |= {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
    kind = answer.headers.get("Content-Type", "application/octet-stream")
    content, security = answer.content, policy.ASSET_POLICY
    if answer.is_html and answer.status != 304:
        nonce = secrets.token_urlsafe(16)
        bridge = rewriting.Bridge(
            nonce=nonce,
            script=url_for("static", filename="phone-bridge.js"),
            style=url_for("static", filename="phone-sheet.css"),
            lang=language(),
        )
        content = rewriting.rewritten(
            content, charset=answer.charset, url=answer.url, places=browser.places, bridge=bridge
        )
        security = policy.page_policy(answer.headers.get("Content-Security-Policy"), nonce)
        kind = "text/html; charset=utf-8"
        headers["Cache-Control"] = "no-store"
        for name in ("ETag", "Last-Modified"):
            headers.pop(name, None)
        _keep_address(answer)
    elif answer.is_css:
        text = content.decode(answer.charset or "utf-8", "replace")
        content = rewriting.rewritten_css(text, url=answer.url, places=browser.places).encode()
        kind = "text/css; charset=utf-8"
    headers |= {"Content-Security-Policy": security, "Content-Type": kind}
    return Response(content, answer.status, headers)


def _keep_address(answer: Answer) -> None:
    """So that the phone shows the same page again when its own page is loaded anew."""
    asset = request.headers.get("Sec-Fetch-Dest", "document") not in ("document", "iframe")
    if answer.method == "GET" and answer.status == 200 and not asset and request.full_path != phones.current().address:
        phones.change(address=request.full_path.removesuffix("?"))


def _outside(address: str) -> AnyResponse:
    page = render_template(
        "phone/stop.html",
        title=say("手机打不开这个地址", "The phone does not open this address"),
        text=say(
            "手机只打开一码门户和两个钱包自己的页面。",
            "The phone opens only Yima's portal and the wallets' own pages.",
        ),
        address=address,
    )
    return Response(page, 403)


def _sorry() -> AnyResponse:
    page = render_template(
        "phone/stop.html",
        title=say("门户没有回答", "The portal does not answer"),
        text=say(
            "连不上门户，或者它太久没有回答。没有扣您的钱。看看 ./dev run 是否还开着，然后再试。",
            "The portal cannot be reached or took too long. Your money has not moved. See whether ./dev run is still"
            " running, then try again.",
        ),
        address="",
        again=request.full_path if request.method == "GET" else None,
    )
    return Response(page, 502)
