"""JD's keys and a merchant's, made once, and a connector that talks to prepared answers."""

from typing import Any

import pytest
from Crypto.PublicKey import RSA

from portal.wallets.jdpay.settings import JdSettings, read_settings
from portal.wallets.jdpay.v2.keys import V2Keys
from portal.wallets.port import Acquirer, Contract
from tests.portal.wallets.conftest import DES_KEY
from tests.portal.wallets.jd.by_hand import V2_MERCHANT_NO, JdSide


@pytest.fixture(scope="session")
def jd_side() -> JdSide:
    """1,024 bits for JD, as in its own demonstration, and 2,048 for the merchant."""
    return JdSide(RSA.generate(1024), RSA.generate(2048))  # noqa: S505


@pytest.fixture(scope="session")
def v2_keys(jd_side: JdSide) -> dict[str, str]:
    """A contract's keys, the way JD hands them out: JD's as bare base64, the merchant's as PEM."""
    bare = jd_side.key.public_key().export_key().decode().split("-----")[2]
    return {
        "v2_des_key": DES_KEY,
        "v2_rsa_private_key": jd_side.merchant_key.export_key(pkcs=8).decode(),
        "v2_jd_public_key": "".join(bare.split()),
        "v2_bill_key": "billkey",
    }


@pytest.fixture(scope="session")
def keys(v2_keys: dict[str, str]) -> V2Keys:
    return V2Keys(V2_MERCHANT_NO, DES_KEY, v2_keys["v2_rsa_private_key"], v2_keys["v2_jd_public_key"], "appkey")


@pytest.fixture(scope="session")
def contract(v2_keys: dict[str, str]) -> Contract:
    return Contract(Acquirer.JDPAY, V2_MERCHANT_NO, v2_keys)


@pytest.fixture(scope="session")
def settings(sections: dict[str, Any]) -> JdSettings:
    return read_settings(sections["jd"])
