"""What a process of the portal may be doing when it dies. Arguments and answers are plain JSON values."""

import base64
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from portal.audit.rules import Actor
from portal.payments import flows as payments
from portal.payments import operations
from portal.payments.rules import Road
from portal.plumbing import clock
from portal.reconciliation import flows as reconciliation
from portal.refunds import flows as refunds
from portal.settlement import flows as settlement
from portal.tasks import TASKS
from portal.wallets.port import Acquirer, Wallet
from portal.worker import carry_events
from tests.machine.world import World

Act = Callable[..., Any]


def notice(world: World, *, path: str, body: str, headers: Mapping[str, str]) -> int:
    """A wallet's notice arrives."""
    raw = base64.b64decode(body)
    return world.app.test_client().post(path, data=raw, headers=dict(headers)).status_code


def order(world: World, *, merchant_id: int, amount: int, form_key: str) -> str:
    """A payer posts an amount: the order is written, then the wallet is asked to open it."""
    with world.parties.database.transaction(merchant=merchant_id) as session:
        number = operations.create_order(
            session,
            merchant_id=merchant_id,
            code_id=1,
            share_token=None,
            road=Road(Wallet.WECHAT, Acquirer.WECHAT),
            sub_merchant_no=f"WX{merchant_id}",
            fee_rate_bp=38,
            amount=amount,
            note="",
            form_key=form_key,
            reference_key=world.keyring.reference_key,
            now=clock.now(),
        )
    payments.open_payment(
        world.parties,
        merchant_id=merchant_id,
        payment_no=number,
        shop_name="阿珍",
        payer_id="openid",
        payer_ip="127.0.0.1",
        now=clock.now(),
    )
    return number


def refund(world: World, *, merchant_id: int, payment_no: str, amount: int, form_key: str, role: str) -> str:
    """Somebody of the shop asks for a refund."""
    return refunds.request(
        world.parties,
        merchant_id=merchant_id,
        payment_no=payment_no,
        amount=amount,
        reason="多收了",
        form_key=form_key,
        asked_by=7 if role == "clerk" else None,
        role=role,
        now=clock.now(),
    )


def approve(world: World, *, merchant_id: int, refund_no: str) -> None:
    """The owner agrees to a clerk's refund."""
    actor = Actor("merchant", 8, "周建国")
    refunds.approve(world.parties, merchant_id=merchant_id, refund_no=refund_no, actor=actor, now=clock.now())


def job(world: World, *, task: str, arguments: Mapping[str, Any]) -> None:
    """The worker runs a job."""
    TASKS[task](world.tools, **arguments)


def relay(world: World) -> None:
    """The worker carries events to whoever acts on them."""
    while carry_events(world.tools):
        pass


def reconcile(world: World, *, day: str) -> list[str]:
    """A day's bills are fetched, read and compared."""
    rows = reconciliation.reconcile(world.tools, date.fromisoformat(day), now=clock.now())
    return [row.state for row in rows]


def close_days(world: World) -> int:
    """The days that are over are sealed."""
    return len(settlement.close_days(world.tools, now=clock.now()))


ACTS: dict[str, Act] = {
    act.__name__: act for act in (notice, order, refund, approve, job, relay, reconcile, close_days)
}
