"""Signs and seals payment notices as WeChat Pay does, so that what is measured is the real wire."""

import base64
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.values.day import SHANGHAI

SP_MCHID, SP_APPID, KEY_ID = "1900000001", "wx0000000000000001", "PUB_KEY_ID_0119000000000000000000000001"
APIV3_KEY = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class SignedNotice:
    """One notice as it arrives: headers and raw body."""

    headers: Mapping[str, str]
    body: bytes


class WechatSide:
    """Holds WeChat Pay's key and the provider's."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._merchant_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def section(self) -> dict[str, Any]:
        """The wallets' file for this side."""
        return {
            "gateway": "https://api.mch.example",
            "oauth_page": "https://open.example",
            "oauth_api": "https://api.example",
            "sp_mchid": SP_MCHID,
            "sp_appid": SP_APPID,
            "sp_secret": "s" * 32,
            "sub_mchid": "1600000001",
            "private_key": _private_pem(self._merchant_key),
            "serial_no": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
            "apiv3_key": APIV3_KEY,
            "public_key": _public_pem(self._key),
            "public_key_id": KEY_ID,
        }

    def paid(self, *, order_no: str, sub_mchid: str, amount: int, at: datetime) -> SignedNotice:
        """A payment notice about an order of ours, `amount` fen."""
        plain = {
            "sp_appid": SP_APPID,
            "sp_mchid": SP_MCHID,
            "sub_mchid": sub_mchid,
            "out_trade_no": order_no,
            "transaction_id": f"4200{secrets.randbelow(10**24):024d}",
            "trade_type": "JSAPI",
            "trade_state": "SUCCESS",
            "trade_state_desc": "支付成功",
            "bank_type": "OTHERS",
            "success_time": at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
            "payer": {"sp_openid": f"o{secrets.token_hex(13)}"},
            "amount": {"total": amount, "payer_total": amount, "currency": "CNY", "payer_currency": "CNY"},
        }
        return self._signed(plain, at)

    def _signed(self, plain: Mapping[str, Any], at: datetime) -> SignedNotice:
        nonce = secrets.token_hex(6)
        sealed = AESGCM(APIV3_KEY.encode()).encrypt(nonce.encode(), json.dumps(plain).encode(), b"transaction")
        body = json.dumps(
            {
                "id": str(uuid.uuid4()),
                "create_time": at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
                "event_type": "TRANSACTION.SUCCESS",
                "resource_type": "encrypt-resource",
                "summary": "支付成功",
                "resource": {
                    "algorithm": "AEAD_AES_256_GCM",
                    "ciphertext": base64.b64encode(sealed).decode(),
                    "associated_data": "transaction",
                    "nonce": nonce,
                    "original_type": "transaction",
                },
            }
        ).encode()
        stamp, once = str(int(time.time())), secrets.token_hex(16)
        signature = self._key.sign(f"{stamp}\n{once}\n".encode() + body + b"\n", PKCS1v15(), hashes.SHA256())
        headers = {
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": once,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
            "Wechatpay-Serial": KEY_ID,
        }
        return SignedNotice(headers, body)


def _private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _public_pem(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
