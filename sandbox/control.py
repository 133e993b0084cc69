"""Turning the sandbox's own screws: clock, faults, settings, the outbox of notices, applications; and the home page.

Every act has a JSON form for scripts beside the page's form. What cannot be is answered 400: JSON with the sentence,
or the page again with the sentence and with what was typed.
"""

import time
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox import clock, fault_words, faults, settings
from sandbox.keys import credentials
from sandbox.language import say
from sandbox.store import Store
from sandbox.wechat import applyments
from sandbox.wechat.errors import Refused

OUTBOX_ROWS = 100
NO_SUCH_TIME = ("时钟只能往前拨，最远一百年。", "The clock only goes forward, a hundred years at most.")
NO_SUCH_FAULT = (
    "选一种故障和一家机构；次数是 1 到 10000 的整数，秒数不小于零；只有接口调用的故障能限定哪一种调用。",
    "Choose a fault and an institution; times is a whole number from 1 to 10000, seconds are not below zero, and only a"
    " fault of calls goes with one kind of call.",
)
NO_SUCH_SETTING = (
    "请填不小于零的数；倍数和等回答的秒数要大于零。",
    "Please give numbers not below zero; speed and patience must be above it.",
)
Answer = AnyResponse | tuple[Response, int] | tuple[str, int]

blueprint = Blueprint("control", __name__)


def set_up(app: Flask) -> None:
    """Times on pages are Beijing time, and every page knows the sandbox's own time."""
    app.jinja_env.filters["clock"] = _clock
    app.jinja_env.filters["span"] = _span

    @app.context_processor
    def business_time() -> dict[str, object]:
        with app.extensions["store"].reading() as connection:
            return {
                "business_now": clock.now(connection),
                "business_offset": clock.offset(connection),
                "armed_faults": faults.count_armed(connection),
            }


@blueprint.before_request
def refuse_foreign_pages() -> None:
    """A page of another site, open in the same browser, may not turn anything here."""
    if request.method != "GET" and request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        abort(403)


def asked() -> Mapping[str, Any]:
    """What was asked for, as JSON or as a form. 400 for JSON that is no object."""
    wish = request.get_json() if request.is_json else request.form
    if not isinstance(wish, Mapping):
        abort(400)
    return wish


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
    """Clock, faults, settings, notices under way, applications."""
    return _page("", {})


@blueprint.get("/control/clock")
def show_clock() -> Response:
    """`{"offset_seconds", "now", "real"}`: by how much business time is ahead, and both times."""
    with _store().reading() as connection:
        return jsonify(clock.told(connection))


@blueprint.post("/control/clock")
def move_clock() -> Answer:
    """`{"advance_seconds": n}` or `{"to": RFC 3339 or "next_morning"}`; only forward."""
    wish = asked()
    try:
        with _store().writing() as connection:
            if "to" in wish:
                ahead = clock.advance_to(connection, str(wish["to"]))
            else:
                ahead = clock.advance(connection, float(wish.get("advance_seconds", "nan")))
            clock.publish(current_app.config["CLOCK_FILE"], ahead)
            told = clock.told(connection)
    except (TypeError, ValueError, OverflowError) as problem:
        return _no(problem, NO_SUCH_TIME)
    return jsonify(told) if request.is_json else redirect(_back(), 303)


@blueprint.get("/control/faults")
def show_faults() -> Response:
    """`{"armed": [...], "spent": [...], "names": [...]}`."""
    with _store().reading() as connection:
        return jsonify({**faults.every(connection), "names": faults.NAMES})


@blueprint.post("/control/faults")
def arm_fault() -> Answer:
    """`{"institution", "name", "times"?, "number"?, "operation"?, "seconds"?}`; answers the fault with its id."""
    wish = asked()
    try:
        with _store().writing() as connection:
            number = faults.arm(connection, _fault(wish))
            armed = dict(connection.execute("SELECT * FROM faults WHERE id = ?", (number,)).fetchone())
    except (TypeError, ValueError, OverflowError) as problem:
        return _no(problem, NO_SUCH_FAULT)
    return jsonify(armed) if request.is_json else redirect("/control#faults", 303)


@blueprint.delete("/control/faults")
@blueprint.delete("/control/faults/<int(max=2147483647):number>")
@blueprint.post("/control/faults/clear")
@blueprint.post("/control/faults/<int(max=2147483647):number>/clear")
def disarm_fault(number: int | None = None) -> Answer:
    """Take back one fault, or all; what they hit stays on record."""
    with _store().writing() as connection:
        count = faults.disarm(connection, number)
    if request.method == "POST" and not request.is_json:
        return redirect("/control#faults", 303)
    if number is not None and not count:
        return jsonify({"error": f"No fault {number} is armed."}), 404
    return jsonify({"disarmed": count})


