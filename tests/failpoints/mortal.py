"""Processes that die on command. This one has everything loaded and no connection; each act is done by a fork of it.

Started by a test with its settings as one line of JSON, it reads an act a line and answers a line: how the fork ended,
how many trips it made, what it said.
"""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from portal.notices.flows.receiving import Budget
from portal.wallets.port import Acquirer
from portal.wallets.registry import connectors
from tests.failpoints import trips
from tests.failpoints.acts import ACTS
from tests.failpoints.remembering import RememberingWallet
from tests.machine.opening import built
from tests.machine.world import World


def wallets_in(folder: Path, sections: dict[str, Any]) -> dict[Acquirer, RememberingWallet]:
    """Both wallets, each with its file."""
    made = connectors(sections)
    return {one: RememberingWallet(made[one], one, file=folder / f"{one}.wallet") for one in Acquirer}


def main() -> None:
    told = json.loads(sys.stdin.readline())
    folder = Path(told["folder"])
    # Whether the wallet is still asked within the request must not depend on how busy this machine is.
    Budget.leaves_time_to_ask = True  # type: ignore[assignment,method-assign]
    world = built(told["urls"], wallets_in(folder, told["sections"]), folder)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_lived(world, json.loads(line))) + "\n")
        sys.stdout.flush()


def _lived(world: World, asked: dict[str, Any]) -> dict[str, Any]:
    """Let a fork do it, and tell how it ended."""
    ear, mouth = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ear)
        _live(world, asked, mouth)
    os.close(mouth)
    with os.fdopen(ear) as heard:
        said = heard.read()
    _, status = os.waitpid(child, 0)
    return {"code": os.waitstatus_to_exitcode(status), **(json.loads(said) if said else {})}


def _live(world: World, asked: dict[str, Any], mouth: int) -> None:
    """Never returns: nothing of the parent's may be cleaned up by its fork."""
    try:
        for wallet in world.wallets.values():
            if isinstance(wallet, RememberingWallet):
                wallet.load()
        with trips.counted(asked["last"]):
            said = ACTS[asked["act"]](world, **asked["arguments"])
        os.write(mouth, json.dumps({"said": said, "trips": trips.made()}).encode())
    except BaseException:
        os.write(mouth, json.dumps({"trouble": traceback.format_exc()}).encode())
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
