"""Ask for a refund, once: of a payment in whole or in part, or of a second payment of the same order."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.ledger import operations as ledger
from portal.ledger.rules import Move
from portal.merchants import queries as merchants
from portal.payments import operations as payments
from portal.payments.rules import Source
from portal.refunds import postings
from portal.refunds.models import Refund
from portal.refunds.operations.rows import tell
from portal.refunds.queries import is_over_the_limit, of_form, parts_of
from portal.refunds.rules import Fact, State, after, check_window
from portal.suspense import operations as suspense
from portal.suspense.rules import Fact as CaseFact
from portal.values.day import business_date
from portal.values.errors import InvalidAmount, NotAllowedNow, Refused
from portal.values.references import Kind, mint


@dataclass(frozen=True)
class Asked:
    """A refund that was asked for. `fresh` is false when the same form had asked for it before; `held` when somebody
    has to agree before a wallet hears of it."""

    refund_no: str
    fresh: bool
    held: bool = False


def request(
    session: Session,
    *,
    merchant_id: int,
    payment_no: str,
    amount: int,
    reason: str,
    form_key: str,
    asked_by: int | None,
    role: str = "owner",
    reference_key: bytes,
    now: datetime,
) -> Asked:
    """Set `amount` fen aside and write the refund down; the same form key answers the same refund.

    `role` is the part that `asked_by` plays in the shop: a clerk's refund above the limit waits for the owner.
    Raises InvalidAmount(`zero`), NotAllowedNow(`not_paid`, `not_ours`, `restricted`) and Refused(`too_old`,
    `too_many_parts`, `more_than_available`, `form_used`).
    """
    if amount <= 0:
        raise InvalidAmount("zero")
    paid = payments.lock(session, merchant_id, payment_no)
    if paid is None or paid.state != "success" or paid.paid_at is None:
        raise NotAllowedNow("not_paid")
    if paid.source == Source.INTERCONNECT:
        raise NotAllowedNow("not_ours")
    earlier = of_form(session, merchant_id, form_key)
    if earlier is not None:
        if (earlier.payment_no, earlier.amount) != (payment_no, amount):
            raise Refused("form_used")
        return Asked(earlier.refund_no, fresh=False, held=earlier.state == State.PENDING_APPROVAL)
    if "refund" in merchants.restrictions(session, merchant_id, now=now):
        raise NotAllowedNow("restricted")
    check_window(paid_at=paid.paid_at, parts=parts_of(session, merchant_id, payment_no), now=now)
    held = is_over_the_limit(session, merchant_id, payment_no, asked_by=asked_by, role=role, amount=amount)
    if not payments.reserve_refund(session, merchant_id=merchant_id, payment_no=payment_no, amount=amount):
        raise Refused("more_than_available", available=paid.refundable)
    row = Refund(
        merchant_id=merchant_id,
        refund_no=mint(Kind.REFUND, merchant_id, key=reference_key, now=now),
        payment_no=payment_no,
        amount=amount,
        state=State.REQUESTED,
        reason=reason,
        form_key=form_key,
        asked_by=asked_by,
        refusal="",
        created_at=now,
    )
    moves = postings.requested(refund_no=row.refund_no, acquirer=paid.acquirer, amount=amount, day=business_date(now))
    _write(session, row, moves, "refund.requested", now)
    target = after(State.REQUESTED, Fact.HELD) if held else None
    if target is not None:
        row.state = target
        session.flush()
        tell(session, row, f"refund.{target}", now)
    return Asked(row.refund_no, fresh=True, held=held)


def return_second_payment(
    session: Session,
    *,
    merchant_id: int,
    payment_no: str,
    transaction_no: str,
    amount: int,
    reason: str,
    reference_key: bytes,
    now: datetime,
) -> Asked | None:
    """Give a second payment of one order back whole: `amount` fen, which lie in suspense under `transaction_no`.

    Once for each transaction, under one number. None where suspense does not hold it (any more) for nobody's decision:
    it was booked after all, or two of staff have disposed of it.
    """
    paid = payments.lock(session, merchant_id, payment_no)
    if paid is None:
        return None
    earlier = session.scalar(
        sa.select(Refund.refund_no).where(
            Refund.merchant_id == merchant_id,
            Refund.payment_no == payment_no,
            Refund.transaction_no == transaction_no,
        )
    )
    if earlier is not None:
        return Asked(earlier, fresh=False)
    if not suspense.follow(
        session,
        merchant_id=merchant_id,
        acquirer=paid.acquirer,
        transaction_no=transaction_no,
        fact=CaseFact.GOES_BACK,
        now=now,
    ):
        return None
    number = mint(Kind.REFUND, merchant_id, key=reference_key, now=now)
    row = Refund(
        merchant_id=merchant_id,
        refund_no=number,
        payment_no=payment_no,
        amount=amount,
        state=State.REQUESTED,
        reason=reason,
        form_key=number,
        transaction_no=transaction_no,
        refusal="",
        created_at=now,
    )
    moves = postings.requested(
        refund_no=number,
        acquirer=paid.acquirer,
        amount=amount,
        day=business_date(now),
        owner=postings.owner_of(transaction_no),
    )
    _write(session, row, moves, "refund.second_payment", now)
    return Asked(number, fresh=True)


def _write(session: Session, row: Refund, moves: list[Move], kind: str, now: datetime) -> None:
    session.add(row)
    session.flush()
    ledger.post(session, merchant_id=row.merchant_id, moves=moves, now=now)
    tell(session, row, kind, now)
