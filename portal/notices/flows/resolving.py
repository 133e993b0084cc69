"""Money put aside: ask the wallet about it, and carry out what two of staff agreed to."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.audit.rules import Actor
from portal.events.queries import Happening
from portal.merchants import queries as merchants
from portal.merchants.contracts import open_contract
from portal.payments import operations as payments
from portal.payments import queries as payment_queries
from portal.payments.flows import Parties, parties_of
from portal.payments.operations import Outcome
from portal.plumbing.clock import now as clock_now
from portal.plumbing.jobs import defer
from portal.plumbing.work import Tools
from portal.refunds import flows as refunds
from portal.refunds import queries as refund_queries
from portal.refunds.rules import REFUNDS_BY_TRANSACTION
from portal.refunds.rules import State as RefundState
from portal.suspense import operations, queries
from portal.suspense.queries import CaseRow
from portal.suspense.rules import Fact, Way
from portal.values.day import business_date
from portal.values.errors import NotAllowedNow
from portal.wallets.errors import WalletRefused
from portal.wallets.port import Acquirer, Contract, PaymentAnswer, PaymentState, Promotion, Wallet

GIVE_BACK = "suspense.give_back"
# Kept with the refund and told to the payer by his wallet.
_REFUND_REASON = "多付或错付，原路退回"
_STAYED = frozenset({RefundState.CLOSED, RefundState.DECLINED})
_BY_REFUND = {RefundState.SUCCESS: Fact.WENT_BACK, **dict.fromkeys(_STAYED, Fact.STAYED)}


@dataclass(frozen=True)
class Decision:
    """What somebody of staff wants done with a case. `target_no` names an order of the shop's to book it under."""

    way: Way
    target_no: str | None
    why: str


def ask_about_case(parties: Parties, *, merchant_id: int, case_id: int, now: datetime) -> CaseRow:
    """Ask the wallet what became of the order of a case, and write its answer down.

    Raises NotAllowedNow(`unknown_case`, `case_is_over`, `nothing_to_ask`), and WalletError when there is no answer.
    """
    with parties.database.transaction(merchant=merchant_id) as session:
        row = _open(session, merchant_id, case_id)
        known = merchants.contracts(session, merchant_id).get(row.acquirer)
    if not row.order_no:
        raise NotAllowedNow("nothing_to_ask")
    contract = Contract(Acquirer(row.acquirer), row.sub_merchant_no)
    if known is not None and known.sub_merchant_no == row.sub_merchant_no:
        contract = open_contract(parties.keyring, merchant_id=merchant_id, row=known)
    try:
        said = payments.kept_answer(parties.wallets[contract.acquirer].ask_payment(contract, row.order_no))
    except WalletRefused as refusal:
        said = {"state": "refused", "transaction_id": None, "amount": None, "words": refusal.message or refusal.code}
    with parties.database.transaction(merchant=merchant_id) as session:
        operations.note_said(session, row, said=said, now=now)
        return _open(session, merchant_id, case_id)


def propose_case(
    parties: Parties, *, merchant_id: int, case_id: int, decision: Decision, actor: Actor, now: datetime
) -> str:
    """Write down what somebody wants done; nothing moves. Answers the fingerprint of the proposal.

    Raises NotAllowedNow, with the reasons of `_check` as well.
    """
    with parties.database.transaction(merchant=merchant_id) as session:
        row = operations.locked(session, merchant_id, case_id)
        _check(session, row, decision, now)
        return operations.propose(
            session,
            merchant_id=merchant_id,
            case_id=case_id,
            way=decision.way,
            target_no=decision.target_no,
            why=decision.why,
            actor=actor,
            now=now,
        )


def approve_case(
    parties: Parties, *, merchant_id: int, case_id: int, shown: str, actor: Actor, now: datetime
) -> CaseRow:
    """Carry out a proposal that another person made, exactly as it was shown (`shown`: its fingerprint).

    Raises NotAllowedNow: as `operations.agreed` and `_check`, and `target_does_not_fit`.
    """
    with parties.database.transaction(merchant=merchant_id) as session:
        row = operations.agreed(session, merchant_id=merchant_id, case_id=case_id, shown=shown, actor=actor)
        way = Way(row.way)
        _check(session, row, Decision(way, row.target_no, row.why), now)
        number = None
        if way is Way.IGNORE:
            operations.drop(session, row, day=business_date(now), now=now)
        else:
            number = _book(session, parties, row, now)
        operations.carry_out(session, row, payment_no=number, actor=actor, now=now)
        if way is Way.GIVE_BACK:
            defer(session, GIVE_BACK, merchant_id=merchant_id, case_id=case_id)
        return row


def decline_case(parties: Parties, *, merchant_id: int, case_id: int, shown: str, actor: Actor, now: datetime) -> None:
    """Send a proposal back: the case is open again, nothing has moved. Raises as `operations.decline`."""
    with parties.database.transaction(merchant=merchant_id) as session:
        operations.decline(session, merchant_id=merchant_id, case_id=case_id, shown=shown, actor=actor, now=now)


