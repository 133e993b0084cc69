"""One of staff proposes what is to be booked for a difference. Nothing is booked yet."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit.operations import record
from portal.audit.rules import Act, Actor
from portal.ledger import queries as ledger
from portal.merchants import queries as merchants
from portal.payments import postings as payments
from portal.payments import queries as paid
from portal.reconciliation.answers import Answer, kept, payment_told, refund_told
from portal.reconciliation.models import BillItem, BillResolution
from portal.reconciliation.operations.deciding import take
from portal.reconciliation.postings import Entry, correcting
from portal.reconciliation.queries import proposal_of, side_of
from portal.reconciliation.ways import Booking, Way, booking, digest, missing, ways
from portal.refunds import postings as refunds
from portal.refunds.rules import fee_back
from portal.values.errors import NotAllowedNow
from portal.values.money import fee_of
from portal.wallets.port import PaymentAnswer, PaymentState, RefundState


def propose_bill(session: Session, item_id: int, *, reason: str, actor: Actor, now: datetime) -> int:
    """Propose that the bill is right, and answer the proposal's number.

    Raises NotAllowedNow: `unknown_item`, `day_closed`, `item_is_over`, `waits_for_second`, `no_such_way`,
    `in_suspense`.
    """
    row = _open_for(session, item_id, Way.ACCEPT)
    side = side_of(row)
    how = booking(side) or Booking.TRANSFERS
    if how is Booking.ORDER and not _fits(session, row):
        how = Booking.TRANSFERS
    if how is Booking.TRANSFERS:
        amount, fee = missing(side)
        entries = correcting(acquirer=row.acquirer, amount=amount, fee_amount=fee)
        payload = _payload(session, row, Way.ACCEPT, Booking.TRANSFERS, entries, None)
    else:
        answer = refund_told(row) if how is Booking.REFUND else payment_told(row)
        payload = _payload(session, row, Way.ACCEPT, how, _preview(session, row, answer), answer)
    return _propose(session, row, payload, reason=reason, actor=actor, now=now)


def propose_answer(session: Session, item_id: int, *, answer: Answer, reason: str, actor: Actor, now: datetime) -> int:
    """Propose to book what the wallet has just answered, and answer the proposal's number. Raises as `propose_bill`.

    Also NotAllowedNow(`nothing_to_book`) for an answer that moves nothing.
    """
    row = _open_for(session, item_id, Way.REPOST)
    if isinstance(answer, PaymentAnswer):
        if answer.state is not PaymentState.SUCCESS or answer.amount is None or answer.transaction_id is None:
            raise NotAllowedNow("nothing_to_book")
        how = Booking.ORDER if row.our_state else Booking.BORN
    else:
        if answer.state in (RefundState.MISSING, RefundState.PROCESSING):
            raise NotAllowedNow("nothing_to_book")
        how = Booking.REFUND
    payload = _payload(session, row, Way.REPOST, how, _preview(session, row, answer), answer)
    return _propose(session, row, payload, reason=reason, actor=actor, now=now)


def _open_for(session: Session, item_id: int, way: Way) -> BillItem:
    _, row = take(session, item_id)
    if proposal_of(session, item_id) is not None:
        raise NotAllowedNow("waits_for_second")
    offered = ways(side_of(row))
    if not offered:
        raise NotAllowedNow("item_is_over")
    if way not in offered:
        raise NotAllowedNow("no_such_way")
    refuse_suspended(session, row)
    return row


def refuse_suspended(session: Session, row: BillItem) -> None:
    """Money that lies in suspense is explained there, and not booked a second time. NotAllowedNow(`in_suspense`)."""
    ref = f"{row.acquirer}:{row.transaction_no}"[:64]
    held = ledger.booked("suspense").subquery()
    found = sa.select(held.c.ref).where(held.c.merchant_id == row.merchant_id, held.c.ref == ref)
    if row.transaction_no and session.scalar(found) is not None:
        raise NotAllowedNow("in_suspense")


def _fits(session: Session, row: BillItem) -> bool:
    """Whether the bill's line is this order, paid: else the order stays as it is and the ledger is corrected."""
    order = paid.payment(session, row.merchant_id or 0, row.order_no)
    return order is not None and (order.amount, order.sub_merchant_no) == (row.bill_amount, row.merchant_no)


def _preview(session: Session, row: BillItem, answer: Answer) -> list[Entry]:
    """What payments and refunds will post for this answer, for whoever agrees to it."""
    order = paid.payment(session, row.merchant_id or 0, row.order_no)
    number, acquirer, day = row.number, row.acquirer, row.day
    if isinstance(answer, PaymentAnswer):
        contract = merchants.contracts(session, row.merchant_id or 0).get(acquirer)
        rate = order.fee_rate_bp if order else contract.fee_rate_bp if contract else 0
        amount = answer.amount or 0
        fee = fee_of(amount, rate)
        moves = payments.received(payment_no=number, acquirer=acquirer, amount=amount, fee_amount=fee, day=day)
    else:
        amount, moves = abs(row.our_amount or 0), []
        if answer.state is RefundState.SUCCESS and order is not None:
            back = fee_back(fee=order.fee, fee_returned=order.fee_returned, amount=amount, order_amount=order.amount)
            moves = refunds.arrived(refund_no=number, acquirer=acquirer, amount=amount, fee_back=back, day=day)
        elif answer.state is RefundState.CLOSED:
            moves = refunds.released(refund_no=number, acquirer=acquirer, amount=amount, day=day)
    return [Entry(move.kind, move.debit, move.credit, move.amount) for move in moves]


def _payload(
    session: Session, row: BillItem, way: Way, how: Booking, entries: list[Entry], answer: Answer | None
) -> dict[str, Any]:
    """All that will be booked, and what it was decided on."""
    earlier = session.scalar(
        sa.select(sa.func.count()).select_from(BillResolution).where(BillResolution.item_id == row.item_id)
    )
    return {
        "item": row.item_id,
        "merchant": row.merchant_id,
        "acquirer": row.acquirer,
        "day": row.day.isoformat(),
        "number": row.number,
        "sort": row.sort,
        "way": str(way),
        "booking": str(how),
        **sides_told(row),
        "ref": f"bill:{row.item_id}:{(earlier or 0) + 1}",
        "entries": [vars(entry) for entry in entries],
        "answer": None if answer is None else kept(answer),
    }


def sides_told(row: BillItem) -> dict[str, list[Any]]:
    """What the two sides said when something was proposed: agreed to only as long as they still say it."""
    return {
        "bill": [row.bill_amount, row.bill_fee, row.bill_state],
        "ours": [row.our_amount, row.our_fee, row.our_state],
    }


def _propose(
    session: Session, row: BillItem, payload: dict[str, Any], *, reason: str, actor: Actor, now: datetime
) -> int:
    proposed = BillResolution(
        item_id=row.item_id,
        merchant_id=payload["merchant"],
        way=payload["way"],
        state="proposed",
        payload=payload,
        payload_sha256=digest(payload),
        reason=reason,
        proposed_by=actor.user_id,
        proposer=actor.name,
        proposed_at=now,
        decider="",
    )
    session.add(proposed)
    session.flush()
    facts = {"number": row.number, "way": payload["way"], "payload": proposed.payload_sha256}
    act = Act(now, actor, "bill_item.proposed", str(row.item_id), reason, facts)
    record(session, act, merchant_id=proposed.merchant_id)
    return proposed.resolution_id
