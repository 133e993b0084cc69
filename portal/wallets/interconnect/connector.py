"""The portal's side of the clearing institution's stand-in: whose code, what was paid, what was cleared.

No public message format of such an institution exists; this speaks the portal's own (docs/interconnect.md).
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from portal.wallets.directory import CodeHolder, Holding
from portal.wallets.errors import WalletError, WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.interconnect import notices, signing
from portal.wallets.interconnect.settings import InterconnectSettings, read_settings
from portal.wallets.parties import Acquirer
from portal.wallets.routed import RoutedNotice
from portal.wallets.transport import Answer, Budget, Transport
from portal.wallets.wire import UnreadableMessage, optional_text_at, read_object, text_at, write_object

BUDGET_SECONDS = 4.0
FILE_BUDGET_SECONDS = 600.0
_FILE_MOST_BYTES = 4 * 1024**3


def _real_time() -> datetime:
    return datetime.now(UTC)


class InterconnectConnector:
    """Safe to share between threads. Each call takes at most `budget` seconds; the file has ten minutes."""

    def __init__(self, settings: InterconnectSettings, *, now: Callable[[], datetime], budget: float) -> None:
        self._settings = settings
        self._now = now
        self._budget = budget
        self._transport = Transport(addresses=[settings.gateway])

    def resolve_code(self, text: str) -> CodeHolder | None:
        """Who receives what is paid to a code; None when nobody has filed it. Raises WalletError."""
        url, body = f"{self._settings.gateway}/codes/resolve", write_object({"code": text})
        headers = {"Content-Type": "application/json", **self._signed("POST", url, body)}
        answer = self._transport.send(
            "interconnect resolve", "POST", url, budget=Budget(self._budget), headers=headers, body=body
        )
        told = self._believed(answer)
        if answer.status == 404 and told.get("code") == "UNKNOWN_CODE":
            return None
        if answer.status != 200:
            raise _failure(answer.status, told)
        try:
            holding = Holding(text_at(told, "holding"))
            own = holding is Holding.OWN_SUB_MERCHANT
            name = text_at(told, "holder_name")
            number = text_at(told, "merchant_no") if own else optional_text_at(told, "merchant_no")
            return CodeHolder(Acquirer(text_at(told, "acquirer")), holding, name, number if own else None)
        except (UnreadableMessage, ValueError) as error:
            raise WalletUnknown("UNREADABLE_ANSWER", "interconnect resolve") from error

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> RoutedNotice:
        """Verify the raw bytes, then read them. Raises NoticeRejected."""
        return notices.read_notice(self._settings, headers=headers, body=body, now=now)

    def notice_reply(self, *, accepted: bool, reason: str = "") -> tuple[int, str, str]:
        """Status, media type and body with which a message is answered."""
        return notices.notice_reply(accepted=accepted, reason=reason)

    def fetch_clearing(self, day: date, *, into: BinaryIO) -> int | None:
        """Write the clearing file of a Beijing day to `into`; answers its size in bytes, None while it is not ready.

        Never whole in memory. A file is signed by its SHA-256, which is known only at the end: when this raises, what
        was written is worth nothing. Raises WalletError.
        """
        name, url = "interconnect clearing", f"{self._settings.gateway}/clearing?date={day.isoformat()}"
        digest, size = hashlib.sha256(), 0

        def take(piece: bytes) -> None:
            nonlocal size
            digest.update(piece)
            size += len(piece)
            into.write(piece)

        budget, headers = Budget(FILE_BUDGET_SECONDS), self._signed("GET", url, b"")
        answer = self._transport.receive(
            name, url, budget=budget, headers=headers, take=take, most_bytes=_FILE_MOST_BYTES
        )
        if answer.status != 200:
            told = self._believed(answer)
            if answer.status == 404 and told.get("code") == "NOT_READY":
                return None
            raise _failure(answer.status, told)
        try:
            signed = digest.hexdigest().encode()
            signing.check(self._settings.keys, answer.headers, signed, now=self._now())
        except signing.BadSignature as error:
            raise WalletUnknown("UNTRUSTED_ANSWER", error.reason) from error
        return size

    def _signed(self, method: str, url: str, body: bytes) -> dict[str, str]:
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        key_id = self._settings.key_id
        return signing.request_headers(
            key_id, self._settings.keys[key_id], method=method, path=path, body=body, now=self._now()
        )

    def _believed(self, answer: Answer) -> Mapping[str, Any]:
        """A small answer whose signature is right, whatever its status. Raises WalletUnknown."""
        try:
            signing.check(self._settings.keys, answer.headers, answer.body, now=self._now())
            return read_object(answer.body)
        except (signing.BadSignature, UnreadableMessage) as error:
            raise WalletUnknown("UNTRUSTED_ANSWER", str(error)) from error


def interconnect_of(
    sections: Mapping[str, Any],
    *,
    plain_http: bool = False,
    now: Callable[[], datetime] = _real_time,
    budget: float = BUDGET_SECONDS,
) -> InterconnectConnector | None:
    """The connector where the wallets' file has a section `interconnect`; None where there is no such source.

    Raises WalletSettingsError for an incomplete section.
    """
    if "interconnect" not in sections:
        return None
    return InterconnectConnector(read_settings(sections["interconnect"], plain_http=plain_http), now=now, budget=budget)


def _failure(status: int, told: Mapping[str, Any]) -> WalletError:
    """Questions change nothing, so whatever is not a clear no may be asked again."""
    code = str(told.get("code") or status)[:40]
    return WalletRefused(code) if status in (400, 403) else WalletUnavailable(code)
