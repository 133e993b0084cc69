"""What an endpoint of the partner API is: where it works, what it answers, and its line in the table."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.keys import Keys
from sandbox.wechat.bill_files import Download
from sandbox.wechat.gate import Call

NUMBER = "([^/]+)"


@dataclass(frozen=True)
class Place:
    """Where an endpoint works: the connection of a `writing()` block, the keys, and the sandbox's own address."""

    connection: sqlite3.Connection
    keys: Keys
    sandbox_url: str


Answer = tuple[int, dict | Download | None]
Handler = Callable[[Place, Call, str], Answer]
Table = tuple[tuple[str, str, Handler], ...]
