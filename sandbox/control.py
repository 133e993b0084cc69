"""Turning the sandbox's own screws: settings, the outbox of notices, applications; and the home page.

Every act has a JSON form for scripts beside the page's form.
"""

import time

from flask import Blueprint, Flask, Response, abort, current_app, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox import settings
from sandbox.keys import credentials
from sandbox.wechat import applyments
from sandbox.wechat.errors import Refused

OUTBOX_ROWS = 100

blueprint = Blueprint("control", __name__)


def set_up(app: Flask) -> None:
    """Times on pages are Beijing time."""
    app.jinja_env.filters["clock"] = _clock


@blueprint.before_request
def refuse_foreign_pages() -> None:
    """A page of another site, open in the same browser, may not turn anything here."""
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        abort(403)


@blueprint.get("/")
def home() -> str:
    """What this is and where to go."""
    return render_template("home.html", portal=current_app.config["PORTAL_URL"])


@blueprint.get("/credentials")
def show_credentials() -> Response:
    """The keys and numbers of the client's side, as JSON."""
    return jsonify(credentials(current_app.extensions["keys"], current_app.config["SANDBOX_URL"]))


@blueprint.get("/control")
def control() -> str:
    """Settings, notices under way, applications."""
    with current_app.extensions["store"].reading() as connection:
        rows = connection.execute("SELECT * FROM wechat_applyments ORDER BY changed_at DESC LIMIT 50").fetchall()
        return render_template(
            "control.html",
            settings=settings.every_setting(connection),
            outbox=_outbox(),
            applyments=rows,
            signable=applyments.SIGNABLE,
        )


@blueprint.get("/control/settings")
def show_settings() -> Response:
    """All settings by name."""
    with current_app.extensions["store"].reading() as connection:
        return jsonify(settings.every_setting(connection))


@blueprint.post("/control/settings")
def change_settings() -> AnyResponse | tuple[Response, int]:
    """`{"retry_speed": 60, ...}`: all of the given settings change, or none."""
    wish = request.get_json() if request.is_json else request.form
    try:
        with current_app.extensions["store"].writing() as connection:
            for name, value in wish.items():
                settings.change(connection, name, float(value))
            now = settings.every_setting(connection)
    except (settings.UnknownSetting, TypeError, ValueError) as problem:
        return jsonify({"error": str(problem)}), 400
    return jsonify(now) if request.is_json else redirect("/control", 303)


@blueprint.get("/control/outbox")
def show_outbox() -> Response:
    """The newest notices: to whom, how often tried, what was answered."""
    return jsonify(_outbox())


@blueprint.post("/control/outbox/<int:number>/now")
def send_now(number: int) -> AnyResponse | tuple[Response, int]:
    """Send one notice again at once, whatever became of it before."""
    with current_app.extensions["store"].writing() as connection:
        changed = connection.execute(
            "UPDATE outbox SET state = 'waiting', due_at = ? WHERE id = ?", (time.time(), number)
        ).rowcount
    if not changed:
        return jsonify({"error": f"There is no notice {number}."}), 404
    return jsonify({"id": number}) if request.is_json else redirect("/control", 303)


@blueprint.post("/control/applyments/<business_code>/reject")
def reject(business_code: str) -> AnyResponse | tuple[Response, int]:
    """`{"field": ..., "reason": ...}`: a WeChat application under audit is rejected with this reason."""
    wish = request.get_json() if request.is_json else request.form
    field, reason = str(wish.get("field") or "license_copy"), str(wish.get("reason") or "照片模糊，请重新拍摄")
    try:
        with current_app.extensions["store"].writing() as connection:
            applyments.reject(connection, business_code, field, reason)
    except Refused as refusal:
        return jsonify({"error": refusal.message}), 409
    return jsonify({"business_code": business_code}) if request.is_json else redirect("/control", 303)


def _outbox() -> list[dict[str, object]]:
    with current_app.extensions["store"].reading() as connection:
        rows = connection.execute(
            "SELECT id, sender, url, attempts, state, due_at, created_at, last_status, last_answer FROM outbox"
            " ORDER BY id DESC LIMIT ?",
            (OUTBOX_ROWS,),
        )
        return [dict(row) for row in rows]


def _clock(seconds: float) -> str:
    return time.strftime("%m-%d %H:%M:%S", time.gmtime(seconds + 8 * 3600))
