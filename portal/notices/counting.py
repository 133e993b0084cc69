"""Count notices without letting a flood of refused ones write a row each: kept in memory, written down at most every
two seconds. What a process had not written yet when it was killed is lost; the counters only ever grow."""

import logging
import threading
import time
from collections import Counter

from sqlalchemy.exc import SQLAlchemyError

from portal.notices import operations
from portal.plumbing.db import Database

log = logging.getLogger("portal.notices")

_EVERY_SECONDS = 2.0
_OUTCOME_MOST = 32


class Tally:
    """One process's counters by sender and outcome. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fresh: Counter[tuple[str, str]] = Counter()
        self._written_at = -_EVERY_SECONDS

    def add(self, sender: str, outcome: str, *, database: Database | None) -> None:
        """Count one; writes down what has gathered when the last time is long enough ago. None: not now."""
        with self._lock:
            self._fresh[sender, outcome[:_OUTCOME_MOST]] += 1
            due = time.monotonic() - self._written_at >= _EVERY_SECONDS
        if due and database is not None:
            self.write(database)

    def write(self, database: Database) -> None:
        """Write everything down now. A database in trouble is no reason to refuse a notice: it is tried again later."""
        with self._lock:
            gathered, self._fresh = self._fresh, Counter()
            self._written_at = time.monotonic()
        if not gathered:
            return
        try:
            with database.transaction() as session:
                operations.count(session, gathered)
        except SQLAlchemyError:
            log.info("the counters could not be written down yet")
            with self._lock:
                self._fresh.update(gathered)
