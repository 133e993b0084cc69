"""The portal's ear as the fuzzing meets it: the real application, real connectors and keys, a database to look into."""

import hashlib
import io
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from Crypto.PublicKey import RSA
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask
from werkzeug.test import create_environ, run_wsgi_app

from portal.config import Secrets, Settings
from portal.factory import Services, create_app
from portal.merchants.contracts import seal_keys
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.wallets.interconnect.connector import interconnect_of
from portal.wallets.jdpay import crypto
from portal.wallets.port import Acquirer
from portal.wallets.registry import connectors
from tests.factories.merchants import add_merchant
from tests.factories.payments import add_order
from tests.portal.wallets import test_interconnect as clearing
from tests.portal.wallets.conftest import DES_KEY, WechatSide, paid_order, private_pem, public_pem
from tests.portal.wallets.jd.by_hand import NOTICE_PROLOG, V2_MERCHANT_NO, JdSide, elements
from tests.proofs.hostile import Request

WALLETS = ("wechat", "jdpay", "interconnect")
SHOP, V2_SHOP = 482913057, 482913058
JD_DES_KEY, JD_MD5_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "k"
_ALL_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'notice_counts' ORDER BY 1"


@dataclass(frozen=True)
class Keys:
    """Of both wallets and of the provider."""

    wechat: rsa.RSAPrivateKey
    provider: rsa.RSAPrivateKey
    jd: JdSide

    @classmethod
    def made(cls) -> "Keys":
        pair = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]
        return cls(pair[0], pair[1], JdSide(RSA.generate(1024), RSA.generate(2048)))  # noqa: S505

    def sections(self) -> dict[str, Any]:
        """A complete wallets' file. Nothing listens at its addresses."""
        nowhere = "http://127.0.0.1:9"
        return {
            "wechat": {
                "gateway": nowhere, "oauth_page": nowhere, "oauth_api": nowhere, "sp_mchid": "1900000001",
                "sp_appid": "wx0000000000000001", "sp_secret": "s" * 32, "sub_mchid": "1600000001",
                "private_key": private_pem(self.provider), "serial_no": "51", "public_key": public_pem(self.wechat),
                "apiv3_key": "0123456789abcdef0123456789abcdef",
                "public_key_id": "PUB_KEY_ID_0119000000000000000000000001",
            },
            "jd": {
                "gateway": nowhere, "psi_gateway": nowhere, "payx_gateway": nowhere, "agent_no": "110000000",
                "merchant_no": "110000001", "des_key": DES_KEY, "md5_key": "m", "rsa_private_key": "",
                "rsa_public_key": "", "version": "V3.0", "system_id": "yima",
                "v2_gateways": dict.fromkeys(("paygate", "h5pay", "wepay", "bapi"), nowhere),
            },
            "interconnect": {**clearing.SECTION, "gateway": nowhere},
        }  # fmt: skip

    def v2_contract(self) -> dict[str, str]:
        bare = self.jd.key.public_key().export_key().decode().split("-----")[2]
        return {
            "v2_des_key": DES_KEY,
            "v2_rsa_private_key": self.jd.merchant_key.export_key(pkcs=8).decode(),
            "v2_jd_public_key": "".join(bare.split()),
        }


@dataclass(frozen=True)
class Heard:
    """What one request came to. `seconds` passed inside the application, `busy` of them with this process at work."""

    status: int
    body: bytes
    seconds: float
    busy: float


