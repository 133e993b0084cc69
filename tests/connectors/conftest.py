"""The sandbox as a foreign process, and one `Side` per wallet: what the contract suite needs to know of it.

Everything goes over HTTP; the portal's tests import nothing of the sandbox.
"""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from portal.wallets.errors import WalletRefused
from portal.wallets.port import (
    Acquirer,
    Contract,
    Notice,
    Opening,
    OpeningKind,
    OrderToOpen,
    Wallet,
    WalletPort,
)
from portal.wallets.registry import connectors
from tests.connectors.server import Delivery, Ear

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60


@pytest.fixture(scope="session")
def ear() -> Iterator[Ear]:
    """Where the portal would be: the sandbox sends its notices here."""
    found = Ear()
    yield found
    found.close()


@pytest.fixture(scope="session")
def sandbox(ear: Ear, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a sandbox of our own, in its own process with its own store."""
    with started(ear, tmp_path_factory.mktemp("sandbox")) as url:
        yield url


@pytest.fixture
def movable(ear: Ear, tmp_path: Path) -> Iterator[str]:
    """A sandbox for one test alone: its clock may be moved."""
    with started(ear, tmp_path) as url:
        yield url


@contextmanager
def started(ear: Ear, folder: Path) -> Iterator[str]:
    """A sandbox that keeps its store in `folder`."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    environment = os.environ | {
        "PORTAL_MODE": "demo",
        "PORTAL_DATA_DIR": str(folder),
        "SANDBOX_PORT": str(port),
        "SANDBOX_URL": f"http://127.0.0.1:{port}",
        "PORTAL_URL": ear.url,
    }
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--worker-class",
        "gthread",
        "--threads",
        "8",
        "--log-level",
        "warning",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--bind", f"127.0.0.1:{port}", "sandbox.factory:create_app()"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}", process, folder / "log")
            requests.post(
                f"http://127.0.0.1:{port}/control/settings", json={"audit_seconds": 0.2, "retry_speed": 100}, timeout=10
            ).raise_for_status()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="session")
def credentials(sandbox: str) -> dict[str, dict[str, str]]:
    return dict(requests.get(f"{sandbox}/credentials", timeout=10).json())


@pytest.fixture(scope="session")
def ports(credentials: dict[str, dict[str, str]]) -> dict[Acquirer, WalletPort]:
    """Both connectors, with time enough for a busy machine."""
    return connectors(credentials, budget=20)


@dataclass(frozen=True)
class Side:
    """One wallet: its connector, a contract of a sub-merchant, and how its payer pays."""

    sandbox: str
    ear: Ear
    port: WalletPort
    contract: Contract
    wallet: Wallet
    # Whether this wire tells its own number of a refund, and which part of it goes to the payer.
    tells_refunds: bool = True
    # Whether what stands outside the seal, and is not believed, can change without the notice being refused.
    all_sealed: bool = True

    @property
    def acquirer(self) -> Acquirer:
        return self.port.acquirer

    def notify_url(self, order_no: str) -> str:
        return f"{self.ear.url}/notify/{self.acquirer}/{order_no}"

    def accept_notices(self, order_no: str) -> None:
        self.ear.replies[urlsplit(self.notify_url(order_no)).path] = self.port.notice_reply(accepted=True)

    def order(self, *, contract: Contract | None = None, **changes: Any) -> OrderToOpen:
        now = datetime.now(UTC)
        order_no = changes.pop("order_no", None) or f"Y{secrets.token_hex(8).upper()}"
        values: dict[str, Any] = {
            "contract": contract or self.contract,
            "order_no": order_no,
            "amount": 1234,
            "description": "老王包子铺🥟",
            "notify_url": self.notify_url(order_no),
            "payer_ip": "203.0.113.7",
            "created_at": now,
            "expires_at": now + timedelta(minutes=15),
            "payer_id": self.payer_id(),
            "return_url": f"{self.ear.url}/o/{order_no}",
        }
        return OrderToOpen(**values | changes)

    def payer_id(self) -> str | None:
        """Log the payer in, the way his browser inside the wallet would."""
        url = self.port.payer_login_url(return_url=f"{self.ear.url}/o/Y1/wechat", state="s1")
        if url is None:
            return None
        answer = requests.get(url, headers={"X-Sandbox-Payer": "demo"}, allow_redirects=False, timeout=10)
        back = urlsplit(answer.headers["Location"])
        assert f"{back.scheme}://{back.netloc}{back.path}" == f"{self.ear.url}/o/Y1/wechat"
        query = parse_qs(back.query)
        assert query["state"] == ["s1"]
        return self.port.payer_id_of(query["code"][0])

    def place(self, order: OrderToOpen) -> Opening:
        """Place an order; where the payer's browser brings it, let it. Raises WalletError."""
        opening = self.port.open_payment(order)
        if opening.kind is OpeningKind.FORM:
            assert opening.url is not None
            brought = requests.post(opening.url, data=dict(opening.fields), allow_redirects=False, timeout=10)
            if brought.status_code == 400:
                raise WalletRefused("FORM_REFUSED", brought.text)
            assert brought.status_code == 303
        return opening

    def pay(self, opening: Opening) -> None:
        """The payer confirms in his app."""
        if opening.kind is not OpeningKind.BRIDGE:
            done = requests.post(self.cashier(opening), data={"action": "pay"}, allow_redirects=False, timeout=10)
            assert done.status_code == 303
            return
        with requests.Session() as phone:
            asked = phone.post(
                f"{self.sandbox}/phone/api/bridge", json={"params": dict(opening.bridge)}, timeout=10
            ).json()
            sheet = asked["sheet"]["id"]
            done = phone.post(f"{self.sandbox}/phone/api/sheet/{sheet}", json={"outcome": "pay"}, timeout=10)
            assert done.json()["sheet"]["state"] == "paid"

    def cashier(self, opening: Opening) -> str:
        """The page where the payer's browser, inside JD's app, comes to rest."""
        assert opening.url is not None
        headers = {"User-Agent": "jdapp;android;15.0"}
        if opening.kind is OpeningKind.FORM:
            shown = requests.post(opening.url, data=dict(opening.fields), headers=headers, timeout=10)
        else:
            shown = requests.get(opening.url, headers=headers, timeout=10)
        assert shown.status_code == 200, shown.text
        return shown.url

    def read(self, delivery: Delivery, *, body: bytes | None = None, now: datetime | None = None) -> Notice:
        return self.port.read_notice(
            headers=delivery.headers,
            body=delivery.body if body is None else body,
            now=now or datetime.now(UTC),
            keys_of=lambda number: self.contract.keys if number == self.contract.sub_merchant_no else None,
        )

    def deliveries(self, order_no: str, *, count: int = 1) -> list[Delivery]:
        return self.ear.at(urlsplit(self.notify_url(order_no)).path, count=count)


