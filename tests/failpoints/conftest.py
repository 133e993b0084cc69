"""A world, and beside it a process whose forks die on command."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from portal.notices.flows.receiving import Budget
from portal.wallets.port import Acquirer
from tests.conftest import TestDatabase
from tests.failpoints.mortal import wallets_in
from tests.failpoints.remembering import RememberingWallet
from tests.failpoints.trips import KILLED
from tests.machine.opening import closed, opened
from tests.machine.telling import Teller
from tests.machine.world import World
from tests.portal.wallets.conftest import (  # noqa: F401 - fixtures are found by their names here
    WechatSide,
    merchant_key,
    sections,
    wechat_key,
    wechat_side,
)

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Mortal:
    """The process whose forks die."""

    process: "subprocess.Popen[str]"
    wallets: dict[Acquirer, RememberingWallet]

    def live(self, act: str, arguments: dict[str, Any]) -> tuple[Any, int]:
        """Let a fork do it to the end; answers what it said, and how many trips it made."""
        told = self._told(act, arguments, None)
        assert told["code"] == 0, told.get("trouble")
        return told["said"], told["trips"]

    def die(self, act: str, arguments: dict[str, Any], *, before: int) -> None:
        """Let a fork do it until right before this trip."""
        told = self._told(act, arguments, before)
        assert told["code"] == KILLED, told

    def _told(self, act: str, arguments: dict[str, Any], last: int | None) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        for wallet in self.wallets.values():
            wallet.save()
        self.process.stdin.write(json.dumps({"act": act, "arguments": arguments, "last": last}) + "\n")
        self.process.stdin.flush()
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        for wallet in self.wallets.values():
            wallet.load()
        return told


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("failpoints")


@pytest.fixture(scope="module")
def world(
    module_database: TestDatabase,
    sections: dict[str, Any],  # noqa: F811
    wechat_side: WechatSide,  # noqa: F811
    folder: Path,
) -> Iterator[World]:
    wallets = wallets_in(folder, sections)
    world = opened(module_database.environment, Teller(wechat_side), wallets, folder)
    with pytest.MonkeyPatch.context() as patch:
        # Whether the wallet is still asked within the request must not depend on how busy this machine is.
        patch.setattr(Budget, "leaves_time_to_ask", True)
        yield world
    closed(world)


@pytest.fixture(scope="module")
def mortal(
    world: World,
    module_database: TestDatabase,
    sections: dict[str, Any],  # noqa: F811
    folder: Path,
) -> Iterator[Mortal]:
    with (folder / "mortal.log").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.failpoints.mortal"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
    settings = {"urls": module_database.environment, "folder": str(folder), "sections": sections}
    assert process.stdin is not None
    process.stdin.write(json.dumps(settings) + "\n")
    process.stdin.flush()
    wallets = {one: wallet for one, wallet in world.wallets.items() if isinstance(wallet, RememberingWallet)}
    yield Mortal(process, wallets)
    process.stdin.close()
    process.wait(60)
    assert process.stdout is not None
    process.stdout.close()
