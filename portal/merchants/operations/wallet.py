"""What a wallet answers to an application, written down; each change is guarded by the state before it."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.audit.operations import record
from portal.audit.rules import Act, Actor
from portal.events.operations import append
from portal.merchants.models import ContractLookup, Merchant, MerchantContract, WalletApplication
from portal.merchants.queries import merchant_of_contract
from portal.merchants.queries.application import WalletApplicationRow, read_wallet_application
from portal.merchants.rules import MAY_BE_SENT, WALLET_MOVES, MerchantStatus
from portal.values.errors import NotAllowedNow
from portal.wallets.applications import ApplicationState
from portal.wallets.port import Acquirer

# The wallet's own reasons are kept to this length.
_REASON_MOST = 1000


def start_sending(
    session: Session, *, merchant_id: int, application_id: int, acquirer: Acquirer, now: datetime
) -> WalletApplicationRow | None:
    """Note that the application is about to be sent; None when it has been sent and answered already."""
    row = _locked(session, merchant_id, application_id, acquirer)
    if row is None or row.state not in MAY_BE_SENT:
        return None
    if row.state != ApplicationState.SENDING:
        row.state, row.changed_at = ApplicationState.SENDING, now
    row.asked_at = now
    session.flush()
    return read_wallet_application(row)


def note_answer(
    session: Session,
    *,
    merchant_id: int,
    application_id: int,
    acquirer: Acquirer,
    state: ApplicationState,
    now: datetime,
    progress: Mapping[str, str] | None = None,
    sign_url: str | None = None,
    reasons: tuple[str, ...] = (),
) -> WalletApplicationRow | None:
    """Write down how the application stands; None when that cannot follow from what we knew (a late answer).

    `finished` is written by `conclude` only, together with the contract.
    """
    row = _locked(session, merchant_id, application_id, acquirer)
    if row is None or state not in WALLET_MOVES[ApplicationState(row.state)]:
        return None
    if row.state != state:
        row.state, row.changed_at = state, now
        if state is ApplicationState.REJECTED:
            append(session, merchant_id=merchant_id, kind="application.rejected", subject=acquirer, now=now)
    if progress:
        row.progress = dict(progress)
    row.sign_url = sign_url
    row.reason = "\n".join(reasons)[:_REASON_MOST]
    row.asked_at = now
    session.flush()
    return read_wallet_application(row)


def claim_sub_merchant(session: Session, *, acquirer: Acquirer, sub_merchant_no: str, merchant_id: int) -> None:
    """Write whose number it is, before the contract itself; repeatable. Raises NotAllowedNow(`number_of_another`)."""
    session.execute(
        insert(ContractLookup)
        .values(acquirer=acquirer, sub_merchant_no=sub_merchant_no, merchant_id=merchant_id)
        .on_conflict_do_nothing()
    )
    if merchant_of_contract(session, acquirer, sub_merchant_no) != merchant_id:
        raise NotAllowedNow("number_of_another", acquirer=str(acquirer))


def conclude(
    session: Session,
    *,
    merchant_id: int,
    application_id: int,
    acquirer: Acquirer,
    sub_merchant_no: str,
    keys_sealed: str | None,
    fee_rate_bp: int,
    progress: Mapping[str, str],
    now: datetime,
) -> bool:
    """The wallet is open: contract, state, and the merchant becomes active. False when all that was done before."""
    row = _locked(session, merchant_id, application_id, acquirer)
    if row is None or ApplicationState.FINISHED not in WALLET_MOVES[ApplicationState(row.state)]:
        return False
    row.state, row.changed_at, row.asked_at = ApplicationState.FINISHED, now, now
    row.progress, row.sign_url, row.reason = dict(progress), None, ""
    session.add(
        MerchantContract(
            merchant_id=merchant_id,
            acquirer=acquirer,
            sub_merchant_no=sub_merchant_no,
            keys_sealed=keys_sealed,
            fee_rate_bp=fee_rate_bp,
            opened_at=now,
        )
    )
    session.flush()
    session.execute(
        sa.update(Merchant)
        .where(Merchant.merchant_id == merchant_id, Merchant.status == MerchantStatus.PENDING)
        .values(status=MerchantStatus.ACTIVE)
    )
    facts = {"acquirer": str(acquirer), "sub_merchant_no": sub_merchant_no, "fee_rate_bp": fee_rate_bp}
    append(session, merchant_id=merchant_id, kind="contract.opened", subject=acquirer, now=now, facts=facts)
    record(
        session,
        Act(at=now, actor=Actor("wallet", None, acquirer), action="contract.opened", subject=acquirer, facts=facts),
        merchant_id=merchant_id,
    )
    return True


def _locked(session: Session, merchant_id: int, application_id: int, acquirer: Acquirer) -> WalletApplication | None:
    return session.scalar(
        sa.select(WalletApplication)
        .where(
            WalletApplication.merchant_id == merchant_id,
            WalletApplication.application_id == application_id,
            WalletApplication.acquirer == acquirer,
        )
        .with_for_update()
    )
