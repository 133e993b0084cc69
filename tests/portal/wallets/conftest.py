"""Keys of both sides and a WeChat Pay that signs like the real one, small enough to read."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.wallets.applications import ApplicationToSend

NOW = datetime(2026, 11, 21, 4, 31, 9, tzinfo=UTC)
APIV3_KEY = "0123456789abcdef0123456789abcdef"
KEY_ID = "PUB_KEY_ID_0119000000000000000000000001"
SP_MCHID, SUB_MCHID = "1900000001", "1600000001"
DES_KEY, MD5_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "0123456789abcdef"
AGENT_NO, MERCHANT_NO = "110000000", "110000001"


@pytest.fixture(scope="session")
def wechat_key() -> rsa.RSAPrivateKey:
    """WeChat Pay's own key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def merchant_key() -> rsa.RSAPrivateKey:
    """The provider's key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture(scope="session")
def sections(wechat_key: rsa.RSAPrivateKey, merchant_key: rsa.RSAPrivateKey) -> dict[str, Any]:
    """A complete wallets' file."""
    return {
        "wechat": {
            "gateway": "https://api.mch.example",
            "oauth_page": "https://open.example",
            "oauth_api": "https://api.example",
            "sp_mchid": SP_MCHID,
            "sp_appid": "wx0000000000000001",
            "sp_secret": "s" * 32,
            "sub_mchid": SUB_MCHID,
            "private_key": private_pem(merchant_key),
            "serial_no": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
            "apiv3_key": APIV3_KEY,
            "public_key": public_pem(wechat_key),
            "public_key_id": KEY_ID,
        },
        "jd": {
            "gateway": "https://apipayx.example",
            "psi_gateway": "https://psi.example",
            "agent_no": AGENT_NO,
            "merchant_no": MERCHANT_NO,
            "des_key": DES_KEY,
            "md5_key": MD5_KEY,
            "rsa_private_key": "",
            "rsa_public_key": "",
            "version": "V3.0",
            "system_id": "yima",
        },
    }


@dataclass(frozen=True)
class WechatSide:
    """Signs and seals as WeChat Pay does."""

    key: rsa.RSAPrivateKey

    def headers(self, body: bytes, *, at: datetime = NOW, serial: str = KEY_ID) -> dict[str, str]:
        stamp, once = str(int(at.timestamp())), "593BEC0C930BF1AFEB40B4A08C8FB242"
        signed = self.key.sign(f"{stamp}\n{once}\n".encode() + body + b"\n", PKCS1v15(), hashes.SHA256())
        return {
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": once,
            "Wechatpay-Signature": base64.b64encode(signed).decode(),
            "Wechatpay-Serial": serial,
        }

    def notice(self, kind: str, plain: object, *, apiv3_key: str = APIV3_KEY, **changes: Any) -> bytes:
        sealed = AESGCM(apiv3_key.encode()).encrypt(b"fdasflkja484", json.dumps(plain).encode(), b"transaction")
        envelope = {
            "id": "EV-2018022511223320873",
            "create_time": "2026-11-21T12:31:09+08:00",
            "event_type": kind,
            "resource_type": "encrypt-resource",
            "summary": "ok",
            "resource": {
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": base64.b64encode(sealed).decode(),
                "associated_data": "transaction",
                "nonce": "fdasflkja484",
                "original_type": "transaction",
            },
        }
        return json.dumps(envelope | changes).encode()


@pytest.fixture(scope="session")
def wechat_side(wechat_key: rsa.RSAPrivateKey) -> WechatSide:
    return WechatSide(wechat_key)


def paid_order(**changes: Any) -> dict[str, Any]:
    """A paid order as WeChat Pay tells it, 12.34 yuan of which 2.34 were a coupon."""
    return {
        "sp_appid": "wx0000000000000001",
        "sp_mchid": SP_MCHID,
        "sub_mchid": SUB_MCHID,
        "out_trade_no": "Y123456",
        "transaction_id": "4200000000000000000000000001",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "success_time": "2026-11-21T12:31:05+08:00",
        "payer": {"sp_openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        "amount": {"total": 1234, "payer_total": 1000, "currency": "CNY", "payer_currency": "CNY"},
        "promotion_detail": [
            {"coupon_id": "109519", "name": "立减", "amount": 234, "wechatpay_contribute": 234, "type": "CASH"}
        ],
        "something_new": {"unknown": True},
    } | changes


@pytest.fixture
def application() -> ApplicationToSend:
    """An application that WeChat Pay has already given a number of its own."""
    return ApplicationToSend(
        reference="YIMA_0001",
        shop_name="老王包子铺",
        licence_name="个体户王小明",
        licence_number="92110101MA01ABCDEF",
        licence_address="",
        legal_person="王小明",
        id_number="110101199003070011",
        id_valid_from=date(2020, 1, 1),
        id_valid_until=None,
        mobile="13800000000",
        email="wang@yima.example",
        bank_name="工商银行",
        bank_account_name="王小明",
        bank_account_number="6222021234567890123",
        store_address="东直门内大街1号",
        region_code="110101",
        fee_rate_bp=38,
        progress={"applyment_id": "2000002124775691"},
    )
