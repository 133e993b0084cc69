"""The portal, two wallets as adversaries, and eyes that see everything."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.notices.flows.receiving import Budget
from portal.wallets.port import Acquirer
from portal.wallets.registry import connectors
from tests.conftest import TestDatabase
from tests.machine.opening import closed, opened
from tests.machine.telling import Teller
from tests.machine.wallet import AdversaryWallet
from tests.machine.world import World
from tests.portal.wallets.conftest import (  # noqa: F401 - fixtures are found by their names here
    WechatSide,
    merchant_key,
    sections,
    wechat_key,
    wechat_side,
)


@pytest.fixture(scope="module")
def world(
    module_database: TestDatabase,
    sections: dict[str, Any],  # noqa: F811
    wechat_side: WechatSide,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("machine")
    made = connectors(sections)
    wallets = {acquirer: AdversaryWallet(made[acquirer], acquirer) for acquirer in Acquirer}
    world = opened(module_database.environment, Teller(wechat_side), wallets, folder)
    with pytest.MonkeyPatch.context() as patch:
        # Whether the wallet is still asked within the request must not depend on how busy this machine is.
        patch.setattr(Budget, "leaves_time_to_ask", True)
        yield world
    closed(world)
