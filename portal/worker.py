"""The worker process: runs the jobs of the queue, and carries each merchant's events to the slices above."""

import logging
import threading
from functools import partial

import procrastinate
import psycopg

from portal.events import operations as events
from portal.events import queries as feed
from portal.plumbing.jobs import QUEUE
from portal.plumbing.work import Job, Tools
from portal.tasks import TASKS, on_event

log = logging.getLogger("portal.worker")

_POLL_SECONDS = 0.3
_RETRY = procrastinate.RetryStrategy(max_attempts=12, exponential_wait=2)


def queue_app(tools: Tools, *, direct_url: str) -> procrastinate.App:
    """The queue with every job of the portal registered under its name."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=direct_url))
    for name, job in TASKS.items():
        app.task(name=name, queue=QUEUE, retry=_RETRY)(_bound(job, tools))
    return app


def carry_events(tools: Tools) -> int:
    """Hand every event not yet carried to `on_event`; answers how many there were."""
    with tools.database.transaction() as session:
        behind = feed.merchants_behind(session, relay=events.RELAY)
    carried = 0
    for merchant_id in behind:
        with tools.database.transaction(merchant=merchant_id) as session:
            carried += events.carry(session, merchant_id=merchant_id, handle=partial(on_event, tools))
    return carried


def run(tools: Tools, *, direct_url: str) -> None:
    """Work until told to stop (SIGINT or SIGTERM)."""
    stop = threading.Event()
    relay = threading.Thread(target=_relay, args=(tools, stop), name="relay", daemon=True)
    relay.start()
    try:
        with queue_app(tools, direct_url=direct_url).replace_connector(
            procrastinate.PsycopgConnector(conninfo=direct_url)
        ) as app:
            app.run_worker(queues=[QUEUE], concurrency=4, install_signal_handlers=True)
    finally:
        stop.set()
        relay.join(timeout=5)


def _bound(job: Job, tools: Tools) -> Job:
    def work(**arguments: object) -> None:
        job(tools, **arguments)

    work.__name__ = job.__name__
    return work


def _relay(tools: Tools, stop: threading.Event) -> None:
    while not stop.wait(_POLL_SECONDS):
        try:
            while carry_events(tools):
                pass
        except psycopg.Error:
            log.exception("the relay lost the database; it tries again")
            stop.wait(2)
