"""Transactions. Each names the one merchant it may see; without a scope a merchant-owned table looks empty."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

# A money transaction that waits longer than this is better refused and tried again by the wallet.
_SESSION_SETTINGS = "-c statement_timeout=4000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=4000"
_STATEMENT_SECONDS = 4.0
# With less time than this left a statement is not worth beginning.
_LEAST_SECONDS = 0.02
# The server's own limits do not help when the server has vanished from the network (milliseconds, then seconds).
PATIENCE = {"tcp_user_timeout": 5000, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Base(DeclarativeBase):
    """Every table. `info={"owner": "merchant"}` puts one under row-level security; see the metadata test."""

    metadata = METADATA


_ENDS_AT = "ends_at"


class Database:
    """One role's connections.

    `hasty` is for a process whose callers wait five seconds and no longer: a connection that cannot be had, or a server
    that has vanished, is noticed well within that.
    """

    def __init__(self, url: str, *, pool_size: int = 10, hasty: bool = False) -> None:
        common: dict[str, Any] = {
            "pool_size": pool_size,
            "max_overflow": pool_size,
            "pool_timeout": 1 if hasty else 3,
            # An error's text goes to the log; the row that caused it does not.
            "hide_parameters": True,
            "connect_args": {"options": _SESSION_SETTINGS, "connect_timeout": 2 if hasty else 3, **PATIENCE}
            | ({"tcp_user_timeout": 2000} if hasty else {}),
        }
        self.engine = sa.create_engine(url, pool_pre_ping=True, **common)
        # Opens no connection before its first use.
        self._single = sa.create_engine(url, isolation_level="AUTOCOMMIT", **common)
        sa.event.listen(self.engine, "before_cursor_execute", _keep_time)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def transaction(self, *, merchant: int | None = None, ends_at: float | None = None) -> Iterator[Session]:
        """One business fact: commits when the block ends, rolls back when it raises.

        With `merchant`, row-level security shows that merchant's rows and no others (the `portal_staff` role sees all
        by its own policy). The setting is local to the transaction and gone with it. `ends_at` (seconds of the
        monotonic clock) ends all its statements together; what is not done by then raises a SQLAlchemyError.
        """
        with self._sessions.begin() as session:
            if ends_at is not None:
                session.connection(execution_options={_ENDS_AT: ends_at})
            if merchant is not None:
                self.enter(session, merchant)
            yield session

    def enter(self, session: Session, merchant: int) -> None:
        """Show this merchant's rows from here to the transaction's end."""
        session.execute(sa.text("SELECT set_config('app.merchant_id', :merchant, true)"), {"merchant": str(merchant)})

    def at_once(self, statement: sa.TextClause, values: Mapping[str, Any]) -> Any:
        """One statement that is a transaction by itself, in one round trip; answers its one value.

        A connection that went away meanwhile raises, once: whoever calls this has a longer way to fall back on.
        """
        with self._single.connect() as connection:
            return connection.execute(statement, values).scalar_one()

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()
        self._single.dispose()


def _keep_time(connection: sa.Connection, cursor: Any, *_: Any) -> None:
    """Each statement of a transaction with an end gets what is left; a round trip more only once time runs short."""
    ends_at = connection.get_execution_options().get(_ENDS_AT)
    if ends_at is None:
        return
    left = ends_at - time.monotonic()
    if left < _LEAST_SECONDS:
        raise exc.TimeoutError("the transaction's time is up")
    if left < _STATEMENT_SECONDS:
        cursor.execute(f"SET LOCAL statement_timeout = {int(left * 1000)}")
