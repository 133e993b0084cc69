"""Hand a job to the workers inside the caller's own transaction: the fact and its follow-up commit together.

The queue is procrastinate's. Its public `defer()` opens a connection of its own, so this calls its SQL function on
the caller's session instead.
"""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

QUEUE = "yima"
# A worker shows a sign of life every 10 s; after this it counts as dead.
STALLED_SECONDS = 30

_DEFER = sa.text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(:queue, :task, 0, :lock, NULL, CAST(:arguments AS jsonb), :at)"
    "::procrastinate_job_to_defer_v1])"
)
_REQUEUE = sa.text(
    """
    WITH stalled AS (
        SELECT job.id FROM procrastinate_jobs AS job
        LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
        WHERE job.status = 'doing' AND job.queue_name = :queue
          AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => :seconds))
        ORDER BY job.id
        FOR UPDATE OF job SKIP LOCKED
    )
    SELECT id, procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) FROM stalled
    """
)
_IS_WAITING = sa.text(
    "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE task_name = :task"
    " AND status = ANY(CAST(:states AS procrastinate_job_status[])))"
)
# The first try of a job waits for a moment of business, every later one for a moment of the database's own clock.
_PULL_FORWARD = sa.text(
    "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo' AND attempts = 0"
    " AND queue_name = :queue AND scheduled_at > now() AND scheduled_at <= :moment"
)


def defer(
    session: Session, task: str, *, lock: str | None = None, at: datetime | None = None, **arguments: Any
) -> None:
    """Ask for `task` to run with `arguments` (plain JSON values), not before `at`; jobs of one `lock` run in turn.

    `at` is a moment of business; where that is ahead of real time, `pull_forward` brings what is due.
    """
    session.execute(
        _DEFER,
        {
            "queue": QUEUE,
            "task": task,
            "lock": lock,
            "arguments": json.dumps(arguments, ensure_ascii=False),
            "at": at,
        },
    )


def is_waiting(session: Session, task: str, *, or_running: bool = False) -> bool:
    """Whether a job of this name is queued (`or_running`: or under way)."""
    states = ["todo", "doing"] if or_running else ["todo"]
    return bool(session.scalar(_IS_WAITING, {"task": task, "states": states}))


def requeue_stalled(session: Session, *, seconds: float = STALLED_SECONDS) -> int:
    """Queue again what dead workers had begun; answers how many jobs that were. Needs the rights of `portal_staff`.

    A worker that only slept may finish its job as well: jobs are such that this does no harm.
    """
    return len(session.execute(_REQUEUE, {"queue": QUEUE, "seconds": seconds}).all())


def pull_forward(session: Session, *, now: datetime) -> int:
    """Make due at once what is due by the business clock, which the database does not know; answers how many jobs.

    Needs the rights of `portal_staff`. Where nobody moves that clock there is nothing to do.
    """
    return session.execute(_PULL_FORWARD, {"queue": QUEUE, "moment": now}).rowcount  # type: ignore[attr-defined]


def seconds_since_heartbeat(session: Session) -> float | None:
    """Seconds since a worker last showed a sign of life; None when there is none. Needs `portal_staff`."""
    found = session.scalar(
        sa.text("SELECT extract(epoch FROM clock_timestamp() - max(last_heartbeat)) FROM procrastinate_workers")
    )
    return None if found is None else float(found)
