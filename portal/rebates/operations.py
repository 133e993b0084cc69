"""Open sharing pages, and book what payments through them earn.

What books runs in the relay, as `portal_staff`, in one transaction with the relay's own progress. Told twice of one
payment or refund it changes nothing.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.codes import queries as codes
from portal.events import operations as events
from portal.events.queries import Happening
from portal.ledger import operations as ledger
from portal.merchants import queries as merchants
from portal.merchants.models import Merchant
from portal.payments import queries as payments
from portal.payments.queries import PaymentRow
from portal.rebates import postings, queries
from portal.rebates.models import Lease, Programme, RebateEntry, ShareLink
from portal.rebates.queries import ProgrammeRow
from portal.rebates.rules import earned, lease_to_take, taken_back, why_not_counted
from portal.values.day import business_date
from portal.values.errors import NotAllowedNow
from portal.values.references import Kind, mint


def open_link(
    session: Session, *, merchant_id: int, programme_id: int, code_id: int, reference_key: bytes, now: datetime
) -> str:
    """A sharing page for one code; asking again answers the page that is open already.

    Raises NotAllowedNow: `rebate_restricted`, `programme_over`, or `code_unfit` (a linked personal code is for paying
    face to face, so only a portal code in use can be shared).
    """
    # Two taps take turns here, so that there is one page for one code.
    session.execute(sa.select(Merchant.merchant_id).where(Merchant.merchant_id == merchant_id).with_for_update())
    if "rebate" in merchants.restrictions(session, merchant_id, now=now):
        raise NotAllowedNow("rebate_restricted")
    programme = queries.programme(session, programme_id)
    if programme is None or not programme.starts_at <= now < programme.ends_at:
        raise NotAllowedNow("programme_over")
    code = codes.code(session, merchant_id, code_id)
    if code is None or code.number is None or code.state != "active":
        raise NotAllowedNow("code_unfit")
    kept = queries.open_link(session, merchant_id, programme_id, code_id)
    if kept is not None:
        return kept.token
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
    if programme is None or queries.entry(session, merchant_id, paid.payment_no) is not None:
        return
    reward = earned(amount=paid.amount, rate_bp=programme.rate_bp)
    reason = _why_not(session, paid, paid.paid_at, programme, reward, now)
    _enter(
        session,
        merchant_id=merchant_id,
        ref=paid.payment_no,
        payment_no=paid.payment_no,
        programme_id=programme.programme_id,
        kind="not_counted" if reason else "accrual",
        amount=0 if reason else reward,
        base_amount=paid.amount,
        rate_bp=programme.rate_bp,
        reason=reason or "",
        now=now,
    )
    if reason is None:
        moves = postings.accrued(payment_no=paid.payment_no, amount=reward, day=business_date(now))
        ledger.post(session, merchant_id=merchant_id, moves=moves, now=now)
    _tell(session, merchant_id, paid.payment_no, paid.payment_no, 0 if reason else reward, reason or "", now)


def on_refund(session: Session, happening: Happening, *, now: datetime) -> None:
    """A refund arrived: take its part of the rebate back. A part below half a fen leaves a line and takes nothing.

    What gives back a second payment of the order earned nothing in the first place.
    """
    if happening.facts.get("second"):
        return
    merchant_id, refund_no = happening.merchant_id, happening.subject
    payment_no, refunded = str(happening.facts["payment"]), int(happening.facts["amount"])
    lines = queries.entries_of(session, merchant_id, payment_no)
    accrual = next((line for line in lines if line.kind == "accrual"), None)
    if accrual is None or any(line.ref == refund_no for line in lines):
        return
    earlier = [line for line in lines if line.ref != payment_no]
    back = taken_back(
        accrued=accrual.amount,
        already_back=-sum(line.amount for line in earlier),
        refunded_in_all=refunded + sum(line.base_amount for line in earlier),
        amount=accrual.base_amount,
    )
    _enter(
        session,
        merchant_id=merchant_id,
        ref=refund_no,
        payment_no=payment_no,
        programme_id=accrual.programme_id,
        kind="clawback" if back else "not_counted",
        amount=-back,
        base_amount=refunded,
        rate_bp=accrual.rate_bp,
        reason="refund" if back else "refund_too_small",
        now=now,
    )
    if not back:
        return
    _give_lease_back(session, merchant_id, accrual.programme_id, back)
    moves = postings.clawed_back(refund_no=refund_no, amount=back, day=business_date(now))
    ledger.post(session, merchant_id=merchant_id, moves=moves, now=now)
    _tell(session, merchant_id, refund_no, payment_no, -back, "refund", now)


def lease(session: Session, *, merchant_id: int, programme_id: int, need: int) -> bool:
    """Lease at least `need` fen more of the programme's budget for this merchant. False when the budget is gone.

    Runs as `portal_staff`; no payment ever waits for the programme's row.
    """
    programme = session.execute(
        sa.select(Programme.budget, Programme.leased).where(Programme.programme_id == programme_id).with_for_update()
    ).one()
    more = lease_to_take(need=need, left_of_budget=programme.budget - programme.leased)
    if more == 0:
        return False
    session.execute(
        sa.update(Programme)
        .where(Programme.programme_id == programme_id)
        .values(leased=Programme.leased + more)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        insert(Lease)
        .values(merchant_id=merchant_id, programme_id=programme_id, leased=more, used=0)
        .on_conflict_do_update(
            index_elements=[Lease.merchant_id, Lease.programme_id], set_={"leased": Lease.leased + more}
        )
    )
    return True


def _why_not(
    session: Session, paid: PaymentRow, paid_at: datetime, programme: ProgrammeRow, reward: int, now: datetime
) -> str | None:
    held = merchants.restrictions(session, paid.merchant_id, now=now).get("rebate")
    reason = why_not_counted(
        starts_at=programme.starts_at,
        ends_at=programme.ends_at,
        paid_at=paid_at,
        restricted_since=held.since if held else None,
        reward=reward,
    )
    if reason is None and not _use_lease(session, paid.merchant_id, programme.programme_id, reward):
        return "budget_used_up"
    return reason


def _use_lease(session: Session, merchant_id: int, programme_id: int, reward: int) -> bool:
    """Use part of what the merchant has leased, leasing more while the budget lasts."""
    free = session.scalar(
        sa.select(Lease.leased - Lease.used)
        .where(Lease.merchant_id == merchant_id, Lease.programme_id == programme_id)
        .with_for_update()
    )
    need = reward - (free or 0)
    if need > 0 and not lease(session, merchant_id=merchant_id, programme_id=programme_id, need=need):
        return False
    _change_used(session, merchant_id, programme_id, reward)
    return True


def _give_lease_back(session: Session, merchant_id: int, programme_id: int, amount: int) -> None:
    _change_used(session, merchant_id, programme_id, -amount)


def _change_used(session: Session, merchant_id: int, programme_id: int, amount: int) -> None:
    session.execute(
        sa.update(Lease)
        .where(Lease.merchant_id == merchant_id, Lease.programme_id == programme_id)
        .values(used=Lease.used + amount)
        .execution_options(synchronize_session=False)
    )


def _enter(
    session: Session,
    *,
    merchant_id: int,
    ref: str,
    payment_no: str,
    programme_id: int,
    kind: str,
    amount: int,
    base_amount: int,
    rate_bp: int,
    reason: str,
    now: datetime,
) -> None:
    session.execute(
        sa.insert(RebateEntry).values(
            merchant_id=merchant_id,
            ref=ref,
            payment_no=payment_no,
            programme_id=programme_id,
            kind=kind,
            amount=amount,
            base_amount=base_amount,
            rate_bp=rate_bp,
            reason=reason,
            at=now,
        )
    )


def _tell(
    session: Session, merchant_id: int, ref: str, payment_no: str, amount: int, reason: str, now: datetime
) -> None:
    what = "accrual" if amount > 0 else ("clawback" if amount < 0 else "not_counted")
    facts = {"payment": payment_no, "amount": amount, "reason": reason}
    events.append(session, merchant_id=merchant_id, kind=f"rebate.{what}", subject=ref, now=now, facts=facts)
