"""The worker process: runs the jobs of the queue, and carries each merchant's events to the slices above."""

import asyncio
import logging
import signal
import threading
import time
from contextlib import suppress
from datetime import timedelta
from functools import partial

import procrastinate
from procrastinate.jobs import Job as QueuedJob

from portal.events import operations as events
from portal.events import queries as feed
from portal.identity.flows import SEND_CODE
from portal.plumbing import jobs
from portal.plumbing.clock import ahead, now
from portal.plumbing.db import PATIENCE
from portal.plumbing.jobs import QUEUE
from portal.plumbing.work import Job, Tools
from portal.receipts.exports.flows import BUILD
from portal.receipts.exports.rules import TRIES_MOST
from portal.reconciliation import flows as reconciliation
from portal.settlement import flows as settlement
from portal.tasks import TASKS, on_event

log = logging.getLogger("portal.worker")

_CONCURRENCY = 4
_POLL_SECONDS = 0.3
# Jobs put off until later are found by looking, not by being woken.
_LOOK_SECONDS = 1.0
_AFTER_TROUBLE_SECONDS = 2.0
_REQUEUE_SECONDS = 10.0
_LONGEST_REST_SECONDS = 300.0
_NIGHTS_AFTER = timedelta(minutes=1)
# Jobs that put themselves off until tomorrow.
_NIGHTLY = (settlement.NIGHTLY, reconciliation.NIGHTLY)


class Patience(procrastinate.BaseRetryStrategy):
    """Try again after 2, 4, 8 … seconds, at last every ten minutes. A job about money is never given up.

    `most` ends it for what nobody waits for any longer.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most

    def get_retry_decision(self, *, exception: BaseException, job: QueuedJob) -> procrastinate.RetryDecision | None:
        if self._most is not None and job.attempts >= self._most:
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": min(2 ** min(job.attempts + 1, 10), 600)})


# A code lives for minutes: half a minute of trying is enough, then the person asks for another. So with a file.
_GIVEN_UP = {SEND_CODE: Patience(most=4), BUILD: Patience(most=TRIES_MOST - 1)}


class Relay:
    """Carries events. A merchant whose event cannot be carried rests, ever longer; all others go on."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._failures: dict[int, int] = {}
        self._rests_until: dict[int, float] = {}

    def carry(self) -> int:
        """Hand every event not yet carried to `on_event`; answers how many there were."""
        with self._tools.database.transaction() as session:
            behind = feed.merchants_behind(session, relay=events.RELAY)
        for merchant_id in self._failures.keys() - set(behind):
            del self._failures[merchant_id], self._rests_until[merchant_id]
        moment = time.monotonic()
        return sum(self._carry_for(each) for each in behind if self._rests_until.get(each, moment) <= moment)

    def _carry_for(self, merchant_id: int) -> int:
        # After a failure one at a time: what stands before the event in trouble still gets through.
        at_once = 1 if merchant_id in self._failures else events.BATCH
        handle = partial(on_event, self._tools)
        try:
            with self._tools.database.transaction(merchant=merchant_id) as session:
                count = events.carry(session, merchant_id=merchant_id, handle=handle, most=at_once)
        except Exception:
            self._rest(merchant_id)
            return 0
        if merchant_id in self._failures:
            self._failures[merchant_id] = 0
        return count

    def _rest(self, merchant_id: int) -> None:
        first = merchant_id not in self._failures
        self._failures[merchant_id] = self._failures.get(merchant_id, 0) + 1
        seconds = 0.0 if first else min(2.0 ** self._failures[merchant_id], _LONGEST_REST_SECONDS)
        self._rests_until[merchant_id] = time.monotonic() + seconds
        log.exception("events of merchant %s could not be carried; again in %.0f s", merchant_id, seconds)


