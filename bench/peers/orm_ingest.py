"""The named alternative for `ingest`: the same durable effects as an application on SQLAlchemy's ORM writes them.

Same tables, same role, same row-level security, same verified notice, same sealed body. Rows are loaded (locked where
two notices could race), changed as objects and flushed by the unit of work; one commit per notice. It takes what is
the common case of a payment notice; it has no answer to mismatches, which costs it nothing here.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from portal.events.models import Event, EventHead
from portal.ledger.models import Account, Transfer
from portal.merchants.models import ContractLookup
from portal.notices.models import InboxNotice
from portal.payments.models import DayTotal, Payment
from portal.plumbing.crypto import Keyring
from portal.values.day import business_date
from portal.values.money import fee_of
from portal.wallets.port import Notice, PaymentAnswer, WalletPort


class OrmIngest:
    """One writer."""

    def __init__(self, url: str, keyring: Keyring, wallet: WalletPort) -> None:
        self._engine = sa.create_engine(url)
        self._sessions = sessionmaker(self._engine)
        self._keyring = keyring
        self._wallet = wallet

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def receive(self, headers: Mapping[str, str], body: bytes) -> int:
        """Verify, book, commit, answer the HTTP status."""
        now = datetime.now(UTC)
        notice = self._wallet.read_notice(headers=headers, body=body, now=now, keys_of=lambda number: None)
        if notice.payment is None:
            raise ValueError("a payment notice is expected here")
        with self._sessions.begin() as session:
            lookup = session.get_one(ContractLookup, (notice.acquirer, notice.payment.sub_merchant_no))
            session.execute(sa.text("SELECT set_config('app.merchant_id', :m, true)"), {"m": str(lookup.merchant_id)})
            if session.get(InboxNotice, (lookup.merchant_id, notice.acquirer, notice.notice_id)) is None:
                self._book(session, lookup.merchant_id, notice, notice.payment, body, now)
        return self._wallet.notice_reply(accepted=True)[0]

    def _book(
        self, session: Session, merchant_id: int, notice: Notice, answer: PaymentAnswer, body: bytes, now: datetime
    ) -> None:
        payment = session.get_one(Payment, (merchant_id, answer.order_no), with_for_update=True)
        inbox = InboxNotice(
            merchant_id=merchant_id,
            acquirer=notice.acquirer,
            notice_id=notice.notice_id,
            kind=notice.kind,
            subject=payment.payment_no,
            state="applied",
            reason="",
            body_sealed=self._keyring.seal(
                body.decode(), place=f"inbox_notices|body|{notice.acquirer}-{notice.notice_id}"
            ),
            body_sha256=hashlib.sha256(body).hexdigest(),
            received_at=now,
        )
        session.add(inbox)
        if payment.state == "success":
            inbox.state = "ignored"
            return
        paid_at = answer.paid_at or now
        day = business_date(paid_at)
        total = session.get(DayTotal, (merchant_id, day), with_for_update=True)
        if total is None:
            total = DayTotal(merchant_id=merchant_id, business_date=day, count=0, received=0, refunded=0)
            session.add(total)
        total.count += 1
        total.received += payment.amount
        payment.state = "success"
        payment.wallet = answer.wallet
        payment.transaction_no = answer.transaction_id
        payment.payer_amount = answer.payer_amount
        payment.fee = fee_of(payment.amount, payment.fee_rate_bp)
        payment.payer_blind = self._keyring.blind(answer.payer_id, kind="payer") if answer.payer_id else None
        payment.paid_at = paid_at
        payment.business_date = day
        payment.day_number = total.count
        _post(session, merchant_id, "payment", payment, "clearing:wechat", "merchant_payable", payment.amount, now)
        _post(session, merchant_id, "fee", payment, "fee:wechat", "clearing:wechat", payment.fee, now)
        head = session.get(EventHead, merchant_id, with_for_update=True)
        if head is None:
            head = EventHead(merchant_id=merchant_id, seq=0)
            session.add(head)
        head.seq += 1
        facts = {"amount": payment.amount, "wallet": payment.wallet, "number": payment.day_number, "late": False}
        session.add(
            Event(
                merchant_id=merchant_id,
                seq=head.seq,
                at=now,
                kind="payment.success",
                subject=payment.payment_no,
                facts=facts,
            )
        )


def _post(
    session: Session, merchant_id: int, kind: str, payment: Payment, debit: str, credit: str, amount: int, now: datetime
) -> None:
    _account(session, merchant_id, debit).debits += amount
    _account(session, merchant_id, credit).credits += amount
    session.add(
        Transfer(
            merchant_id=merchant_id,
            kind=kind,
            ref=payment.payment_no,
            debit=debit,
            credit=credit,
            amount=amount,
            business_date=payment.business_date,
            created_at=now,
        )
    )


def _account(session: Session, merchant_id: int, code: str) -> Account:
    account = session.get(Account, (merchant_id, code), with_for_update=True)
    if account is None:
        account = Account(merchant_id=merchant_id, code=code, debits=0, credits=0)
        session.add(account)
        session.flush()
    return account
