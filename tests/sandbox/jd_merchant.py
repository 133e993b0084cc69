"""A merchant's side of JD's two contracts, written a second time on pycryptodome, and a server to be notified at."""

import base64
import hashlib
import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

from Crypto.Cipher import DES3
from Crypto.PublicKey import RSA
from Crypto.Util.number import bytes_to_long, long_to_bytes
from Crypto.Util.Padding import pad, unpad
from flask import Flask
from werkzeug.serving import make_server
from werkzeug.test import TestResponse
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


def decrypted_with_length(text: str, des_key: str) -> bytes:
    framed = DES3.new(base64.b64decode(des_key), DES3.MODE_ECB).decrypt(bytes.fromhex(text))
    return framed[4 : 4 + int.from_bytes(framed[:4], "big")]


def rsa_signed(text: bytes, private_pem: str) -> str:
    """PKCS#1 v1.5 block type 1 over the 64 letters of the digest, by hand: 00 01 ff ... ff 00 letters."""
    key = RSA.import_key(private_pem)
    letters = hashlib.sha256(text).hexdigest().encode()
    size = key.size_in_bytes()
    block = b"\x00\x01" + b"\xff" * (size - 3 - len(letters)) + b"\x00" + letters
    return base64.b64encode(long_to_bytes(pow(bytes_to_long(block), key.d, key.n), size)).decode()


def rsa_fits(text: bytes, signature: str, public_pem: str) -> bool:
    key = RSA.import_key(public_pem)
    block = long_to_bytes(pow(bytes_to_long(base64.b64decode(signature)), key.e, key.n), key.size_in_bytes())
    return block.startswith(b"\x00\x01\xff") and block.endswith(b"\x00" + hashlib.sha256(text).hexdigest().encode())


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

    def scan_url(self, out_trade_no: str, **fields: Any) -> dict[str, Any]:
        asked = {"outTradeNo": out_trade_no, "amount": 500, "businessType": "00", **fields}
        asked.setdefault("successNotifyUrl", "http://127.0.0.1:9/notify/jdpay")
        return self.opened(self.http.post("/jd/payx/getScanUrl", json=self.envelope(asked)).json)

    def refund(self, out_trade_no: str, out_refund_no: str, amount: int, **fields: Any) -> dict[str, Any]:
        asked = {"outTradeNo": out_trade_no, "outRefundNo": out_refund_no, "amount": amount}
        return self.call("refund", **asked, **{"notifyUrl": "http://127.0.0.1:9/notify/jdpay", **fields})

    def bill(self, day: str, kind: str = "ordercreate") -> list[list[str]]:
        return told_in_bill(self.http, day, self.credentials, kind, agent=True)


