"""Write refunds: ask once, let the owner decide, note what the wallet said, book it."""

from portal.refunds.operations.answering import note_answer, note_asked, note_no_answer, note_refused, note_sent_on
from portal.refunds.operations.deciding import approve, decline, set_clerk_limit
from portal.refunds.operations.requesting import Asked, request, return_second_payment

__all__ = [
    "Asked",
    "approve",
    "decline",
    "note_answer",
    "note_asked",
    "note_no_answer",
    "note_refused",
    "note_sent_on",
    "request",
    "return_second_payment",
    "set_clerk_limit",
]
