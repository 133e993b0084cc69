"""A merchant's side of JD's aggregate pay, written a second time on pycryptodome, and a server to be notified at."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from Crypto.Cipher import DES3
from Crypto.Util.Padding import pad, unpad
from flask import Flask
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from sandbox.factory import create_app


def md5_sign(fields: dict[str, Any], md5_key: str) -> str:
    pieces = []
    for name in sorted(fields):
        if name != "sign" and fields[name] not in (None, ""):
            pieces.append(name + "=" + str(fields[name]))
    return hashlib.md5(("&".join(pieces) + md5_key).encode("utf-8")).hexdigest()


def encrypted(plain: bytes, des_key: str) -> str:
    return DES3.new(base64.b64decode(des_key), DES3.MODE_ECB).encrypt(pad(plain, 8)).hex()


def decrypted(text: str, des_key: str) -> bytes:
    return unpad(DES3.new(base64.b64decode(des_key), DES3.MODE_ECB).decrypt(bytes.fromhex(text)), 8)


def encrypted_with_length(plain: bytes, des_key: str) -> str:
    framed = len(plain).to_bytes(4, "big") + plain
    while len(framed) % 8:
        framed += b"\x00"
    return DES3.new(base64.b64decode(des_key), DES3.MODE_ECB).encrypt(framed).hex()


class Merchant:
    """Speaks for one merchant number through Flask's test client."""

    def __init__(self, app: Flask, **replaced: str) -> None:
        self.http = app.test_client()
        self.credentials = {**self.http.get("/credentials").json["jd"], **replaced}
        self.number = 0

    def envelope(self, fields: dict[str, Any]) -> dict[str, Any]:
        known = self.credentials
        whole = {"merchantNo": known["merchant_no"], "businessCode": "AGGRE", "version": known["version"], **fields}
        return {
            "merchantNo": known["merchant_no"],
            "systemId": known["system_id"],
            "cipherJson": encrypted(json.dumps(whole, sort_keys=True).encode(), known["des_key"]),
            "sign": md5_sign(whole, known["md5_key"]),
        }

    def post(self, path: str, envelope: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.post(f"/jd/apipayx/m/{path}", json=envelope)
        assert answer.status_code == 200
        return answer.json

    def call(self, path: str, **fields: Any) -> dict[str, Any]:
        return self.opened(self.post(path, self.envelope(fields)))

    def opened(self, outer: dict[str, Any]) -> dict[str, Any]:
        """The fields of an answer or notice after its signature was proved; a refusal as it came."""
        if not outer["success"]:
            return outer
        fields = json.loads(decrypted(outer["cipherJson"], self.credentials["des_key"]))
        assert outer["sign"] == md5_sign(fields, self.credentials["md5_key"])
        return fields

    def order(self, out_trade_no: str, amount: int | str = 500, **fields: Any) -> dict[str, Any]:
        asked = {
            "outTradeNo": out_trade_no,
            "amount": amount,
            "currency": "RMB",
            "piType": "JDPAY",
            "productName": "豆腐",
            "outTradeIp": "127.0.0.1",
            "deviceInfo": json.dumps({"type": "DT03", "ip": "127.0.0.1", "imei": "1"}),
            "notifyUrl": "http://127.0.0.1:9/notify/jdpay",
            **fields,
        }
        return self.call("unifiedOrder", **asked)

    def pay(self, order: dict[str, Any], action: str = "pay") -> str:
        """What the payer sees after his tap at the cashier."""
        path = "/jd/cashier/" + order["payInfo"].rsplit("/", 1)[1]
        return self.http.post(path, data={"action": action}, follow_redirects=True).get_data(as_text=True)

    def onboard(self, path: str, entity: dict[str, Any], **files: Any) -> dict[str, Any]:
        sealed = encrypted_with_length(json.dumps(entity).encode(), self.credentials["des_key"])
        form = {"agentNo": self.credentials["agent_no"], "entity": sealed, **files}
        return self.http.post(f"/jd/psi/merchant/{path}", data=form, content_type="multipart/form-data").json


class Mailbox:
    """A merchant's server: keeps what is posted to it and answers what the test says."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.answers: list[tuple[int, str]] = []
        self.url = ""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.received.append(json.loads(Request(environ).get_data()))
        status, text = self.answers.pop(0) if self.answers else (200, "success")
        return Response(text, status=status)(environ, start_response)


def eventually(look: Callable[[], Any], seconds: float = 5) -> Any:
    """What `look` gives once it is true; fails after a while."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if seen := look():
            return seen
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


@contextmanager
def served(app: Any) -> Iterator[str]:
    """A WSGI application on a free port of this machine; gives its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def started(data_dir: Any, **environment: str) -> Iterator[Flask]:
    """A sandbox with a store of its own; its threads end with the test."""
    app = create_app({"PORTAL_MODE": "demo", "PORTAL_DATA_DIR": str(data_dir), **environment})
    try:
        yield app
    finally:
        app.extensions["notifier"].stop()


def turn(app: Flask, **settings: float) -> None:
    """Change settings as the control page does."""
    with app.extensions["store"].writing() as connection:
        for name, value in settings.items():
            connection.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (name, value))
