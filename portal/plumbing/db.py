"""Transactions. Each names the one merchant it may see; without a scope a merchant-owned table looks empty."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

# A money transaction that waits longer than this is better refused and tried again by the wallet.
_SESSION_SETTINGS = "-c statement_timeout=4000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=4000"
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


class Database:
    """One role's connections."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.engine = sa.create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=3,
            pool_pre_ping=True,
            # An error's text goes to the log; the row that caused it does not.
            hide_parameters=True,
            connect_args={"options": _SESSION_SETTINGS, "connect_timeout": 3, **PATIENCE},
        )
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def transaction(self, *, merchant: int | None = None) -> Iterator[Session]:
        """One business fact: commits when the block ends, rolls back when it raises.

        With `merchant`, row-level security shows that merchant's rows and no others (the `portal_staff` role sees all
        by its own policy). The setting is local to the transaction and gone with it.
        """
        with self._sessions.begin() as session:
            if merchant is not None:
                session.execute(
                    sa.text("SELECT set_config('app.merchant_id', :merchant, true)"), {"merchant": str(merchant)}
                )
            yield session

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()
