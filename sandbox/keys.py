"""Every key and number of both sides, made once per store and kept, so that a restart changes nothing.

The sandbox holds the private halves of both sides only because it plays the post office that delivered them: the
portal (or any client) fetches its own half from `GET /credentials`. When a request is judged, only the public half of
the client's key is used.
"""

import base64
import secrets
import sqlite3
from dataclasses import asdict, dataclass, fields
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
"""


@dataclass(frozen=True)
class Keys:
    """All as text; private and public keys are PEM (PKCS#8 and SubjectPublicKeyInfo)."""

    wechat_sp_mchid: str  # the provider's merchant number, 10 digits
    wechat_sp_appid: str
    wechat_sp_secret: str  # secret of the official account, for OAuth
    wechat_sub_mchid: str  # the first sub-merchant, there from the start
    wechat_merchant_key: str  # the provider's private key (the client signs with it)
    wechat_serial_no: str  # serial of the provider's certificate, 40 hex digits
    wechat_apiv3_key: str  # 32 ASCII characters, AES-256-GCM of the notices
    wechat_key: str  # WeChat's own private key (signs answers and notices, opens sensitive fields)
    wechat_public_key_id: str  # PUB_KEY_ID_...
    jd_agent_no: str
    jd_merchant_no: str  # the first merchant of the agent
    jd_des_key: str  # base64 of 24 bytes, 3DES
    jd_md5_key: str
    jd_merchant_key: str  # the merchant's private RSA key (V2.0)
    jd_key: str  # JD's own private RSA key (V2.0)
    jd_bill_key: str  # the agent's key for the bills of aggregate merchants
    jd_v2_merchant_no: str  # a merchant with a V2.0 contract of its own, 12 digits; owner of its bills: the first nine
    jd_v2_des_key: str  # base64 of 24 bytes, 3DES (V2.0)
    jd_v2_bill_key: str
    jd_version: str
    jd_system_id: str
    sms_secret_id: str
    sms_secret_key: str
    sms_sdk_app_id: str
    sms_sign_name: str
    sms_template_zh: str
    sms_template_en: str
    interconnect_member: str  # the provider's number at the clearing institution
    interconnect_key_id: str  # the key the institution signs with
    interconnect_key: str
    interconnect_next_key_id: str  # the key that will follow it; both count
    interconnect_next_key: str


def public_half(private_pem: str) -> str:
    """The PEM of the public key that belongs to a private one."""
    private = serialization.load_pem_private_key(private_pem.encode(), password=None)
    return (
        private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def keys_of(store: Store) -> Keys:
    """The keys of this store; made on the first call."""
    with store.writing() as connection:
        kept = _kept(connection)
        missing = {field.name for field in fields(Keys)} - kept.keys()
        if missing:
            fresh = asdict(_made())
            rows = [(name, fresh[name]) for name in sorted(missing)]
            connection.executemany("INSERT INTO keys (name, value) VALUES (?, ?)", rows)
            kept = _kept(connection)
    return Keys(**{field.name: kept[field.name] for field in fields(Keys)})


def credentials(keys: Keys, sandbox_url: str) -> dict[str, dict[str, Any]]:
    """What a client needs to talk to the three institutions of the sandbox: `GET /credentials`."""
    return {
        "wechat": {
            "gateway": f"{sandbox_url}/wechat",
            "oauth_page": f"{sandbox_url}/wechat/open",
            "oauth_api": f"{sandbox_url}/wechat/oauth",
            "sp_mchid": keys.wechat_sp_mchid,
            "sp_appid": keys.wechat_sp_appid,
            "sp_secret": keys.wechat_sp_secret,
            "sub_mchid": keys.wechat_sub_mchid,
            "private_key": keys.wechat_merchant_key,
            "serial_no": keys.wechat_serial_no,
            "apiv3_key": keys.wechat_apiv3_key,
            "public_key": public_half(keys.wechat_key),
            "public_key_id": keys.wechat_public_key_id,
        },
        "jd": {
            "gateway": f"{sandbox_url}/jd/apipayx",
            "psi_gateway": f"{sandbox_url}/jd/psi",
            "agent_no": keys.jd_agent_no,
            "merchant_no": keys.jd_merchant_no,
            "des_key": keys.jd_des_key,
            "md5_key": keys.jd_md5_key,
            "rsa_private_key": keys.jd_merchant_key,
            "rsa_public_key": public_half(keys.jd_key),
            "bill_key": keys.jd_bill_key,
            "payx_gateway": f"{sandbox_url}/jd/payx",
            "v2_merchant_no": keys.jd_v2_merchant_no,
            "v2_des_key": keys.jd_v2_des_key,
            "v2_bill_key": keys.jd_v2_bill_key,
            "v2_gateways": {name: f"{sandbox_url}/jd/{name}" for name in ("paygate", "h5pay", "wepay", "bapi")},
            "version": keys.jd_version,
            "system_id": keys.jd_system_id,
        },
        "sms": {
            "endpoint": sandbox_url.split("://", 1)[1],
            "scheme": sandbox_url.split("://", 1)[0],
            "secret_id": keys.sms_secret_id,
            "secret_key": keys.sms_secret_key,
            "sdk_app_id": keys.sms_sdk_app_id,
            "sign_name": keys.sms_sign_name,
            "template_zh": keys.sms_template_zh,
            "template_en": keys.sms_template_en,
        },
        "interconnect": {
            "gateway": f"{sandbox_url}/interconnect",
            "member": keys.interconnect_member,
            "key_id": keys.interconnect_key_id,
            "key": keys.interconnect_key,
            "next_key_id": keys.interconnect_next_key_id,
            "next_key": keys.interconnect_next_key,
        },
    }


def _kept(connection: sqlite3.Connection) -> dict[str, str]:
    return {row["name"]: row["value"] for row in connection.execute("SELECT name, value FROM keys")}


def _made() -> Keys:
    return Keys(
        wechat_sp_mchid="19" + _digits(8),
        wechat_sp_appid="wx" + secrets.token_hex(8),
        wechat_sp_secret=secrets.token_hex(16),
        wechat_sub_mchid="16" + _digits(8),
        wechat_merchant_key=_private_key(),
        wechat_serial_no=secrets.token_hex(20).upper(),
        wechat_apiv3_key=secrets.token_hex(16),
        wechat_key=_private_key(),
        wechat_public_key_id="PUB_KEY_ID_01" + _digits(26),
        jd_agent_no="11" + _digits(7),
        jd_merchant_no="13" + _digits(10),
        jd_des_key=base64.b64encode(secrets.token_bytes(24)).decode(),
        jd_md5_key=secrets.token_hex(16),
        jd_merchant_key=_private_key(),
        jd_key=_private_key(),
        jd_bill_key=secrets.token_hex(8),
        jd_v2_merchant_no="11" + _digits(10),
        jd_v2_des_key=base64.b64encode(secrets.token_bytes(24)).decode(),
        jd_v2_bill_key=secrets.token_hex(8),
        jd_version="V3.0",
        jd_system_id="yima-" + secrets.token_hex(4),
        sms_secret_id="AKID" + secrets.token_hex(16),
        sms_secret_key=secrets.token_hex(16),
        sms_sdk_app_id="1400" + _digits(6),
        sms_sign_name="一码",
        sms_template_zh="1" + _digits(6),
        sms_template_en="2" + _digits(6),
        interconnect_member="N" + _digits(9),
        interconnect_key_id="K1-" + secrets.token_hex(4),
        interconnect_key=secrets.token_hex(32),
        interconnect_next_key_id="K2-" + secrets.token_hex(4),
        interconnect_next_key=secrets.token_hex(32),
    )


def _private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _digits(count: int) -> str:
    return "".join(secrets.choice("0123456789") for _ in range(count))