@blueprint.get("/control/settings")
def show_settings() -> Response:
    """All settings by name."""
    with _store().reading() as connection:
        return jsonify(settings.every_setting(connection))


@blueprint.post("/control/settings")
def change_settings() -> Answer:
    """`{"retry_speed": 60, ...}`: all of the given settings change, or none."""
    wish = asked()
    try:
        with _store().writing() as connection:
            for name, value in wish.items():
                settings.change(connection, name, float(value))
            now = settings.every_setting(connection)
    except (TypeError, ValueError, OverflowError) as problem:
        return _no(problem, NO_SUCH_SETTING)
    return jsonify(now) if request.is_json else redirect("/control#pace", 303)


@blueprint.get("/control/outbox")
def show_outbox() -> Response:
    """The newest notices: to whom, how often tried, what was answered, which faults hit."""
    return jsonify(_outbox())


@blueprint.post("/control/outbox/<int(max=2147483647):number>/now")
def send_now(number: int) -> Answer:
    """Send one notice again at once, whatever became of it before."""
    with _store().writing() as connection:
        changed = connection.execute(
            "UPDATE outbox SET state = 'waiting', due_at = ?, wait = 0, held_for = '' WHERE id = ?",
            (clock.now(connection), number),
        ).rowcount
    if not changed:
        return jsonify({"error": f"There is no notice {number}."}), 404
    return jsonify({"id": number}) if request.is_json else redirect("/control#notices", 303)


@blueprint.post("/control/applyments/<business_code>/reject")
def reject(business_code: str) -> Answer:
    """`{"field": ..., "reason": ...}`: a WeChat application under audit is rejected with this reason."""
    wish = asked()
    field, reason = str(wish.get("field") or "license_copy"), str(wish.get("reason") or "照片模糊，请重新拍摄")
    try:
        with _store().writing() as connection:
            applyments.reject(connection, business_code, field, reason)
    except Refused as refusal:
        return jsonify({"error": refusal.message}), 409
    return jsonify({"business_code": business_code}) if request.is_json else redirect("/control#applications", 303)


def _page(problem: str, typed: Mapping[str, Any]) -> str:
    with _store().reading() as connection:
        rows = connection.execute("SELECT * FROM wechat_applyments ORDER BY changed_at DESC LIMIT 50").fetchall()
        return render_template(
            "control.html",
            problem=problem,
            typed=typed,
            faults=faults.every(connection),
            words=fault_words,
            settings=settings.every_setting(connection),
            outbox=_outbox(),
            applyments=rows,
            signable=applyments.SIGNABLE,
        )


def _no(problem: Exception, sentence: tuple[str, str]) -> Answer:
    if request.is_json:
        return jsonify({"error": str(problem)}), 400
    return _page(say(*sentence), request.form), 400


def _fault(wish: Mapping[str, Any]) -> faults.Wish:
    seconds = wish.get("seconds")
    return faults.Wish(
        institution=str(wish.get("institution", "")),
        name=str(wish.get("name", "")),
        times=int(wish.get("times") or 1),
        number=str(wish.get("number") or "").strip(),
        operation=str(wish.get("operation") or ""),
        seconds=None if seconds in (None, "") else float(str(seconds)),
    )


def _back() -> str:
    """The page the header's button stood on; never another site."""
    path = request.form.get("back", "")
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/control"


def _outbox() -> list[dict[str, object]]:
    with _store().reading() as connection:
        rows = connection.execute(
            "SELECT id, sender, institution, kind, number, order_no, url, attempts, state, due_at + wait / ? AS due_at,"
            " faults, created_at, last_status, last_answer FROM outbox ORDER BY id DESC LIMIT ?",
            (settings.setting(connection, "retry_speed"), OUTBOX_ROWS),
        )
        return [dict(row) for row in rows]


def _clock(seconds: float, form: str = "%m-%d %H:%M:%S") -> str:
    return time.strftime(form, time.gmtime(seconds + 8 * 3600))


def _span(seconds: float) -> str:
    """A length of time in its two largest units."""
    rest = int(seconds)
    parts: list[str] = []
    units = ((86400, "天", "d"), (3600, "小时", "h"), (60, "分", "min"), (1, "秒", "s"))
    for size, chinese, english in units:
        if rest >= size and len(parts) < 2:
            parts.append(f"{rest // size} {say(chinese, english)}")
            rest %= size
    return " ".join(parts) or say("0 秒", "0 s")


def _store() -> Store:
    store: Store = current_app.extensions["store"]
    return store