def queue_app(tools: Tools, *, direct_url: str) -> procrastinate.App:
    """The queue with every job of the portal registered under its name."""
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=direct_url, kwargs=dict(PATIENCE), min_size=1, max_size=_CONCURRENCY
        ),
        worker_defaults={
            "queues": [QUEUE],
            "concurrency": _CONCURRENCY,
            "fetch_job_polling_interval": _LOOK_SECONDS,
            "delete_jobs": "successful",
        },
    )
    for name, job in TASKS.items():
        app.task(name=name, queue=QUEUE, retry=_GIVEN_UP.get(name, Patience()))(_bound(name, job, tools))
    return app


def carry_events(tools: Tools) -> int:
    """Hand every event not yet carried to `on_event`, once; answers how many there were."""
    return Relay(tools).carry()


def run(tools: Tools, *, direct_url: str) -> None:
    """Work until told to stop (SIGINT or SIGTERM). For the main thread of a process."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    work(tools, direct_url=direct_url, stop=stop)


def work(tools: Tools, *, direct_url: str, stop: threading.Event) -> None:
    """Work until `stop` is set. A lost database is waited for: the queue's own worker ends when it loses one."""
    relay = threading.Thread(target=_relay, args=(tools, stop), name="relay", daemon=True)
    relay.start()
    while not stop.is_set():
        try:
            asyncio.run(_work_off(queue_app(tools, direct_url=direct_url), stop))
        except Exception:
            log.exception("the queue lost the database; it tries again")
        stop.wait(_AFTER_TROUBLE_SECONDS)
    relay.join(timeout=5)


async def _work_off(app: procrastinate.App, stop: threading.Event) -> None:
    """Returns when told to stop, jobs under way finished, or when the queue's worker has ended by itself."""
    worker = asyncio.create_task(_open_and_run(app))
    while not worker.done() and not stop.is_set():
        await asyncio.wait({worker}, timeout=_POLL_SECONDS)
    worker.cancel()
    with suppress(asyncio.CancelledError):
        await worker


async def _open_and_run(app: procrastinate.App) -> None:
    async with app.open_async():
        await app.run_worker_async(install_signal_handlers=False)


def _bound(name: str, job: Job, tools: Tools) -> Job:
    def work(**arguments: object) -> None:
        try:
            job(tools, **arguments)
        except Exception:
            # The queue itself speaks of a job that will be tried again in a whisper only.
            log.exception("job %s of merchant %s failed", name, arguments.get("merchant_id"))
            raise

    work.__name__ = job.__name__
    return work


def _relay(tools: Tools, stop: threading.Event) -> None:
    relay = Relay(tools)
    requeue_at = time.monotonic()
    while not stop.is_set():
        try:
            carried = relay.carry()
            if ahead():
                _walk_with_business(tools)
            if time.monotonic() >= requeue_at:
                _requeue(tools)
                _keep_nights(tools)
                requeue_at = time.monotonic() + _REQUEUE_SECONDS
            stop.wait(0 if carried else _POLL_SECONDS)
        except Exception:
            # Nobody watches this thread: whatever happens, it goes on.
            log.exception("the relay met trouble; it tries again")
            stop.wait(_AFTER_TROUBLE_SECONDS)


def _walk_with_business(tools: Tools) -> None:
    """In a demonstration whose clock was moved: jobs put off until a moment of business that has come are due."""
    with tools.database.transaction() as session:
        jobs.pull_forward(session, now=now())


def _requeue(tools: Tools) -> None:
    with tools.database.transaction() as session:
        count = jobs.requeue_stalled(session)
    if count:
        log.warning("%s jobs of workers that died are queued again", count)


def _keep_nights(tools: Tools) -> None:
    """A nightly job puts itself off until tomorrow; here it is begun, and begun again should it ever be lost.

    A little later, so that a worker that has only just begun does not begin with the longest job of all.
    """
    with tools.database.transaction() as session:
        for name in _NIGHTLY:
            if not jobs.is_waiting(session, name, or_running=True):
                jobs.defer(session, name, lock=name, at=now() + _NIGHTS_AFTER)
