"""The sandbox's own store: one SQLite file that the portal never sees.

Money rows are only read or changed inside `writing()`, which takes the write lock at once (BEGIN IMMEDIATE), so two
requests never both act on the same old value.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Connection(sqlite3.Connection):
    """A connection that remembers which of its writes must outlive a rollback of their block."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.stays: list[tuple[str, tuple[object, ...]]] = []

    def execute_to_stay(self, sql: str, values: tuple[object, ...]) -> None:
        """Write now, and once more by itself if the block is rolled back: a fault that made it fail is used up."""
        self.execute(sql, values)
        self.stays.append((sql, values))


class Store:
    """Opens a connection per use; SQLite in WAL mode takes many readers and one writer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # it holds private keys; the files SQLite puts beside it get the same mode

    def create(self, *schemas: str) -> None:
        """Make the tables that are missing. Each part of the sandbox brings its own SQL text."""
        with self._connected() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            for schema in schemas:
                connection.executescript(schema)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view; nothing is written."""
        with self._connected() as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One business fact: committed when the block ends, rolled back when it raises."""
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                _write_what_stays(connection)
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        connection = sqlite3.connect(self.path, timeout=10, isolation_level=None, factory=Connection)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=FULL")
        try:
            yield connection
        finally:
            connection.close()


def _write_what_stays(connection: Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for sql, values in connection.stays:
        connection.execute(sql, values)
    connection.execute("COMMIT")