@dataclass(repr=False)
class Ground:
    """One application with what it wrote and said."""

    app: Flask
    staff_url: str
    keys: Keys
    orders: Mapping[str, str]
    spoken: list[str] = field(default_factory=list)

    def valid(self, wallet: str) -> list[Request]:
        """Notices as the wallet sends them, signed now; what they tell was booked before."""
        return {"wechat": self._wechat, "jdpay": self._jdpay, "interconnect": self._interconnect}[wallet]()

    def signed_by_shop(self, told: Mapping[str, Any]) -> Request:
        """A notice of aggregate pay under the keys that JD and the shop share."""
        fields = {"merchantNo": f"JD{SHOP}", "resultCode": "SUCCESS", "version": "V3.0", **told}
        envelope = {
            "success": True,
            "merchantNo": f"JD{SHOP}",
            "cipherJson": crypto.seal(fields, JD_DES_KEY),
            "sign": crypto.sign(fields, JD_MD5_KEY),
        }
        return Request("/notify/jdpay", json.dumps(envelope).encode())

    def send(self, request: Request, *, method: str = "POST") -> Heard:
        environ = create_environ(path=request.path, method=method, input_stream=io.BytesIO(request.body))
        environ.update(request.environ())
        began, busy = time.perf_counter(), time.thread_time()
        parts, status, _ = run_wsgi_app(self.app, environ, buffered=True)
        body = b"".join(parts)
        return Heard(int(status[:3]), body, time.perf_counter() - began, time.thread_time() - busy)

    def written(self) -> str:
        """A fingerprint of every row of every table but the counters."""
        digest = hashlib.sha256()
        with psycopg.connect(self.staff_url) as connection:
            for (table,) in connection.execute(_ALL_TABLES).fetchall():
                rows = connection.execute(f"SELECT t::text FROM {table} t ORDER BY 1").fetchall()  # noqa: S608
                digest.update(f"{table} {rows}".encode())
        return digest.hexdigest()

    def _wechat(self) -> list[Request]:
        side, found = WechatSide(self.keys.wechat), []
        for kind, plain in (("TRANSACTION.SUCCESS", self._paid()), ("TRANSACTION.SUCCESS", self._static())):
            body = side.notice(kind, plain, id=f"EV-{plain['transaction_id']}")
            found.append(Request("/notify/wechat", body, side.headers(body, at=datetime.now(UTC))))
        return found

    def _paid(self) -> dict[str, Any]:
        money = {"total": 1234, "payer_total": 1000, "currency": "CNY", "payer_currency": "CNY"}
        return paid_order(out_trade_no=self.orders["wechat"], sub_mchid=f"WX{SHOP}", amount=money)

    def _static(self) -> dict[str, Any]:
        return paid_order(out_trade_no="4200009", transaction_id="4200009", sub_mchid=f"WX{SHOP}", trade_type="NATIVE")

    def _jdpay(self) -> list[Request]:
        paid = {
            "outTradeNo": self.orders["jdpay"], "tradeNo": "T1", "piType": "JDPAY", "payStatus": "FINISH",
            "piAmount": 1234,
        }  # fmt: skip
        head = f"<version>V2.0</version><merchant>{V2_MERCHANT_NO}</merchant><result><code>000000</code></result>"
        facts = {"tradeNum": self.orders["v2"], "tradeType": "0", "amount": "1234", "status": "2"}
        second = self.keys.jd.message(head + elements(facts), prolog=NOTICE_PROLOG)
        return [
            self.signed_by_shop(paid),
            Request("/notify/jdpay", second, content_type="text/xml"),
        ]

    def _interconnect(self) -> list[Request]:
        body = clearing.body_of(clearing.MESSAGE)
        headers = clearing.signed(body, at=datetime.now(UTC))
        return [Request("/notify/interconnect", body, headers)]


@contextmanager
def prepared(app_url: str, staff_url: str, folder: Path) -> Iterator[Ground]:
    """The notices' own process in this one. Every valid notice was delivered once: a repetition changes nothing."""
    keys = Keys.made()
    secrets = Secrets("s", b"r", b"b", {"k1": "A" * 43 + "="}, "k1")
    settings = Settings(
        portal_url="http://127.0.0.1:8000",
        data_dir=folder,
        database_url=app_url,
        database_staff_url=staff_url,
        database_direct_url=staff_url,
        secrets=secrets,
        wallets={},
        process="notices",
    )
    sections = keys.sections()
    wallets = connectors(sections)
    app = create_app(Services(settings=settings, wallets=wallets, interconnect=interconnect_of(sections)))
    orders = _shops(app.extensions["database"], Keyring(secrets), keys)
    ground = Ground(app, staff_url, keys, orders)
    ear = _Ear(ground.spoken)
    logging.getLogger().addHandler(ear)
    try:
        _deliver(ground)
        yield ground
    finally:
        logging.getLogger().removeHandler(ear)
        for name in ("database", "staff_database"):
            app.extensions[name].close()


class _Ear(logging.Handler):
    """Keeps every error that anything says, and every exception."""

    def __init__(self, spoken: list[str]) -> None:
        super().__init__(logging.INFO)
        self._spoken = spoken

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            self._spoken.append(logging.Formatter().format(record))


def _shops(database: Database, keyring: Keyring, keys: Keys) -> dict[str, str]:
    add_merchant(database, keyring, merchant_id=SHOP, name="阿珍水果摊", code="7KQ42MHDW")
    add_merchant(database, keyring, merchant_id=V2_SHOP, name="老周豆腐", code="8KQ42MHDU")
    sealed = seal_keys(keyring, merchant_id=V2_SHOP, acquirer="jdpay", keys=keys.v2_contract())
    with database.transaction(merchant=V2_SHOP) as session:
        connection = session.connection()
        connection.exec_driver_sql(
            "UPDATE contracts SET sub_merchant_no = %s, keys_sealed = %s WHERE acquirer = 'jdpay'",
            (V2_MERCHANT_NO, sealed),
        )
        connection.exec_driver_sql(
            "INSERT INTO contract_lookups (acquirer, sub_merchant_no, merchant_id) VALUES ('jdpay', %s, %s)",
            (V2_MERCHANT_NO, V2_SHOP),
        )
    wechat = add_order(database, keyring, merchant_id=SHOP, amount=1234, now=now())
    jdpay = add_order(database, keyring, merchant_id=SHOP, amount=1234, now=now(), acquirer=Acquirer.JDPAY)
    v2 = add_order(database, keyring, merchant_id=V2_SHOP, amount=1234, now=now(), acquirer=Acquirer.JDPAY)
    return {"wechat": wechat, "jdpay": jdpay, "v2": v2}


def _deliver(ground: Ground) -> None:
    """JD is not there to be asked, so its notices stay waiting: they are kept once, which is all that matters here."""
    genuine: Sequence[Request] = [request for wallet in WALLETS for request in ground.valid(wallet)]
    for request in genuine:
        heard = ground.send(request)
        if heard.status not in (200, 204):
            raise AssertionError(f"a genuine notice to {request.path} was answered {heard.status}")
    ground.spoken.clear()
