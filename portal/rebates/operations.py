"""Open sharing pages, and book what payments through them earn."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.events import operations as events
from portal.events.queries import Happening
from portal.ledger import operations as ledger
from portal.payments import queries as payments
from portal.rebates import postings, queries
from portal.rebates.models import Lease, Programme, RebateEntry, ShareLink
from portal.rebates.rules import LEASE_SLICE, earned, taken_back, why_not_counted
from portal.values.day import business_date
from portal.values.references import Kind, mint


def open_link(
    session: Session, *, merchant_id: int, programme_id: int, code_id: int, reference_key: bytes, now: datetime
) -> str:
    """A sharing page for one code; asking again answers the page that is open already."""
    open_now = sa.select(ShareLink.token).where(
        ShareLink.merchant_id == merchant_id,
        ShareLink.programme_id == programme_id,
        ShareLink.code_id == code_id,
        ShareLink.ended_at.is_(None),
    )
    kept = session.scalar(open_now.limit(1))
    if kept is not None:
        return kept
    token = mint(Kind.SHARE_LINK, merchant_id, key=reference_key, now=now)
    session.add(
        ShareLink(merchant_id=merchant_id, token=token, programme_id=programme_id, code_id=code_id, created_at=now)
    )
    session.flush()
    events.append(session, merchant_id=merchant_id, kind="rebate.link_opened", subject=token, now=now)
    return token


def on_payment(session: Session, happening: Happening, *, now: datetime) -> None:
    """A payment was booked: if it came through a sharing page, accrue the rebate or say why it does not count."""
    merchant_id = happening.merchant_id
    paid = payments.payment(session, merchant_id, happening.subject)
    if paid is None or paid.share_token is None or paid.paid_at is None:
        return
    link = queries.link(session, merchant_id, paid.share_token)
    programme = queries.programme(session, link.programme_id) if link else None
    if programme is None:
        return
    reward = earned(amount=paid.amount, rate_bp=programme.rate_bp)
    reason = why_not_counted(starts_at=programme.starts_at, ends_at=programme.ends_at, now=paid.paid_at, reward=reward)
    if reason is None and not _use_lease(session, merchant_id, programme.programme_id, reward):
        reason = "budget_used_up"
    _enter(
        session,
        merchant_id=merchant_id,
        ref=paid.payment_no,
        payment_no=paid.payment_no,
        programme=programme,
        kind="not_counted" if reason else "accrual",
        amount=0 if reason else reward,
        base_amount=paid.amount,
        reason=reason or "",
        now=now,
    )
    if reason is None:
        day = business_date(now)
        moves = postings.accrued(payment_no=paid.payment_no, amount=reward, day=day)
        ledger.post(session, merchant_id=merchant_id, moves=moves, now=now)


def on_refund(session: Session, happening: Happening, *, now: datetime) -> None:
    """A refund arrived: take its part of the rebate back."""
    merchant_id, payment_no = happening.merchant_id, str(happening.facts["payment"])
    lines = queries.entries_of(session, merchant_id, payment_no)
    accrual = next((line for line in lines if line.kind == "accrual"), None)
    programme = None if accrual is None else _programme_of(session, merchant_id, payment_no)
    if accrual is None or programme is None:
        return
    back = taken_back(
        accrued=accrual.amount,
        already_back=-sum(line.amount for line in lines if line.kind == "clawback"),
        refunded_now=int(happening.facts["amount"]),
        amount=accrual.base_amount,
    )
    if back <= 0:
        return
    _enter(
        session,
        merchant_id=merchant_id,
        ref=happening.subject,
        payment_no=payment_no,
        programme=programme,
        kind="clawback",
        amount=-back,
        base_amount=int(happening.facts["amount"]),
        reason="refund",
        now=now,
    )
    _give_lease_back(session, merchant_id, programme.programme_id, back)
    moves = postings.clawed_back(refund_no=happening.subject, amount=back, day=business_date(now))
    ledger.post(session, merchant_id=merchant_id, moves=moves, now=now)


def lease(session: Session, *, merchant_id: int, programme_id: int) -> bool:
    """Take one more slice of the programme's budget for this merchant. False when the budget is gone.

    Runs as `portal_staff`; no payment ever waits for the programme's row.
    """
    taken = session.execute(
        sa.update(Programme)
        .where(Programme.programme_id == programme_id, Programme.leased + LEASE_SLICE <= Programme.budget)
        .values(leased=Programme.leased + LEASE_SLICE)
        .returning(Programme.programme_id)
    ).scalar_one_or_none()
    if taken is None:
        return False
    session.execute(
        insert(Lease)
        .values(merchant_id=merchant_id, programme_id=programme_id, leased=LEASE_SLICE, used=0)
        .on_conflict_do_update(
            index_elements=[Lease.merchant_id, Lease.programme_id], set_={"leased": Lease.leased + LEASE_SLICE}
        )
    )
    return True


def _use_lease(session: Session, merchant_id: int, programme_id: int, reward: int) -> bool:
    """Use part of the merchant's slice, taking further slices while the budget lasts."""
    while not _try_lease(session, merchant_id, programme_id, reward):
        if not lease(session, merchant_id=merchant_id, programme_id=programme_id):
            return False
    return True


def _try_lease(session: Session, merchant_id: int, programme_id: int, reward: int) -> bool:
    used = session.execute(
        sa.update(Lease)
        .where(
            Lease.merchant_id == merchant_id,
            Lease.programme_id == programme_id,
            Lease.used + reward <= Lease.leased,
        )
        .values(used=Lease.used + reward)
        .returning(Lease.used)
    ).scalar_one_or_none()
    return used is not None


def _give_lease_back(session: Session, merchant_id: int, programme_id: int, amount: int) -> None:
    session.execute(
        sa.update(Lease)
        .where(Lease.merchant_id == merchant_id, Lease.programme_id == programme_id)
        .values(used=Lease.used - amount)
    )


def _programme_of(session: Session, merchant_id: int, payment_no: str) -> queries.ProgrammeRow | None:
    programme_id = session.scalar(
        sa.select(RebateEntry.programme_id).where(RebateEntry.merchant_id == merchant_id, RebateEntry.ref == payment_no)
    )
    return queries.programme(session, programme_id) if programme_id is not None else None


def _enter(
    session: Session,
    *,
    merchant_id: int,
    ref: str,
    payment_no: str,
    programme: queries.ProgrammeRow,
    kind: str,
    amount: int,
    base_amount: int,
    reason: str,
    now: datetime,
) -> None:
    session.execute(
        sa.insert(RebateEntry).values(
            merchant_id=merchant_id,
            ref=ref,
            payment_no=payment_no,
            programme_id=programme.programme_id,
            kind=kind,
            amount=amount,
            base_amount=base_amount,
            rate_bp=programme.rate_bp,
            reason=reason,
            at=now,
        )
    )
    facts = {"payment": payment_no, "amount": amount, "reason": reason}
    events.append(session, merchant_id=merchant_id, kind=f"rebate.{kind}", subject=ref, now=now, facts=facts)