def give_back(tools: Tools, *, merchant_id: int, case_id: int) -> None:
    """The job: refund in full what was agreed to give back, by the ordinary way of every refund. Twice is once."""
    with tools.database.transaction(merchant=merchant_id) as session:
        row = queries.case(session, merchant_id, case_id)
        paid = payment_queries.payment(session, merchant_id, row.payment_no or "") if row else None
    if row is None or paid is None or row.way != Way.GIVE_BACK:
        return
    refunds.request(
        parties_of(tools),
        merchant_id=merchant_id,
        payment_no=paid.payment_no,
        amount=paid.amount,
        reason=_REFUND_REASON,
        form_key=f"suspense-{case_id}",
        asked_by=None,
        now=clock_now(),
    )


def follow_refund(session: Session, happening: Happening, *, now: datetime) -> None:
    """A second payment of one order goes back to its payer by itself: its case follows its refund."""
    shop = happening.merchant_id
    refund = refund_queries.refund(session, shop, happening.subject)
    paid = payment_queries.payment(session, shop, refund.payment_no) if refund else None
    if refund is None or paid is None or refund.transaction_no is None:
        return
    operations.follow(
        session,
        merchant_id=shop,
        acquirer=paid.acquirer,
        transaction_no=refund.transaction_no,
        fact=_BY_REFUND.get(RefundState(refund.state), Fact.GOES_BACK),
        now=now,
    )


def _check(session: Session, row: CaseRow, decision: Decision, now: datetime) -> None:
    """Whether this may be done with the money at all. Raises NotAllowedNow.

    Real money is released or given back, never ignored; what the wallet does not stand by is only ever ignored.
    """
    if decision.way is Way.IGNORE:
        if row.kept and row.confirmed is not False:
            raise NotAllowedNow("ask_first" if row.confirmed is None else "money_is_there")
        return
    if not row.kept:
        raise NotAllowedNow("foreign_money")
    if row.confirmed is not True:
        raise NotAllowedNow("ask_first" if row.confirmed is None else "not_confirmed")
    if decision.way is Way.GIVE_BACK:
        _check_way_back(session, row, now)


def _check_way_back(session: Session, row: CaseRow, now: datetime) -> None:
    if "refund" in merchants.restrictions(session, row.merchant_id, now=now):
        raise NotAllowedNow("refund_restricted")
    paid = payment_queries.payment(session, row.merchant_id, row.order_no)
    paid_otherwise = paid is not None and paid.state == PaymentState.SUCCESS
    if paid_otherwise and row.acquirer not in REFUNDS_BY_TRANSACTION:
        # Asked by the order's number, this wallet could give back the other payment of it.
        raise NotAllowedNow("by_hand")


def _book(session: Session, parties: Parties, row: CaseRow, now: datetime) -> str:
    """Book the money under the order it fits, else as a receipt of its own; answers the payment's number."""
    answer = _answer_of(row)
    if row.target_no is not None:
        answer = replace(answer, order_no=row.target_no)
    outcome = payments.book(session, merchant_id=row.merchant_id, answer=answer, payer_blind=row.payer_blind, now=now)
    if outcome is Outcome.BOOKED and answer.order_no is not None:
        return answer.order_no
    if row.target_no is not None or outcome is Outcome.BOOKED_ELSEWHERE:
        raise NotAllowedNow("target_does_not_fit")
    return payments.book_released(
        session,
        merchant_id=row.merchant_id,
        answer=answer,
        payer_blind=row.payer_blind,
        reference_key=parties.keyring.reference_key,
        now=now,
    )


def _answer_of(row: CaseRow) -> PaymentAnswer:
    """What the wallet stands by, as the port says it."""
    said: dict[str, Any] = row.said or {}
    return PaymentAnswer(
        acquirer=Acquirer(row.acquirer),
        order_no=said["order_no"],
        state=PaymentState(said["state"]),
        sub_merchant_no=said["sub_merchant_no"],
        wallet=Wallet(said["wallet"]),
        transaction_id=said["transaction_id"],
        amount=said["amount"],
        payer_amount=said["payer_amount"],
        currency=said["currency"],
        promotions=tuple(
            Promotion(part["id"], part["name"], part["amount"], part["paid_by"]) for part in said["promotions"]
        ),
        paid_at=datetime.fromisoformat(said["paid_at"]) if said["paid_at"] else None,
        trade_type=said["trade_type"],
    )


def _open(session: Session, merchant_id: int, case_id: int) -> CaseRow:
    row = queries.case(session, merchant_id, case_id)
    if row is None:
        raise NotAllowedNow("unknown_case")
    if not row.is_unsettled:
        raise NotAllowedNow("case_is_over")
    return row
