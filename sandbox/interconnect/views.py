"""The clearing institution over HTTP, for its members: whose code, what became of a payment, the clearing file."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import date

from flask import Blueprint, Flask, Response, current_app, request

from sandbox import faults
from sandbox.interconnect import clearing, directory, notices, returning, routing, states
from sandbox.interconnect.signing import SKEW_SECONDS, keys_alive, problem_of, signed_headers

_LONGEST_BODY = 64 * 1024
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

blueprint = Blueprint("interconnect", __name__, url_prefix="/interconnect")


def set_up(app: Flask) -> None:
    """File the first codes, and tell the notifier what is told and what falls due."""
    with app.extensions["store"].writing() as connection:
        directory.plant(connection, time.time())
    notices.register(app.extensions["notifier"], app.extensions["keys"])
    app.extensions["notifier"].watch(clearing.advancing(f"{app.config['NOTICES_URL']}/notify/interconnect"))
    app.extensions["notifier"].watch(returning.follow_due)


@blueprint.post("/codes/resolve")
def resolve() -> Response:
    """`{"code": text}`: who receives what is paid to it; 404 UNKNOWN_CODE when no acquirer has filed it."""
    return _answer_call("query", _resolve)


@blueprint.get("/payments/<clearing_no>")
def payment(clearing_no: str) -> Response:
    """One routed payment with its steps; 404 UNKNOWN_PAYMENT."""

    def ask() -> Response:
        with current_app.extensions["store"].reading() as connection:
            row = routing.find(connection, clearing_no)
            if row is None:
                return _error(404, "UNKNOWN_PAYMENT")
            return _signed(200, {**notices.about(row), "steps": states.steps(connection, clearing_no)})

    return _answer_call("query", ask, clearing_no)


@blueprint.get("/clearing")
def clearing_file() -> Response:
    """`?date=2026-11-21`: the file of a Beijing day; 404 NOT_READY before ten o'clock of the next."""
    return _answer_call("bill", _clearing_file, request.args.get("date", ""))


def _resolve() -> Response:
    try:
        text = json.loads(request.get_data())["code"]
    except (ValueError, KeyError, TypeError):
        text = None
    if not isinstance(text, str) or not 1 <= len(text) <= 1000:
        return _error(400, "BAD_CODE")
    with current_app.extensions["store"].reading() as connection:
        holder = directory.resolve(connection, text)
    if holder is None:
        return _error(404, "UNKNOWN_CODE")
    told = {"acquirer": holder.acquirer, "holding": holder.holding, "holder_name": holder.holder_name}
    if holder.holding == directory.OWN:
        told["merchant_no"] = holder.merchant_no
    return _signed(200, told)


def _clearing_file() -> Response:
    wish = request.args.get("date", "")
    try:
        if not _DAY.fullmatch(wish):
            raise ValueError(wish)
        day = date.fromisoformat(wish)
    except ValueError:
        return _error(400, "BAD_DATE")
    try:
        with current_app.extensions["store"].writing() as connection:
            text = clearing.file_of(connection, day)
    except clearing.NotReady:
        return _error(404, "NOT_READY")
    body = text.encode()
    file = Response(body, status=200, content_type="text/csv; charset=utf-8")
    return _sign(file, hashlib.sha256(body).hexdigest().encode())


def _answer_call(operation: str, act: Callable[[], Response], *numbers: str) -> Response:
    refusal = _refusal()
    if refusal is not None:
        return refusal
    answers = faults.Answers(
        act=act,
        refuse=lambda: _error(403, "NOT_ALLOWED"),
        fail=lambda: _error(500, "SYSTEM_ERROR"),
        spoil=_spoilt,
    )
    return faults.around(current_app.extensions["store"], faults.Call("interconnect", operation, numbers), answers)


def _refusal() -> Response | None:
    """Why a request is not answered: a signature that does not fit, or a nonce that was used before."""
    if (request.content_length or 0) > _LONGEST_BODY:
        return _error(413, "TOO_LONG")
    keys = keys_alive(current_app.extensions["keys"])
    path = request.full_path.rstrip("?")
    problem = problem_of(dict(request.headers), request.method, path, request.get_data(), keys)
    if problem:
        return _error(401, problem)
    now = time.time()
    with current_app.extensions["store"].writing() as connection:
        connection.execute("DELETE FROM interconnect_nonces WHERE at < ?", (now - 2 * SKEW_SECONDS,))
        fresh = connection.execute(
            "INSERT INTO interconnect_nonces (nonce, at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (request.headers["Interconnect-Nonce"], now),
        ).rowcount
    return None if fresh else _error(401, "REPLAYED")


def _signed(status: int, told: Mapping[str, object]) -> Response:
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    return _sign(Response(body, status=status, content_type="application/json"))


def _error(status: int, code: str) -> Response:
    return _signed(status, {"code": code})


def _sign(response: Response, signed: bytes | None = None) -> Response:
    """Sign the body, or what stands for it: a file is signed by its SHA-256 in hex, so that it can be streamed."""
    keys = current_app.extensions["keys"]
    response.headers.update(
        signed_headers(
            keys.interconnect_key_id, keys.interconnect_key, response.get_data() if signed is None else signed
        )
    )
    return response


def _spoilt(response: Response) -> Response:
    signature = response.headers["Interconnect-Signature"]
    response.headers["Interconnect-Signature"] = ("A" if signature[0] != "A" else "B") + signature[1:]
    return response
