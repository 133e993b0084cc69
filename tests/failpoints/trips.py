"""Count every round trip to the database and every call of a wallet, and die right before one of them.

Nothing that anybody else can see happens between two of them, so to die right after one is to die right before the
next; the last place is the end, where everything is done and nobody has heard of it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

KILLED = 137


class _Counter:
    """Where this process is; `last` is the trip it does not live to make."""

    made = 0
    last: int | None = None
    counting = False


def reached() -> None:
    """A trip is about to be made."""
    if not _Counter.counting:
        return
    _Counter.made += 1
    if _Counter.made == _Counter.last:
        os._exit(KILLED)


def made() -> int:
    """How many there were."""
    return _Counter.made


@contextmanager
def counted(last: int | None) -> Iterator[None]:
    """Count from here; with `last`, this process ends before its trip of that number."""

    def before_statement(*_: Any) -> None:
        reached()

    def before(done: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            reached()
            return done(*arguments, **named)

        return call

    sa.event.listen(sa.Engine, "before_cursor_execute", before_statement)
    with (
        mock.patch.object(PGDialect_psycopg, "do_commit", before(PGDialect_psycopg.do_commit)),
        # What a process leaves in the file system others see as well.
        mock.patch.object(os, "open", before(os.open)),
        mock.patch.object(os, "replace", before(os.replace)),
        mock.patch.object(os, "fsync", before(os.fsync)),
    ):
        _Counter.made, _Counter.last, _Counter.counting = 0, last, True
        yield
        if last is not None:
            reached()
        _Counter.counting = False
    sa.event.remove(sa.Engine, "before_cursor_execute", before_statement)
