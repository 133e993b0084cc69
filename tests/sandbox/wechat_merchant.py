"""A provider written for the tests, with its own signing, so that the sandbox is not judged by its own code."""

import base64
import hashlib
import json
import time
import uuid
from io import BytesIO
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from flask import Flask
from werkzeug.test import TestResponse

PHONE = {"X-Sandbox-Payer": "payer-1"}


class Provider:
    """Calls the sandbox through Flask's client; every part of a request can be bent."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client = app.test_client()
        self.given: dict[str, str] = self.client.get("/credentials").json["wechat"]
        key = serialization.load_pem_private_key(self.given["private_key"].encode(), None)
        public = serialization.load_pem_public_key(self.given["public_key"].encode())
        assert isinstance(key, RSAPrivateKey)
        assert isinstance(public, RSAPublicKey)
        self.key, self.wechat = key, public

    def sign(self, text: str) -> str:
        return base64.b64encode(self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()

    def authorization(self, method: str, path: str, body: str, **bent: str) -> str:
        pairs = {
            "mchid": self.given["sp_mchid"],
            "nonce_str": uuid.uuid4().hex,
            "timestamp": str(int(time.time())),
            "serial_no": self.given["serial_no"],
        } | {name: value for name, value in bent.items() if name != "signature"}
        text = f"{method}\n{path}\n{pairs['timestamp']}\n{pairs['nonce_str']}\n{body}\n"
        pairs["signature"] = bent.get("signature") or self.sign(text)
        return "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{name}="{value}"' for name, value in pairs.items())

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: str | None = None,
        headers: dict[str, str] | None = None,
        drop: tuple[str, ...] = (),
        **bent: str,
    ) -> TestResponse:
        text = raw if raw is not None else json.dumps(body, ensure_ascii=False) if body is not None else ""
        sent = {
            "Authorization": self.authorization(method, path, text, **bent),
            "Accept": "application/json",
            "User-Agent": "provider of a test",
            "Wechatpay-Serial": self.given["public_key_id"],
        } | (headers or {})
        if text:
            sent.setdefault("Content-Type", "application/json")
        for name in drop:
            sent.pop(name, None)
        environ = {"HTTP_USER_AGENT": ""} if "User-Agent" in drop else {}
        return self.client.open(
            f"/wechat{path}", method=method, data=text.encode(), headers=sent, environ_overrides=environ
        )

    def answer_is_signed(self, answer: TestResponse) -> bool:
        headers = answer.headers
        if "Wechatpay-Signature" not in headers:
            return False
        text = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode() + answer.data + b"\n"
        signature = base64.b64decode(headers["Wechatpay-Signature"])
        self.wechat.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
        return headers["Wechatpay-Serial"] == self.given["public_key_id"]

    def seal(self, plain: str) -> str:
        sha1 = hashes.SHA1()
        sealed = self.wechat.encrypt(plain.encode(), padding.OAEP(padding.MGF1(sha1), sha1, None))
        return base64.b64encode(sealed).decode()

    def openid(self, payer: dict[str, str] = PHONE) -> str:
        """As a page does it: authorise in the payer's phone, then exchange the code."""
        back = "http://127.0.0.1:8000/o/1/wechat"
        page = self.client.get(
            "/wechat/open/connect/oauth2/authorize",
            query_string={
                "appid": self.given["sp_appid"],
                "redirect_uri": back,
                "response_type": "code",
                "scope": "snsapi_base",
                "state": "s",
            },
            headers=payer,
        )
        assert page.status_code == 302
        code = page.location.partition("code=")[2].partition("&")[0]
        token = self.client.get(
            "/wechat/oauth/sns/oauth2/access_token",
            query_string={
                "appid": self.given["sp_appid"],
                "secret": self.given["sp_secret"],
                "code": code,
                "grant_type": "authorization_code",
            },
        )
        return str(json.loads(token.data)["openid"])

    def order(self, out_trade_no: str = "T00000001", total: int = 1234, **more: Any) -> dict[str, Any]:
        """The body of a JSAPI order; a field set to None is left out."""
        body = {
            "sp_appid": self.given["sp_appid"],
            "sp_mchid": self.given["sp_mchid"],
            "sub_mchid": self.given["sub_mchid"],
            "description": "老周豆腐 一份",
            "out_trade_no": out_trade_no,
            "notify_url": "http://127.0.0.1:9/notify",
            "amount": {"total": total, "currency": "CNY"},
            "payer": {"sp_openid": ""},
        } | more
        if body["payer"] == {"sp_openid": ""}:
            body["payer"] = {"sp_openid": self.openid()}
        return {name: value for name, value in body.items() if value is not None}

    def native(self, **more: Any) -> dict[str, Any]:
        return self.order(payer=None, **more)

    def refund(self, out_refund_no: str = "R1", refund: int = 500, total: int = 1234, **more: Any) -> dict[str, Any]:
        body = {
            "sub_mchid": self.given["sub_mchid"],
            "out_trade_no": "T00000001",
            "out_refund_no": out_refund_no,
            "amount": {"refund": refund, "total": total, "currency": "CNY"},
        } | more
        return {name: value for name, value in body.items() if value is not None}

    def upload(self, content: bytes, filename: str = "a.png", **bent: str) -> TestResponse:
        meta = json.dumps({"filename": bent.get("named", filename), "sha256": hashlib.sha256(content).hexdigest()})
        path = bent.get("path", "/v3/merchant/media/upload")
        return self.client.post(
            f"/wechat{path}",
            data={"meta": meta, "file": (BytesIO(content), filename, "image/png")},
            content_type=bent.get("content_type", "multipart/form-data"),
            headers={
                "Authorization": self.authorization("POST", path, bent.get("signed", meta)),
                "Accept": "application/json",
                "User-Agent": "provider of a test",
            },
        )
