"""Builds the connectors from the wallets' file. Only the factory and the worker's start call this."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from portal.wallets.errors import WalletSettingsError
from portal.wallets.jdpay.connector import JdConnector
from portal.wallets.jdpay.settings import read_settings as read_jd
from portal.wallets.jdpay.settings import v2_gateways
from portal.wallets.port import Acquirer, WalletPort
from portal.wallets.wechat.connector import WechatConnector
from portal.wallets.wechat.settings import read_settings as read_wechat

# A web request waits this long for a wallet in all; the page then says that we are still asking.
BUDGET_SECONDS = 4.0
# Applications carry pictures and are sent by the worker.
SLOW_BUDGET_SECONDS = 60.0

_ADDRESSES = {"wechat": ("gateway", "oauth_page", "oauth_api"), "jd": ("gateway", "psi_gateway")}
_OPTIONAL = {"wechat": ("backup_gateway",), "jd": ("payx_gateway",)}
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def real_time() -> datetime:
    """This moment. Signatures carry real time even where a demo's business clock runs faster."""
    return datetime.now(UTC)


def connectors(
    sections: Mapping[str, Any],
    *,
    plain_http: bool = False,
    budget: float = BUDGET_SECONDS,
    now: Callable[[], datetime] = real_time,
) -> dict[Acquirer, WalletPort]:
    """A connector for each wallet the file has a section for (`wechat`, `jd`).

    Raises WalletSettingsError when a section is incomplete, names the provider itself as the collector, or has an
    address without TLS (allowed for this machine, and elsewhere only with `plain_http`, for a demo).
    """
    found: dict[Acquirer, WalletPort] = {}
    for name in ("wechat", "jd"):
        if name in sections:
            _check_addresses(name, sections[name], plain_http=plain_http)
    if "wechat" in sections:
        found[Acquirer.WECHAT] = WechatConnector(
            read_wechat(sections["wechat"]), now=now, budget=budget, slow_budget=SLOW_BUDGET_SECONDS
        )
    if "jd" in sections:
        found[Acquirer.JDPAY] = JdConnector(
            read_jd(sections["jd"]), now=now, budget=budget, slow_budget=SLOW_BUDGET_SECONDS
        )
    return found


def _check_addresses(section_name: str, section: Mapping[str, Any], *, plain_http: bool) -> None:
    given = tuple(name for name in _OPTIONAL[section_name] if section.get(name))
    addresses = {name: section.get(name) for name in _ADDRESSES[section_name] + given}
    if section_name == "jd":
        addresses |= v2_gateways(section)
    for name, address in addresses.items():
        parts = urlsplit(str(address or ""))
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise WalletSettingsError(f"{section_name}: {name} is not an address")
        if parts.scheme == "http" and not plain_http and parts.hostname not in _THIS_MACHINE:
            raise WalletSettingsError(f"{section_name}: {name} must use https")