class OwnMerchant:
    """Speaks JD Pay V2.0 for the merchant with a contract of his own."""

    def __init__(self, app: Flask, **replaced: str) -> None:
        self.http = app.test_client()
        self.credentials = {**self.http.get("/credentials").json["jd"], **replaced}
        self.merchant_no = self.credentials["v2_merchant_no"]

    def message(self, fields: dict[str, Any], *, signature: str | None = None) -> str:
        inner = '<?xml version="1.0" encoding="UTF-8"?><jdpay>'
        for name, value in {"version": "V2.0", "merchant": self.merchant_no, **fields}.items():
            text = str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            inner += f"<{name}>{text}</{name}>"
        signature = signature or rsa_signed(f"{inner}</jdpay>".encode(), self.credentials["rsa_private_key"])
        return self.outer(f"{inner}<sign>{signature}</sign></jdpay>")

    def outer(self, inner: str) -> str:
        sealed = base64.b64encode(encrypted_with_length(inner.encode(), self.credentials["v2_des_key"]).encode())
        return (
            '<?xml version="1.0" encoding="UTF-8"?><jdpay><version>V2.0</version>'
            f"<merchant>{self.merchant_no}</merchant><encrypt>{sealed.decode()}</encrypt></jdpay>"
        )

    def post(self, service: str, body: str | bytes) -> TestResponse:
        return self.http.post(f"/jd/paygate/service/{service}", data=body, content_type="application/xml")

    def call(self, service: str, **fields: Any) -> ElementTree.Element:
        """The inner message where it is sealed, the outer one where JD does not trust the request."""
        answer = self.post(service, self.message(fields))
        assert answer.status_code == 200
        return self.opened(answer.data)

    def opened(self, body: bytes) -> ElementTree.Element:
        outer = ElementTree.fromstring(body)  # noqa: S314 - of our own making
        sealed = outer.findtext("encrypt")
        if sealed is None:
            return outer
        inner = decrypted_with_length(base64.b64decode(sealed).decode(), self.credentials["v2_des_key"])
        head, _, rest = inner.partition(b"<sign>")
        signature, _, tail = rest.partition(b"</sign>")
        assert rsa_fits(head + tail, signature.decode(), self.credentials["rsa_public_key"])
        told = ElementTree.fromstring(inner)  # noqa: S314 - of our own making
        assert told.findtext("result/code") == outer.findtext("result/code")
        return told

    def order_fields(self, trade_num: str, amount: int | str = 500, **fields: Any) -> dict[str, Any]:
        return {
            "tradeNum": trade_num,
            "tradeName": "豆腐 & <香干>",
            "tradeTime": "20261121123109",
            "amount": amount,
            "currency": "CNY",
            "orderType": "0",
            "note": "一号摊",
            "notifyUrl": "http://127.0.0.1:9/notify/jdpay",
            **fields,
        }

    def order(self, trade_num: str, amount: int | str = 500, **fields: Any) -> ElementTree.Element:
        return self.call("uniorder", **self.order_fields(trade_num, amount, **{"tradeType": "QR", **fields}))

    def form(self, fields: dict[str, Any], *, signature: str | None = None) -> dict[str, str]:
        """What an own page makes the payer's browser post."""
        whole = {"version": "V2.0", "merchant": self.merchant_no, **fields}
        pieces = [f"{name}={whole[name]}" for name in sorted(whole) if whole[name] != ""]
        sign = signature or rsa_signed("&".join(pieces).encode(), self.credentials["rsa_private_key"])
        sealed = {
            name: encrypted_with_length(str(value).encode(), self.credentials["v2_des_key"])
            for name, value in fields.items()
            if value != ""
        }
        return {"version": "V2.0", "merchant": self.merchant_no, **sealed, "sign": sign}

    def returned(self, form: dict[str, str]) -> dict[str, str]:
        """What the payer's browser brought back, its signature proved."""
        plain = {
            name: decrypted_with_length(value, self.credentials["v2_des_key"]).decode()
            for name, value in form.items()
            if name != "sign"
        }
        source = "&".join(f"{name}={plain[name]}" for name in sorted(plain))
        assert rsa_fits(source.encode(), form["sign"], self.credentials["rsa_public_key"])
        return plain

    def pay(self, code: str | None, **form: str) -> str:
        path = "/jd/cashier/" + str(code).rsplit("/", 1)[1]
        return self.http.post(path, data={"action": "pay", **form}, follow_redirects=True).get_data(as_text=True)

    def back(self, service: str, trade_num: str, order: str, amount: int, **fields: Any) -> ElementTree.Element:
        """A refund or a revocation."""
        asked = {"tradeNum": trade_num, "oTradeNum": order, "amount": amount, "currency": "CNY"}
        return self.call(service, **asked, **{"tradeTime": "20261121123109", **fields})

    def bill(self, day: str, kind: str = "ordercreate") -> list[list[str]]:
        return told_in_bill(self.http, day, self.credentials, kind, agent=False)


def bill_form(day: str, known: dict[str, str], kind: str, *, agent: bool) -> dict[str, str]:
    number = known["merchant_no"] if agent else known["v2_merchant_no"]
    path = {"ordercreate": "0001/0001", "settle": "0001/0003"}[kind]
    name = f"{day.replace('-', '')}{kind}_{number}.zip"
    data = base64.b64encode(json.dumps({"name": name, "path": path}).encode()).decode()
    key = known["bill_key"] if agent else known["v2_bill_key"]
    owner = known["agent_no"] if agent else number[:9]
    return {"owner": owner, "data": data, "md5": hashlib.md5((data + key).encode()).hexdigest()}


def told_in_bill(http: Any, day: str, known: dict[str, str], kind: str, *, agent: bool) -> list[list[str]]:
    """The lines of a bill without the header, cleaned as the public parser does."""
    answer = http.post("/jd/bapi/api/download.do", data=bill_form(day, known, kind, agent=agent))
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        (name,) = archive.namelist()
        text = archive.read(name).decode("gbk")
    lines = [line for line in text.split("\r\n") if line]
    return [[cell.replace("=", "").replace('"', "").strip("\t") for cell in line.split(",")] for line in lines[1:]]


class Mailbox:
    """A merchant's server: keeps what is posted to it and answers what the test says."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.raw: list[bytes] = []
        self.answers: list[tuple[int, str]] = []
        self.url = ""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        body = Request(environ).get_data()
        self.raw.append(body)
        if body.startswith(b"{"):
            self.received.append(json.loads(body))
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
