"""One signed request to WeChat Pay and its verified answer.

Headers and rules: partner docs 4012081726 (calls), 4013059017 (answers: 2xx are signed, files are not). UNCONFIRMED,
told by implementers alone: refusals are not signed, and so are believed as far as they refuse.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from portal.wallets.errors import WalletError, WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.port import Contract
from portal.wallets.transport import Answer, Budget, Transport
from portal.wallets.wechat import signing
from portal.wallets.wechat.gateways import Gateways, Reached
from portal.wallets.wechat.settings import WechatSettings
from portal.wallets.wechat.words import MOVES_MONEY, ONCE_ONLY, Call, error_for, is_worth_repeating
from portal.wallets.wire import UnreadableMessage, read_object, write_object

# The pause before the same request is sent once more, and what must be left of the budget for it.
PAUSE_SECONDS = 0.3
LEAST_FOR_A_REPEAT = 1.0

T = TypeVar("T")
Read = Callable[[Mapping[str, Any]], T]


class Client:
    """Knows the provider's keys; knows nothing of orders or refunds."""

    def __init__(
        self,
        settings: WechatSettings,
        transport: Transport,
        now: Callable[[], datetime],
        gateways: Gateways | None = None,
    ) -> None:
        self.settings = settings
        self.now = now
        self.gateways = gateways or Gateways(settings.gateway, settings.backup_gateway)
        self._transport = transport

    def get(self, call: Call, path: str, query: Mapping[str, str], *, budget: Budget, read: Read[T]) -> T:
        """Ask, and return what `read` makes of the answer's JSON object. Raises WalletError.

        An UnreadableMessage of `read` becomes WalletUnknown; every error carries the Request-ID where one came.
        """
        return self._send(call, "GET", f"{path}?{urlencode(query)}" if query else path, budget=budget, read=read)

    def post(self, call: Call, path: str, fields: Mapping[str, Any] | None, *, budget: Budget, read: Read[T]) -> T:
        """Order something; None sends no body. Like `get`; a 204 is read as an empty object."""
        body = b"" if fields is None else write_object(fields)
        media_type = None if fields is None else "application/json"
        return self._send(call, "POST", path, budget=budget, read=read, body=body, signed=body, media_type=media_type)

    def upload(self, path: str, *, body: bytes, meta: bytes, media_type: str, budget: Budget, read: Read[T]) -> T:
        """Send a file; only the text of its `meta` part is signed (partner docs 4012760490)."""
        return self._send(
            Call.UPLOAD, "POST", path, budget=budget, read=read, body=body, signed=meta, media_type=media_type
        )

    def download(
        self,
        url: str,
        *,
        budget: Budget,
        sink: Callable[[], Callable[[bytes], None]],
        most_bytes: int,
    ) -> str | None:
        """Fetch a file from an address that WeChat Pay gave us. Each try gets a new sink; the caller checks the digest.

        The request is signed like any other, the file is not (partner docs 4013080597). Answers the Request-ID; raises
        WalletError.
        """
        path = self.gateways.path_of(url)
        if path is None or not path.startswith("/v3/"):
            raise WalletUnknown("FOREIGN_ADDRESS", "a file at another host")

        def attempt(base: str, within: Budget) -> Answer:
            headers = self._headers("GET", path, b"", None)
            return self._transport.receive(
                f"wechat {Call.DOWNLOAD}",
                base + path,
                budget=within,
                headers=headers,
                take=sink(),
                most_bytes=most_bytes,
            )

        answer = self.gateways.reach(attempt, budget=budget).value
        if answer.status != 200:
            raise _refusal(Call.DOWNLOAD, Reached(answer))
        return answer.request_id

    def _send(
        self,
        call: Call,
        method: str,
        path: str,
        *,
        budget: Budget,
        read: Read[T],
        body: bytes | None = None,
        signed: bytes = b"",
        media_type: str | None = None,
    ) -> T:
        def attempt(base: str, within: Budget) -> Answer:
            headers = self._headers(method, path, signed, media_type)
            return self._transport.send(
                f"wechat {call}", method, base + path, budget=within, headers=headers, body=body
            )

        repeatable = call not in ONCE_ONLY
        found = self.gateways.reach(attempt, budget=budget, repeatable=repeatable)
        if repeatable and is_worth_repeating(found.value.status) and budget.left() > LEAST_FOR_A_REPEAT + PAUSE_SECONDS:
            time.sleep(PAUSE_SECONDS)
            # Where the second time finds nobody, the first answer stands: it was sent.
            with suppress(WalletUnavailable):
                found = Reached(self.gateways.reach(attempt, budget=budget).value, doubtful=True)
        return self._judge(call, found, read)

    def _headers(self, method: str, path: str, signed: bytes, media_type: str | None) -> dict[str, str]:
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
        return headers | ({"Content-Type": media_type} if media_type else {})

    def _judge(self, call: Call, found: Reached[Answer], read: Read[T]) -> T:
        answer = found.value
        if answer.status not in (200, 204):
            raise _refusal(call, found)
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
            return read(read_object(answer.body) if answer.body else {})
        except signing.BadSignature as error:
            raise WalletUnknown("ANSWER_NOT_SIGNED", error.reason, request_id=answer.request_id) from error
        except UnreadableMessage as error:
            raise WalletUnknown("ANSWER_UNREADABLE", str(error), request_id=answer.request_id) from error
        except WalletError as error:
            error.request_id = error.request_id or answer.request_id
            raise


def nothing(_: Mapping[str, Any]) -> None:
    """For an answer that says no more than that it was done."""


def in_path(number: str) -> str:
    """A number of ours or of a wallet as one segment of a path."""
    return quote(number, safe="")


def collector_of(contract: Contract, settings: WechatSettings) -> str:
    """The sub-merchant who collects. Raises WalletRefused when that would be the provider itself."""
    if not contract.sub_merchant_no or contract.sub_merchant_no == settings.sp_mchid:
        raise WalletRefused("COLLECTOR_IS_PROVIDER", "only a sub-merchant may collect")
    return contract.sub_merchant_no


def _refusal(call: Call, found: Reached[Answer]) -> WalletError:
    """The error for a status that is not 2xx.

    Where money moves, a refusal of the second try says nothing of a first one that may have been taken.
    """
    answer = found.value
    code, message = _error_of(answer.body)
    kind = error_for(call, answer.status, code)
    if found.doubtful and call in MOVES_MONEY:
        kind = WalletUnknown
    return kind(code or f"HTTP_{answer.status}", message, request_id=answer.request_id)


def _error_of(body: bytes) -> tuple[str | None, str]:
    try:
        found = read_object(body)
    except UnreadableMessage:
        return None, ""
    code, message = found.get("code"), found.get("message")
    return (code if isinstance(code, str) and code else None), (message if isinstance(message, str) else "")
