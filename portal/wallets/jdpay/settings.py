"""What the JD connector is told. Version literal, reply text and hosts are settings: JD's contract decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.wallets.errors import WalletSettingsError

# productId 35 is aggregate pay, 885 its tool, as the one public implementer of the onboarding host applies for them.
DEFAULT_PRODUCT_ID = "35"
DEFAULT_PAY_TOOL_ID = "885"
# One public implementer answers notices with "success", another with "ok".
DEFAULT_REPLY = "success"
VERSIONS = ("V3.0", "3.0")


@dataclass(frozen=True)
class JdSettings:
    """The agent's numbers and the key for the onboarding host. Merchants' keys come with their contracts."""

    gateway: str
    psi_gateway: str
    agent_no: str
    agent_des_key: str = field(repr=False)
    version: str
    system_id: str
    reply: str = DEFAULT_REPLY
    product_id: str = DEFAULT_PRODUCT_ID
    pay_tool_id: str = DEFAULT_PAY_TOOL_ID


def read_settings(section: Mapping[str, Any]) -> JdSettings:
    """Read the `jd` section of the wallets' file. Raises WalletSettingsError naming what is wrong.

    Optional: `agent_des_key` (where the onboarding host has a key of its own; else `des_key`), `reply`, `product_id`,
    `pay_tool_id`. A `merchant_no` that is the agent itself is refused: the provider must never be the one who collects.
    """
    if section.get("merchant_no") == section.get("agent_no"):
        raise WalletSettingsError("jd: merchant_no is the agent's own number; only sub-merchants may collect")
    version = _text(section, "version")
    if version not in VERSIONS:
        raise WalletSettingsError(f"jd: version must be one of {', '.join(VERSIONS)}")
    return JdSettings(
        gateway=_text(section, "gateway").rstrip("/"),
        psi_gateway=_text(section, "psi_gateway").rstrip("/"),
        agent_no=_text(section, "agent_no"),
        agent_des_key=str(section.get("agent_des_key") or _text(section, "des_key")),
        version=version,
        system_id=_text(section, "system_id"),
        reply=str(section.get("reply") or DEFAULT_REPLY),
        product_id=str(section.get("product_id") or DEFAULT_PRODUCT_ID),
        pay_tool_id=str(section.get("pay_tool_id") or DEFAULT_PAY_TOOL_ID),
    )


def _text(section: Mapping[str, Any], name: str) -> str:
    value = section.get(name)
    if not isinstance(value, str) or not value.strip():
        raise WalletSettingsError(f"jd: {name} is missing")
    return value
