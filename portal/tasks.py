"""Every job by its name, and what the relay does with a merchant's events."""

from sqlalchemy.orm import Session

from portal.events.queries import Happening
from portal.identity import flows as identity
from portal.merchants import flows as merchants
from portal.notices import flows as notices
from portal.payments import flows as payments
from portal.plumbing.clock import now
from portal.plumbing.work import Job, Tools
from portal.rebates import operations as rebates
from portal.receipts.exports import flows as exports
from portal.reconciliation import flows as reconciliation
from portal.refunds import flows as refunds
from portal.settlement import flows as settlement

TASKS: dict[str, Job] = {
    identity.SEND_CODE: identity.send_code,
    merchants.SEND_APPLICATION: merchants.send_application,
    merchants.FOLLOW_APPLICATION: merchants.follow_application,
    notices.GIVE_BACK: notices.give_back,
    notices.SETTLE: notices.settle,
    payments.ASK: payments.ask,
    reconciliation.AGAIN: reconciliation.again,
    reconciliation.NIGHTLY: reconciliation.nightly,
    refunds.CHASE: refunds.chase,
    settlement.NIGHTLY: settlement.nightly,
    exports.BUILD: exports.build,
    exports.EXPIRE: exports.expire,
}


def on_event(tools: Tools, session: Session, happening: Happening) -> None:
    """What follows from a fact, in one transaction with the relay's own progress."""
    if happening.kind.startswith("refund."):
        notices.follow_refund(session, happening, now=now())
    if happening.kind == "payment.success":
        rebates.on_payment(session, happening, now=now())
    elif happening.kind == "payment.unexplained":
        refunds.return_second_payment(tools, session, happening, now=now())
    elif happening.kind == "refund.success":
        rebates.on_refund(session, happening, now=now())
