"""What the JD connector is told. Version literal, reply text and hosts are settings: JD's contract decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from portal.wallets.errors import WalletSettingsError


class Gateway(StrEnum):
    """JD's hosts of V2.0, by their names in the settings. BAPI serves the bills of both contracts."""

    PAYGATE = "paygate"
    H5PAY = "h5pay"
    WEPAY = "wepay"
    BAPI = "bapi"


# productId 35 is aggregate pay, 885 its tool, as the one public implementer of the onboarding host applies for them.
DEFAULT_PRODUCT_ID = "35"
DEFAULT_PAY_TOOL_ID = "885"
# One public implementer answers notices with "success", another with "ok"; V2.0 knows both too.
DEFAULT_REPLY = "success"
REPLIES = ("success", "ok")
VERSIONS = ("V3.0", "3.0")
PAYX = "https://payx.jd.com"
V2_GATEWAYS = {
    Gateway.PAYGATE: "https://paygate.jd.com",
    Gateway.H5PAY: "https://h5pay.jd.com",
    Gateway.WEPAY: "https://wepay.jd.com",
    Gateway.BAPI: "https://bapi.jdpay.com",
}


class OnScreen(StrEnum):
    """What V2.0 offers a payer before a screen: a code to scan, or JD's cashier for desktop browsers."""

    CODE = "code"
    CASHIER = "cashier"


class Closing(StrEnum):
    """How an unpaid order of V2.0 ends: it runs out by itself, or it is revoked."""

    WAIT = "wait"
    REVOKE = "revoke"


@dataclass(frozen=True)
class JdSettings:
    """The agent's numbers and the key for the onboarding host. Merchants' keys come with their contracts."""

    gateway: str
    payx_gateway: str
    psi_gateway: str
    agent_no: str
    agent_des_key: str = field(repr=False)
    version: str
    system_id: str
    v2_gateways: Mapping[str, str]
    reply: str = DEFAULT_REPLY
    product_id: str = DEFAULT_PRODUCT_ID
    pay_tool_id: str = DEFAULT_PAY_TOOL_ID
    bill_key: str | None = field(default=None, repr=False)
    v2_on_screen: OnScreen = OnScreen.CODE
    v2_closing: Closing = Closing.WAIT

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every base address that may be called."""
        return (self.gateway, self.payx_gateway, self.psi_gateway, *self.v2_gateways.values())


def read_settings(section: Mapping[str, Any]) -> JdSettings:
    """Read the `jd` section of the wallets' file. Raises WalletSettingsError naming what is wrong.

    Optional: `payx_gateway`, `v2_gateways` (else the real hosts), `agent_des_key` (where the onboarding host has a key
    of its own; else `des_key`), `reply`, `product_id`, `pay_tool_id`, `bill_key` (the agent's, for the bills of
    its merchants), `v2_on_screen`, `v2_closing`. A merchant number that is the agent's own is refused: the provider
    must never be the one who collects.
    """
    for name in ("merchant_no", "v2_merchant_no"):
        if section.get(name) and section.get(name) == section.get("agent_no"):
            raise WalletSettingsError(f"jd: {name} is the agent's own number; only sub-merchants may collect")
    return JdSettings(
        gateway=_text(section, "gateway").rstrip("/"),
        payx_gateway=str(section.get("payx_gateway") or PAYX).rstrip("/"),
        psi_gateway=_text(section, "psi_gateway").rstrip("/"),
        agent_no=_text(section, "agent_no"),
        agent_des_key=str(section.get("agent_des_key") or _text(section, "des_key")),
        version=_one_of(section, "version", VERSIONS, None),
        system_id=_text(section, "system_id"),
        v2_gateways=v2_gateways(section),
        reply=_one_of(section, "reply", REPLIES, DEFAULT_REPLY),
        product_id=str(section.get("product_id") or DEFAULT_PRODUCT_ID),
        pay_tool_id=str(section.get("pay_tool_id") or DEFAULT_PAY_TOOL_ID),
        bill_key=str(section["bill_key"]) if section.get("bill_key") else None,
        v2_on_screen=OnScreen(_one_of(section, "v2_on_screen", tuple(OnScreen), OnScreen.CODE)),
        v2_closing=Closing(_one_of(section, "v2_closing", tuple(Closing), Closing.WAIT)),
    )


def v2_gateways(section: Mapping[str, Any]) -> dict[str, str]:
    """The hosts of V2.0, by name; the real ones where the section names none. Raises WalletSettingsError."""
    told = section.get("v2_gateways") or {}
    if not isinstance(told, Mapping) or not told.keys() <= V2_GATEWAYS.keys():
        raise WalletSettingsError(f"jd: v2_gateways must be addresses by name: {', '.join(V2_GATEWAYS)}")
    return {name: str(told.get(name) or real).rstrip("/") for name, real in V2_GATEWAYS.items()}


def _one_of(section: Mapping[str, Any], name: str, allowed: tuple[str, ...], otherwise: str | None) -> str:
    value = section.get(name) or otherwise
    if value is None:
        raise WalletSettingsError(f"jd: {name} is missing")
    if value not in allowed:
        raise WalletSettingsError(f"jd: {name} must be one of {', '.join(allowed)}")
    return str(value)


def _text(section: Mapping[str, Any], name: str) -> str:
    value = section.get(name)
    if not isinstance(value, str) or not value.strip():
        raise WalletSettingsError(f"jd: {name} is missing")
    return value
