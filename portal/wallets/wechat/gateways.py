"""WeChat Pay's two addresses, and which of them to call.

The near one is the ordinary one; the backup stands in another city (partner docs 4012082567). A call that finds no
connection or no answer is tried at the other one; what WeChat Pay *says* is never a reason to move. The document's
figures are examples which it leaves to the merchant: the near address counts as ill when fewer than 90 % of its last
100 results within ten minutes were answers, and at most one call in a hundred goes to the backup in good times.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from portal.wallets.errors import WalletError, WalletUnavailable, WalletUnknown
from portal.wallets.transport import LEAST_SECONDS, Budget

MOST_RESULTS = 100
WITHIN_SECONDS = 600.0
LEAST_SHARE = 0.9
# Ours: with fewer results than this one lost packet would already be "under 90 %".
LEAST_RESULTS = 10
# One call in this many keeps the backup proved in good times.
PROVE_ONE_IN = 100
# What of a call's seconds the first address gets when there is a second one to try.
FIRST_SHARE = 0.6
# The address itself did not do its part. Everything else is an answer, or our own refusal to send.
NO_SERVICE = frozenset({"NO_CONNECTION", "NO_ANSWER", "BROKEN_ANSWER"})

T = TypeVar("T")


class Results:
    """How one address did lately. Times are seconds on any clock that only goes forward."""

    def __init__(self, *, most: int = MOST_RESULTS, within: float = WITHIN_SECONDS) -> None:
        self._within = within
        self._kept: deque[tuple[float, bool]] = deque(maxlen=most)

    def note(self, answered: bool, *, at: float) -> None:
        """Write down whether it answered."""
        self._kept.append((at, answered))

    def ill(self, *, at: float) -> bool:
        """Whether too few of the results that still count were answers. Without results it is well again."""
        while self._kept and self._kept[0][0] <= at - self._within:
            self._kept.popleft()
        good = sum(answered for _, answered in self._kept)
        return len(self._kept) >= LEAST_RESULTS and good < LEAST_SHARE * len(self._kept)


@dataclass(frozen=True)
class Reached(Generic[T]):
    """What came of a call. `doubtful`: an earlier try was sent too and may have been taken."""

    value: T
    doubtful: bool = False


class Gateways:
    """Which address to call first, and the second try. Safe to share between threads."""

    def __init__(self, near: str, backup: str | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.near = near
        self.backup = backup
        self._clock = clock
        self._results = Results()
        self._calls = 0
        self._lock = threading.Lock()

    def order(self) -> tuple[str, ...]:
        """The addresses in the order in which the next call tries them."""
        if self.backup is None:
            return (self.near,)
        with self._lock:
            self._calls += 1
            prove = self._calls % PROVE_ONE_IN == 0
            if prove or self._results.ill(at=self._clock()):
                return self.backup, self.near
        return self.near, self.backup

    def reach(self, attempt: Callable[[str, Budget], T], *, budget: Budget, repeatable: bool = True) -> Reached[T]:
        """Try the first address, and after no connection or no answer the other one, within one budget.

        What cannot be sent twice (`repeatable` false) is tried again only when nothing was sent. Raises WalletError:
        WalletUnknown when any try was sent, whatever the last one says.
        """
        first, *others = self.order()
        if not others:
            return Reached(self._try(first, attempt, budget))
        try:
            return Reached(self._try(first, attempt, budget.part(FIRST_SHARE) if repeatable else budget))
        except (WalletUnavailable, WalletUnknown) as failure:
            sent = isinstance(failure, WalletUnknown)
            if failure.code not in NO_SERVICE or (sent and not repeatable) or budget.left() < LEAST_SECONDS:
                raise
            before = failure
        try:
            return Reached(self._try(others[0], attempt, budget), doubtful=sent)
        except WalletUnavailable as after:
            if sent:
                raise before from after
            raise

    def path_of(self, url: str) -> str | None:
        """The path (and query) of an address at one of the two gateways, or None for any other address."""
        for base in (self.near, self.backup):
            if base is not None and url.startswith(f"{base}/"):
                return url[len(base) :]
        return None

    def _try(self, base: str, attempt: Callable[[str, Budget], T], budget: Budget) -> T:
        try:
            found = attempt(base, budget)
        except WalletError as failure:
            if failure.code in NO_SERVICE:
                self._note(base, answered=False)
            raise
        self._note(base, answered=True)
        return found

    def _note(self, base: str, *, answered: bool) -> None:
        """Only the near address is judged: the backup is what remains."""
        if base == self.near and self.backup is not None:
            with self._lock:
                self._results.note(answered, at=self._clock())
