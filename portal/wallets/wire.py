"""What both wires have in common: strict JSON, text a wallet accepts, Chinese wall-clock times."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from portal.values.day import SHANGHAI

# No message of a wallet comes near this; anything longer is not worth parsing.
MAX_MESSAGE_BYTES = 256 * 1024
# Beyond this a number cannot be fen, and beyond BIGINT it could not be stored.
_MAX_WHOLE = 2**53


class UnreadableMessage(ValueError):
    """Bytes that are not what the wallet's own description says: not JSON, wrong shape, wrong type."""


def read_object(raw: bytes, *, numbers_as_text: bool = False) -> dict[str, Any]:
    """One JSON object, strictly: UTF-8, no repeated names, no NaN. `numbers_as_text` keeps digits as they were sent.

    Raises UnreadableMessage, also for nesting so deep that the parser gives up.
    """
    if len(raw) > MAX_MESSAGE_BYTES:
        raise UnreadableMessage("too long")
    try:
        text = raw.decode("utf-8")
        found = json.loads(
            text,
            object_pairs_hook=_without_repeats,
            parse_constant=_no_constant,
            parse_int=str if numbers_as_text else None,
            parse_float=str if numbers_as_text else None,
        )
        if "\\u" in text:
            # Half a surrogate pair can be written as an escape, but never be encoded again.
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise UnreadableMessage("not JSON") from error
    if not isinstance(found, dict):
        raise UnreadableMessage("not an object")
    return found


def write_object(fields: Mapping[str, Any], *, sort: bool = False) -> bytes:
    """Compact UTF-8 JSON; None values are left out because WeChat Pay refuses null (partner docs 4012081726)."""
    return json.dumps(_without_nothing(fields), ensure_ascii=False, separators=(",", ":"), sort_keys=sort).encode()


def text_at(message: Mapping[str, Any], *path: str) -> str:
    """The non-empty text at `path`. Raises UnreadableMessage."""
    found = _at(message, path)
    if not isinstance(found, str) or not found or "\x00" in found:
        raise UnreadableMessage(f"no text at {'.'.join(path)}")
    return found


def optional_text_at(message: Mapping[str, Any], *path: str) -> str | None:
    """The text at `path`, or None when it is absent, null or empty. Raises UnreadableMessage for another type."""
    return None if _at(message, path) in (None, "") else text_at(message, *path)


def whole_at(message: Mapping[str, Any], *path: str) -> int:
    """The whole number >= 0 at `path`, as a number or as digits. Raises UnreadableMessage."""
    found = _at(message, path)
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) <= 16:
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= _MAX_WHOLE:
        raise UnreadableMessage(f"no whole number at {'.'.join(path)}")
    return found


def optional_whole_at(message: Mapping[str, Any], *path: str) -> int | None:
    """Like `whole_at`, or None when nothing is there."""
    return None if _at(message, path) in (None, "") else whole_at(message, *path)


def moment_at(message: Mapping[str, Any], *path: str) -> datetime | None:
    """The RFC 3339 moment at `path` in UTC, or None. Raises UnreadableMessage, also for a time without a zone."""
    written = optional_text_at(message, *path)
    if written is None:
        return None
    try:
        moment = datetime.fromisoformat(written)
        if moment.tzinfo is None:
            raise ValueError("no zone")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UnreadableMessage(f"no moment at {'.'.join(path)}") from error


def rfc3339(moment: datetime) -> str:
    """`2015-05-20T13:29:35+08:00`: whole seconds, always with the Chinese offset."""
    return moment.astimezone(SHANGHAI).isoformat(timespec="seconds")


def digits_of(moment: datetime) -> str:
    """`yyyyMMddHHmmss` on a Chinese wall clock."""
    return moment.astimezone(SHANGHAI).strftime("%Y%m%d%H%M%S")


def acceptable_text(text: str, *, characters: int | None = None, utf8_bytes: int | None = None) -> str:
    """`text` as WeChat Pay takes it: no sign beyond three UTF-8 bytes (emoji), no control signs, cut to the limit.

    A cut never splits a character. Source: partner docs 4012081726.
    """
    one_line = " ".join(text.split())
    kept = "".join(sign for sign in one_line if sign.isprintable() and ord(sign) <= 0xFFFF)
    if characters is not None:
        kept = kept[:characters]
    if utf8_bytes is not None:
        kept = kept.encode("utf-8")[:utf8_bytes].decode("utf-8", "ignore")
    return kept.strip()


def _at(message: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = message
    for name in path:
        if found is None:
            return None
        if not isinstance(found, Mapping):
            raise UnreadableMessage(f"no object around {name}")
        found = found.get(name)
    return found


def _without_nothing(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_nothing(value) if isinstance(value, Mapping) else value
        for name, value in fields.items()
        if value is not None
    }


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
