"""Write down bills, what was found wrong in them, and what staff decided.

Money is booked in `approving` alone, when two of staff have agreed, and through the slices whose money it is.
"""

from portal.reconciliation.operations.approving import approve, decline
from portal.reconciliation.operations.bills import (
    begin_comparison,
    close_day,
    judge,
    note_answer,
    note_progress,
    note_read,
    open_batches,
)
from portal.reconciliation.operations.deciding import hold, ignore
from portal.reconciliation.operations.differences import end_comparison, expire_holds, note_differences
from portal.reconciliation.operations.proposing import propose_answer, propose_bill
from portal.reconciliation.operations.telling import tell_payouts, tell_standings

__all__ = [
    "approve",
    "begin_comparison",
    "close_day",
    "decline",
    "end_comparison",
    "expire_holds",
    "hold",
    "ignore",
    "judge",
    "note_answer",
    "note_differences",
    "note_progress",
    "note_read",
    "open_batches",
    "propose_answer",
    "propose_bill",
    "tell_payouts",
    "tell_standings",
]
