"""The hash that chains one act to the act before it."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64


@dataclass(frozen=True)
class Actor:
    """Who acts: a `merchant` user, a `staff` member, the `system` or a `wallet`."""

    kind: str
    user_id: int | None
    name: str


SYSTEM = Actor("system", None, "一码")


@dataclass(frozen=True)
class Act:
    """One thing done. `facts` holds plain JSON values without fractions, and never a secret."""

    at: datetime
    actor: Actor
    action: str
    subject: str
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def link(prev_hash: str, merchant_id: int, seq: int, act: Act) -> str:
    """SHA-256 over the hash before and the canonical JSON of the act, in hex.

    Raises ValueError for a fraction among the facts: the database may write the same number another way.
    """
    body = json.dumps(
        [
            prev_hash,
            merchant_id,
            seq,
            act.at.astimezone(UTC).isoformat(timespec="microseconds"),
            act.actor.kind,
            act.actor.user_id,
            act.actor.name,
            act.action,
            act.subject,
            act.reason,
            json.loads(json.dumps(act.facts), parse_float=_no_fraction, parse_constant=_no_fraction),
        ],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(body.encode()).hexdigest()


def _no_fraction(text: str) -> float:
    raise ValueError(f"not a whole number: {text}")
