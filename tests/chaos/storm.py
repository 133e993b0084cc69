"""The load and the faults of one plan, side by side: threads pay and refund, the main thread hurts."""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
import psycopg
import requests

from tests.chaos.owners import Counter, Owner
from tests.chaos.payers import Paid, Payer, Till, till_of
from tests.chaos.plan import Fault, Plan
from tests.chaos.product import NotStarted, Product

PAYERS_AT_ONCE, OWNERS_AT_ONCE = 6, 5
RETRY_SPEED = 100
_LOOK_SECONDS = 0.05


@dataclass
class Storm:
    """What happened: moments in real seconds since the epoch."""

    till: Till
    counter: Counter
    hurt: list[tuple[float, Fault]] = field(default_factory=list)
    missed: list[Fault] = field(default_factory=list)
    crashes: list[tuple[float, float]] = field(default_factory=list)
    jumps: list[tuple[float, int]] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0


def blow(product: Product, plan: Plan, say: Callable[[str], None]) -> Storm:
    """Live through the whole plan. Everything that was stopped runs again at the end, nothing is armed any more."""
    storm = Storm(till_of(product), Counter(product))
    product.control("settings", retry_speed=RETRY_SPEED, hold_seconds=5, refund_seconds=1)
    _begin_business(product, plan, storm)
    storm.began = time.time()
    load = _Load(product, plan, storm)
    load.start()
    weather = _Weather(product, storm)
    faults = list(plan.faults)
    told = 0
    while not load.over():
        weather.look_after()
        while faults and faults[0].after <= load.begun:
            weather.strike(faults.pop(0))
        if load.begun >= told + max(1, len(plan.buys) // 10):
            told = load.begun
            say(f"{told}/{len(plan.buys)} payments begun, {len(storm.hurt)} faults, {time.time() - storm.began:.0f} s")
        time.sleep(_LOOK_SECONDS)
    weather.clear()
    storm.ended = time.time()
    requests.delete(f"{product.sandbox}/control/faults", timeout=30).raise_for_status()
    return storm


def jump(product: Product, storm: Storm, **wish: object) -> None:
    """Move the business clock, and remember until when the old offset may have been in force."""
    offset = int(product.control("clock", **wish)["offset_seconds"])
    storm.jumps.append((time.time(), offset))


def _begin_business(product: Product, plan: Plan, storm: Storm) -> None:
    """On the next Beijing day, at the plan's hour: no bill of that day mixes with the demonstration's own."""
    told = requests.get(f"{product.sandbox}/control/clock", timeout=30).json()
    storm.jumps.append((0.0, int(told["offset_seconds"])))
    jump(product, storm, to="next_morning")
    day = requests.get(f"{product.sandbox}/control/clock", timeout=30).json()["now"][:10]
    jump(product, storm, to=f"{day}T{plan.begins}:00+08:00")


class _Load:
    """Payers and owners at work; a refund is asked for as soon as its payment is booked."""

    def __init__(self, product: Product, plan: Plan, storm: Storm) -> None:
        self._product, self._storm = product, storm
        self._next = iter(plan.buys)
        self._lock = threading.Lock()
        self._waiting: dict[str, Paid] = {}
        self._ready: list[tuple[str, Paid]] = []
        self.begun = 0
        logins = [login for login in product.demo["logins"] if login["role"] == "owner"]
        self._owners = [[Owner(storm.counter, login) for login in logins] for _ in range(OWNERS_AT_ONCE)]
        self._payers = [threading.Thread(target=self._pay, daemon=True) for _ in range(PAYERS_AT_ONCE)]
        self._asking = [threading.Thread(target=self._refund, args=(one,), daemon=True) for one in self._owners]
        self._watching = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        for owner in (one for owners in self._owners for one in owners):
            owner.sign_in()
        for thread in (*self._payers, *self._asking, self._watching):
            thread.start()

    def over(self) -> bool:
        return not any(thread.is_alive() for thread in (*self._payers, *self._asking))

    def _pay(self) -> None:
        payer = Payer(self._storm.till)
        while True:
            with self._lock:
                buy = next(self._next, None)
                self.begun += buy is not None
            if buy is None:
                return
            paid = payer.pay(buy)
            if paid is not None and buy.refunds:
                with self._lock:
                    self._waiting[paid.transaction_no or paid.order_no] = paid

    def _watch(self) -> None:
        """Which of those that will be refunded are booked by now."""
        while not self.over():
            time.sleep(0.25)
            with suppress(psycopg.Error), self._product.look() as database:
                while not self.over():
                    self._see(database)
                    time.sleep(0.25)

    def _see(self, database: psycopg.Connection) -> None:
        with self._lock:
            numbers = list(self._waiting)
        booked = database.execute(
            "SELECT payment_no, transaction_no FROM payments WHERE state = 'success'"
            " AND (payment_no = ANY(%s) OR transaction_no = ANY(%s))",
            (numbers, numbers),
        ).fetchall()
        with self._lock:
            for payment_no, transaction_no in booked:
                paid = self._waiting.pop(payment_no, None) or self._waiting.pop(transaction_no, None)
                if paid is not None:
                    self._ready.append((payment_no, paid))

    def _refund(self, owners: list[Owner]) -> None:
        give_up = 0.0
        while True:
            with self._lock:
                found = self._ready.pop(0) if self._ready else None
                waits = bool(self._waiting)
            if found is not None:
                give_up = 0.0
                owners[found[1].buy.shop].refund(found[0], found[1].buy)
                continue
            if not any(thread.is_alive() for thread in self._payers):
                # What is still not booked will be by asking, later; nobody refunds it any more.
                give_up = give_up or time.monotonic() + 5.0
                if not waits or time.monotonic() > give_up:
                    return
            time.sleep(0.1)


class _Weather:
    """Strikes, and afterwards lets go of what it held."""

    def __init__(self, product: Product, storm: Storm) -> None:
        self._product, self._storm = product, storm
        self._later: list[tuple[float, Callable[[], object]]] = []

    def strike(self, fault: Fault) -> None:
        """One fault of the plan."""
        deed = getattr(self, f"_{fault.kind}", self._arm)
        if deed(fault):
            self._storm.hurt.append((time.time(), fault))
        else:
            self._storm.missed.append(fault)

    def look_after(self) -> None:
        """What is due ends, and what was killed starts again."""
        due = [end for at, end in self._later if at <= time.monotonic()]
        self._later = [(at, end) for at, end in self._later if at > time.monotonic()]
        for end in due:
            end()
        for name in self._product.dead():
            if name in ("proxy", "sandbox"):
                raise NotStarted(f"{name} ended by itself: {self._product.log_tail(name)}")
            self._product.start_again(name)

    def clear(self) -> None:
        """Everything goes on."""
        for _, end in self._later:
            end()
        self._later = []
        self.look_after()

    def _kill(self, fault: Fault) -> bool:
        found = self._product.workers_of(fault.target)
        for process in found[fault.index % len(found) :][:1] if found else []:
            with suppress(psutil.Error):
                process.kill()
                return True
        return False

    def _stop(self, fault: Fault) -> bool:
        found = self._product.workers_of(fault.target)
        if not found:
            return False
        process = found[fault.index % len(found)]
        try:
            process.send_signal(signal.SIGSTOP)
        except psutil.Error:
            return False
        self._after(fault.seconds, lambda: _go_on(process))
        return True

    def _cut(self, fault: Fault) -> bool:
        self._product.proxy("cut", fault.target)
        return True

    def _stall(self, fault: Fault) -> bool:
        self._product.proxy("stall", fault.target)
        self._after(fault.seconds, lambda: self._product.proxy("flow", fault.target))
        return True

    def _crash(self, _fault: Fault) -> bool:
        self._storm.crashes.append(self._product.crash_database())
        return True

    def _clock(self, fault: Fault) -> bool:
        jump(self._product, self._storm, advance_seconds=int(fault.seconds))
        return True

    def _arm(self, fault: Fault) -> bool:
        institution, _, operation = fault.target.partition(":")
        self._product.control("faults", institution=institution, name=fault.kind, operation=operation)
        return True

    def _after(self, seconds: float, end: Callable[[], object]) -> None:
        self._later.append((time.monotonic() + seconds, end))


def _go_on(process: psutil.Process) -> None:
    with suppress(psutil.Error):
        process.send_signal(signal.SIGCONT)
