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

_DEFER = sa.text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(:queue, :task, 0, :lock, NULL, CAST(:arguments AS jsonb), :at)"
    "::procrastinate_job_to_defer_v1])"
)


def defer(
    session: Session, task: str, *, lock: str | None = None, at: datetime | None = None, **arguments: Any
) -> None:
    """Ask for `task` to run with `arguments` (plain JSON values), not before `at`; jobs of one `lock` run in turn."""
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
