"""What the portal is told of a clearing institution: where it is, our number there, the keys of both sides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from portal.wallets.errors import WalletSettingsError

_LEAST_KEY = 32
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class InterconnectSettings:
    """`keys` holds every key that counts now, by its id; `key_id` names the one we sign with."""

    gateway: str
    member: str
    key_id: str
    keys: Mapping[str, bytes] = field(repr=False)


def read_settings(section: Mapping[str, Any], *, plain_http: bool = False) -> InterconnectSettings:
    """Read the `interconnect` section of the wallets' file. Raises WalletSettingsError naming what is wrong.

    `next_key_id` and `next_key` are optional: a second key that counts as well, while one replaces the other.
    """
    gateway = _text(section, "gateway").rstrip("/")
    parts = urlsplit(gateway)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise WalletSettingsError("interconnect: gateway is not an address")
    if parts.scheme == "http" and not plain_http and parts.hostname not in _THIS_MACHINE:
        raise WalletSettingsError("interconnect: gateway must use https")
    key_id = _text(section, "key_id")
    keys = {key_id: _key(section, "key")}
    if section.get("next_key_id"):
        keys[_text(section, "next_key_id")] = _key(section, "next_key")
    return InterconnectSettings(gateway, _text(section, "member"), key_id, keys)


def _key(section: Mapping[str, Any], name: str) -> bytes:
    key = _text(section, name).encode()
    if len(key) < _LEAST_KEY:
        raise WalletSettingsError(f"interconnect: {name} must have {_LEAST_KEY} bytes at least")
    return key


def _text(section: Mapping[str, Any], name: str) -> str:
    value = section.get(name)
    if not isinstance(value, str) or not value.strip():
        raise WalletSettingsError(f"interconnect: {name} is missing")
    return value