def wechat_side(sandbox: str, ear: Ear, credentials: dict[str, Any], port: WalletPort) -> Side:
    contract = Contract(Acquirer.WECHAT, credentials["wechat"]["sub_mchid"])
    return Side(sandbox, ear, port, contract, Wallet.WECHAT)


def jdpay_side(sandbox: str, ear: Ear, credentials: dict[str, Any], port: WalletPort) -> Side:
    """A merchant whom the agent brought in: aggregate pay."""
    section = credentials["jd"]
    keys = {"des_key": section["des_key"], "md5_key": section["md5_key"]}
    contract = Contract(Acquirer.JDPAY, section["merchant_no"], keys)
    return Side(sandbox, ear, port, contract, Wallet.JDPAY)


def jd_v2_side(sandbox: str, ear: Ear, credentials: dict[str, Any], port: WalletPort) -> Side:
    """A merchant with a V2.0 contract of his own, behind the same connector."""
    section = credentials["jd"]
    keys = {
        "v2_des_key": section["v2_des_key"],
        "v2_rsa_private_key": section["rsa_private_key"],
        "v2_jd_public_key": section["rsa_public_key"],
        "v2_bill_key": section["v2_bill_key"],
    }
    contract = Contract(Acquirer.JDPAY, section["v2_merchant_no"], keys)
    return Side(sandbox, ear, port, contract, Wallet.JDPAY, tells_refunds=False, all_sealed=False)


@pytest.fixture(scope="session")
def wechat(sandbox: str, ear: Ear, credentials: dict[str, Any], ports: dict[Acquirer, WalletPort]) -> Side:
    return wechat_side(sandbox, ear, credentials, ports[Acquirer.WECHAT])


@pytest.fixture(scope="session")
def jdpay(sandbox: str, ear: Ear, credentials: dict[str, Any], ports: dict[Acquirer, WalletPort]) -> Side:
    return jdpay_side(sandbox, ear, credentials, ports[Acquirer.JDPAY])


@pytest.fixture(scope="session")
def jd_v2(sandbox: str, ear: Ear, credentials: dict[str, Any], ports: dict[Acquirer, WalletPort]) -> Side:
    return jd_v2_side(sandbox, ear, credentials, ports[Acquirer.JDPAY])


@pytest.fixture(params=["wechat", "jdpay", "jd_v2"])
def side(request: pytest.FixtureRequest) -> Side:
    """Each wire in turn."""
    found: Side = request.getfixturevalue(request.param)
    return found


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{url}/credentials", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
    pytest.fail(f"the sandbox did not start:\n{log.read_text(errors='replace')[-3000:]}")
