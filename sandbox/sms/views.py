"""Tencent Cloud's SMS gateway (sms.tencentcloudapi.com) at `POST /`, and the inboxes of every phone at /sms."""

import time
import uuid
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template, request

from sandbox.keys import Keys
from sandbox.sms import messages, signing
from sandbox.sms.refusals import Refusal
from sandbox.store import Store

ACTION = "SendSms"
VERSION = "2021-01-11"

blueprint = Blueprint("sms", __name__)


def set_up(app: Flask) -> None:
    """Nothing happens by itself here."""


@blueprint.post("/")
def gateway() -> Response:
    """SendSms. Always 200 with `Response`: a status line per number, or `Error`."""
    try:
        told: dict[str, Any] = {"SendStatusSet": _sent()}
    except Refusal as refusal:
        told = {"Error": {"Code": refusal.code, "Message": refusal.message}}
    return jsonify({"Response": {**told, "RequestId": str(uuid.uuid4())}})


@blueprint.get("/sms/inbox")
def inbox() -> Response:
    """What a number received, newest first: `?phone=+8613800000000`; without a number, everybody's."""
    phone = _asked_phone()
    with _store().reading() as connection:
        return jsonify({"phone": phone, "messages": messages.inbox(connection, phone)})


@blueprint.get("/sms")
def show_inbox() -> str:
    """The same for people."""
    phone = _asked_phone()
    with _store().reading() as connection:
        return render_template("sms/inbox.html", phone=phone, messages=messages.inbox(connection, phone))


def _sent() -> list[dict[str, Any]]:
    keys: Keys = current_app.extensions["keys"]
    if "Authorization" not in request.headers:
        raise Refusal("MissingParameter", "缺少 Authorization。")
    signing.verify(
        path=request.path,
        query=request.query_string.decode("latin-1"),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.get_data(),
        secret_id=keys.sms_secret_id,
        secret_key=keys.sms_secret_key,
        now=time.time(),
    )
    if request.headers.get("X-TC-Action") != ACTION:
        raise Refusal("InvalidAction", f"沙盒只有 {ACTION}。")
    if request.headers.get("X-TC-Version") != VERSION:
        raise Refusal("NoSuchVersion", f"沙盒只有 {VERSION}。")
    if not request.headers.get("X-TC-Region"):
        raise Refusal("MissingParameter", "缺少 X-TC-Region。")
    with _store().writing() as connection:
        return messages.send(connection, keys, request.get_data())


def _asked_phone() -> str | None:
    """The number of the query. A bare `+` in a query means a space, so it is put back."""
    digits = request.args.get("phone", "").strip().removeprefix("+")
    if not digits:
        return None
    return f"+{digits}" if not (len(digits) == 11 and digits.startswith("1")) else f"+86{digits}"


def _store() -> Store:
    store: Store = current_app.extensions["store"]
    return store
