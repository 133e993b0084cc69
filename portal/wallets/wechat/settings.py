"""What the WeChat connector is told: the provider's numbers and keys, and where WeChat Pay is."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from portal.wallets.errors import WalletSettingsError
from portal.wallets.wechat import signing

# Settlement rule 719 is the ordinary one of an individual business (partner docs 4012697168, settlement rules).
DEFAULT_SETTLEMENT_ID = "719"
DEFAULT_QUALIFICATION = "餐饮"
# What a transfer is for, and the two things its receiver must be told then (merchant docs 4013774588, 4013774590).
TRANSFER_SCENES = {"1000": ("活动名称", "奖励说明"), "1005": ("岗位类型", "报酬说明")}
DEFAULT_SCENE = "1000"


@dataclass(frozen=True)
class WechatSettings:
    """`keys` holds every public key of WeChat Pay that may sign now; `key_id` names the one we encrypt for.

    `transfers` is the direct merchant that pays transfers; None where the provider's own number does.
    `merchant_bills` is false where the provider knows that it may not fetch its sub-merchants' fund-flow bills.
    """

    gateway: str
    oauth_page: str
    oauth_api: str
    sp_mchid: str
    sp_appid: str
    sp_secret: str = field(repr=False)
    private_key: RSAPrivateKey = field(repr=False)
    serial_no: str
    apiv3_key: bytes = field(repr=False)
    keys: dict[str, RSAPublicKey] = field(repr=False)
    key_id: str
    settlement_id: str = DEFAULT_SETTLEMENT_ID
    qualification_type: str = DEFAULT_QUALIFICATION
    activities_id: str | None = None
    backup_gateway: str | None = None
    merchant_bills: bool = True
    transfer_scene: str = DEFAULT_SCENE
    transfers: "WechatSettings | None" = field(default=None, repr=False)

    @property
    def payer(self) -> "WechatSettings":
        """Whose funds a transfer is paid from."""
        return self.transfers or self


def read_settings(section: Mapping[str, Any]) -> WechatSettings:
    """Read the `wechat` section of the wallets' file. Raises WalletSettingsError naming what is wrong.

    Optional: `more_public_keys` (a dict from key id to PEM, while WeChat Pay changes its key), `settlement_id`,
    `qualification_type`, `activities_id`, `backup_gateway`, `merchant_bills`, `transfer_scene`, and `transfers`:
    transfers are sold to direct merchants only (merchant docs 4012711988), so a provider may need a second number for
    them, with `mchid`, `private_key`, `serial_no`, `apiv3_key`, `public_key`, `public_key_id` and perhaps `appid`.

    A `sub_mchid` that is the provider itself is refused: the provider must never be the one who collects.
    """
    if section.get("sub_mchid") == section.get("sp_mchid"):
        raise WalletSettingsError("wechat: sub_mchid is the provider's own number; only sub-merchants may collect")
    scene = str(section.get("transfer_scene") or DEFAULT_SCENE)
    if scene not in TRANSFER_SCENES:
        raise WalletSettingsError(f"wechat: transfer_scene must be one of {', '.join(TRANSFER_SCENES)}")
    backup = section.get("backup_gateway")
    if not isinstance(section.get("merchant_bills", True), bool):
        raise WalletSettingsError("wechat: merchant_bills must be true or false")
    identity = _identity(section, mchid="sp_mchid")
    found = WechatSettings(
        gateway=_text(section, "gateway").rstrip("/"),
        oauth_page=_text(section, "oauth_page").rstrip("/"),
        oauth_api=_text(section, "oauth_api").rstrip("/"),
        sp_appid=_text(section, "sp_appid"),
        sp_secret=_text(section, "sp_secret"),
        **identity,
        settlement_id=str(section.get("settlement_id") or DEFAULT_SETTLEMENT_ID),
        qualification_type=str(section.get("qualification_type") or DEFAULT_QUALIFICATION),
        activities_id=section.get("activities_id"),
        backup_gateway=_text(section, "backup_gateway").rstrip("/") if backup else None,
        merchant_bills=section.get("merchant_bills", True),
        transfer_scene=scene,
    )
    other = section.get("transfers")
    if not other:
        return found
    if not isinstance(other, Mapping):
        raise WalletSettingsError("wechat: transfers is not a section")
    appid = str(other.get("appid") or found.sp_appid)
    return replace(found, transfers=replace(found, **_identity(other, mchid="mchid"), sp_appid=appid))


def _identity(section: Mapping[str, Any], *, mchid: Literal["sp_mchid", "mchid"]) -> dict[str, Any]:
    """Who signs, and whose signatures are believed."""
    apiv3_key = _text(section, "apiv3_key").encode()
    if len(apiv3_key) != 32:
        raise WalletSettingsError("wechat: apiv3_key must have 32 bytes")
    key_id = _text(section, "public_key_id")
    try:
        keys = {name: signing.public_key_of(pem) for name, pem in dict(section.get("more_public_keys") or {}).items()}
        keys[key_id] = signing.public_key_of(_text(section, "public_key"))
        private_key = signing.private_key_of(_text(section, "private_key"))
    except (ValueError, TypeError) as error:
        raise WalletSettingsError("wechat: a key is not a PEM of an RSA key") from error
    return {
        "sp_mchid": _text(section, mchid),
        "private_key": private_key,
        "serial_no": _text(section, "serial_no"),
        "apiv3_key": apiv3_key,
        "keys": keys,
        "key_id": key_id,
    }


def _text(section: Mapping[str, Any], name: str) -> str:
    value = section.get(name)
    if not isinstance(value, str) or not value.strip():
        raise WalletSettingsError(f"wechat: {name} is missing")
    return value
