"""One signed request to WeChat Pay and its verified answer.

Headers and rules: partner docs 4012081726 (calls), 4013059017 (answers; 2xx are signed, refusals are not).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from portal.wallets.errors import WalletRefused, WalletUnknown
from portal.wallets.port import Contract
from portal.wallets.transport import Answer, Budget, Transport
from portal.wallets.wechat import signing
from portal.wallets.wechat.settings import WechatSettings
from portal.wallets.wechat.words import Call, error_for
from portal.wallets.wire import UnreadableMessage, read_object, write_object


class Client:
    """Knows the provider's keys; knows nothing of orders or refunds."""

    def __init__(self, settings: WechatSettings, transport: Transport, now: Callable[[], datetime]) -> None:
        self.settings = settings
        self.now = now
        self._transport = transport

    def get(self, call: Call, path: str, query: Mapping[str, str], *, budget: Budget) -> dict[str, Any]:
        """Ask. Returns the answer's JSON object; raises WalletError."""
        return self._send(call, "GET", f"{path}?{urlencode(query)}" if query else path, budget=budget)

    def post(self, call: Call, path: str, fields: Mapping[str, Any], *, budget: Budget) -> dict[str, Any]:
        """Order something. Returns the answer's JSON object, empty for 204; raises WalletError."""
        body = write_object(fields)
        return self._send(call, "POST", path, budget=budget, body=body, signed=body, media_type="application/json")

    def upload(self, path: str, *, body: bytes, meta: bytes, media_type: str, budget: Budget) -> dict[str, Any]:
        """Send a file; only the text of its `meta` part is signed (partner docs 4012760490)."""
        return self._send(Call.UPLOAD, "POST", path, budget=budget, body=body, signed=meta, media_type=media_type)

    def _send(
        self,
        call: Call,
        method: str,
        path: str,
        *,
        budget: Budget,
        body: bytes | None = None,
        signed: bytes = b"",
        media_type: str | None = None,
    ) -> dict[str, Any]:
        headers = {
            "Accept": "application/json",
            "Accept-Language": "zh-CN",
            "Wechatpay-Serial": self.settings.key_id,
            "Authorization": signing.authorization(
                self.settings.private_key,
                mchid=self.settings.sp_mchid,
                serial_no=self.settings.serial_no,
                method=method,
                path=path,
                signed_body=signed,
                now=self.now(),
            ),
        }
        if media_type:
            headers["Content-Type"] = media_type
        url = self.settings.gateway + path
        answer = self._transport.send(f"wechat {call}", method, url, budget=budget, headers=headers, body=body)
        return self._judge(call, answer)

    def _judge(self, call: Call, answer: Answer) -> dict[str, Any]:
        if answer.status not in (200, 204):
            code, message = _error_of(answer.body)
            wrong = error_for(call, answer.status, code)
            raise wrong(code or f"HTTP_{answer.status}", message, request_id=answer.request_id)
        try:
            signing.verify(
                self.settings.keys,
                timestamp=answer.headers.get("wechatpay-timestamp", ""),
                once=answer.headers.get("wechatpay-nonce", ""),
                signature=answer.headers.get("wechatpay-signature", ""),
                serial=answer.headers.get("wechatpay-serial", ""),
                body=answer.body,
                now=self.now(),
            )
            return read_object(answer.body) if answer.body else {}
        except signing.BadSignature as error:
            raise WalletUnknown("ANSWER_NOT_SIGNED", error.reason, request_id=answer.request_id) from error
        except UnreadableMessage as error:
            raise WalletUnknown("ANSWER_UNREADABLE", str(error), request_id=answer.request_id) from error


def in_path(number: str) -> str:
    """A number of ours or of a wallet as one segment of a path."""
    return quote(number, safe="")


def collector_of(contract: Contract, settings: WechatSettings) -> str:
    """The sub-merchant who collects. Raises WalletRefused when that would be the provider itself."""
    if not contract.sub_merchant_no or contract.sub_merchant_no == settings.sp_mchid:
        raise WalletRefused("COLLECTOR_IS_PROVIDER", "only a sub-merchant may collect")
    return contract.sub_merchant_no


def _error_of(body: bytes) -> tuple[str | None, str]:
    try:
        found = read_object(body)
    except UnreadableMessage:
        return None, ""
    code, message = found.get("code"), found.get("message")
    return (code if isinstance(code, str) and code else None), (message if isinstance(message, str) else "")
