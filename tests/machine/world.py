"""The portal as the wallets meet it: the notices' own process, the worker's jobs, the pages' operations."""

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask

from portal.payments import flows as payments
from portal.payments.flows import Parties
from portal.plumbing import clock
from portal.plumbing.crypto import Keyring
from portal.plumbing.work import Tools
from portal.refunds import flows as refunds
from portal.tasks import TASKS
from portal.values.errors import DomainError
from portal.values.references import Kind, mint, new_code
from portal.wallets.errors import WalletError
from portal.wallets.port import Acquirer, RefundState
from portal.worker import carry_events
from tests.factories.merchants import add_merchant
from tests.factories.payments import add_order
from tests.machine.books import Books, check
from tests.machine.model import Model, Ordered
from tests.machine.telling import Message, Teller, Transaction
from tests.machine.wallet import NEXT, AdversaryWallet, Mood

OTHER = 482913058
_merchants = itertools.count(600_000_001)
_transactions = itertools.count(1)
LETTERS = {Acquirer.WECHAT: "WX", Acquirer.JDPAY: "JD"}


@dataclass
class World:
    """One portal for many examples; each example has a merchant of its own."""

    app: Flask
    wallets: Mapping[Acquirer, AdversaryWallet]
    tools: Tools
    parties: Parties
    keyring: Keyring
    clock_file: Path
    teller: Teller = field(init=False)
    eyes: psycopg.Connection = field(init=False)
    merchant_id: int = 0
    ahead: timedelta = timedelta()
    model: Model = field(default_factory=Model)
    before: Books | None = None
    carried: int = 0

    def begin(self) -> None:
        """Another merchant, wallets that remember nothing, the clock as everybody's."""
        self.merchant_id, self.model, self.before, self.carried = next(_merchants), Model(), None, 0
        self.pass_time(-self.ahead)
        for wallet in self.wallets.values():
            wallet.begin_anew()
        with self.eyes.transaction():
            self.eyes.execute("DELETE FROM procrastinate_jobs")
        add_merchant(self.parties.database, self.keyring, merchant_id=self.merchant_id, name="阿珍", code=new_code())

    def mood(self, mood: Mood) -> None:
        """How every wallet answers from now on."""
        for wallet in self.wallets.values():
            wallet.mood = mood

    def pass_time(self, time: timedelta) -> None:
        """Business walks on; signatures stay as fresh as they are."""
        self.ahead += time
        fresh = self.clock_file.with_suffix(".new")
        fresh.write_text(json.dumps({"offset_seconds": int(self.ahead.total_seconds())}), encoding="ascii")
        fresh.replace(self.clock_file)

    # --- what merchants and payers do --------------------------------------------------------------------------------

    def place(self, acquirer: Acquirer, amount: int) -> Ordered:
        """An order, which the wallet is asked to open."""
        number = add_order(
            self.parties.database,
            self.keyring,
            merchant_id=self.merchant_id,
            amount=amount,
            now=clock.now(),
            acquirer=acquirer,
        )
        order = Ordered(number, amount, f"{LETTERS[acquirer]}{self.merchant_id}")
        self.model.orders[number] = order
        with suppress(WalletError):
            payments.open_payment(
                self.parties,
                merchant_id=self.merchant_id,
                payment_no=number,
                shop_name="阿珍",
                payer_id="openid",
                payer_ip="127.0.0.1",
                now=clock.now(),
            )
        return order

    def refund(self, payment_no: str, amount: int, form_key: str, *, role: str = "owner") -> str:
        """Ask for a refund; answers its number, or the reason why there is none."""
        try:
            return refunds.request(
                self.parties,
                merchant_id=self.merchant_id,
                payment_no=payment_no,
                amount=amount,
                reason="多收了",
                form_key=form_key,
                asked_by=None if role == "owner" else 7,
                role=role,
                now=clock.now(),
            )
        except DomainError as problem:
            return problem.reason

    # --- what wallets do ---------------------------------------------------------------------------------------------

    def take_money(self, acquirer: Acquirer, order_no: str, amount: int, **more: str) -> Transaction:
        """The wallet takes a payer's money, whether that fits anything or not."""
        number = f"42{next(_transactions):014d}"
        paid = Transaction(number, acquirer, order_no, f"{LETTERS[acquirer]}{self.merchant_id}", amount, **more)
        paid = replace(paid, at=clock.now())
        self.wallets[acquirer].transactions.append(paid)
        return paid

    def unwritten_number(self) -> str:
        """A number of this merchant's under which no order was ever written."""
        number = mint(Kind.ORDER, self.merchant_id, key=self.keyring.reference_key, now=clock.now())
        self.model.unwritten.add(number)
        return number

    def others_number(self) -> str:
        """A number of another merchant's."""
        number = mint(Kind.ORDER, OTHER, key=self.keyring.reference_key, now=clock.now())
        self.model.foreign.add(number)
        return number

    def deliver(self, message: Message, *, spoilt: bool = False) -> int:
        """Send a notice; the model hears of it what the portal must believe."""
        path = {Acquirer.WECHAT: "/notify/wechat", Acquirer.JDPAY: "/notify/jdpay"}[message.acquirer]
        body = message.body.replace(b'"sign": "', b'"sign": "0') if spoilt else message.body
        with self._listening(last=False):
            headers = dict(self.teller.headers(message, spoilt=spoilt))
            status = self.app.test_client().post(path, data=body, headers=headers).status_code
            fresh = (message.acquirer, message.key) not in self.model.heard
            if status < 300 and fresh:
                self.model.heard.add((message.acquirer, message.key))
                if message.payment is not None and message.acquirer is Acquirer.WECHAT:
                    self.model.hear(message.payment, sure=False, last=False)
        return status

    def under_way(self) -> list[tuple[AdversaryWallet, str]]:
        """Refunds of which something may still become at their wallet."""
        return [
            (wallet, number)
            for wallet in self.wallets.values()
            for number, states in wallet.states.items()
            if NEXT[states[-1]]
        ]

    # --- what the worker does ----------------------------------------------------------------------------------------

    def jobs(self) -> list[tuple[int, str, dict[str, Any]]]:
        """What is queued, whatever it waits for."""
        rows = self.eyes.execute(
            "SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo' AND task_name <> ALL(%s)"
            " ORDER BY id",
            (["reconciliation.nightly"],),
        )
        return rows.fetchall()

    def work(self, job: tuple[int, str, dict[str, Any]], *, twice: bool = False) -> None:
        """Run a job; `twice`, as when its worker died before it could say that it was done."""
        number, task, arguments = job
        self.eyes.execute("DELETE FROM procrastinate_jobs WHERE id = %s", (number,))
        with self._listening(last=True):
            for _ in range(2 if twice else 1):
                TASKS[task](self.tools, **arguments)

    def carry(self) -> None:
        """The relay brings events to whoever acts on them."""
        while carry_events(self.tools):
            pass
        self.carried = self.look().head

    def heal(self) -> None:
        """Every wallet well, every word told once more, all time over: then the books are what really happened."""
        self.mood(Mood.TRUTH)
        self.pass_time(timedelta(hours=3))
        for wallet in self.wallets.values():
            for told in wallet.transactions:
                self.deliver(self.teller.paid(told, telling=0))
        self.settle(rounds=3)
        for wallet in self.wallets.values():
            for number, states in wallet.states.items():
                if states[-1] in (RefundState.PROCESSING, RefundState.ABNORMAL):
                    wallet.move(number, RefundState.SUCCESS)
                self.deliver(self.teller.refunded(wallet.refunds[number], wallet.states[number][-1], telling=0))
        self.settle(rounds=6)
        assert not self.jobs(), "somebody is still waiting"
        self._compare_with_truth(self.check())

    def settle(self, *, rounds: int) -> None:
        """The worker and the relay, until nothing is left to do."""
        for _ in range(rounds):
            self.carry()
            waiting = self.jobs()
            for job in waiting:
                self.work(job)
            if not waiting:
                return

    # --- the proof ---------------------------------------------------------------------------------------------------

    def look(self) -> Books:
        return Books.of(self.eyes, self.merchant_id)

    def check(self) -> Books:
        """Everything that must hold now."""
        now = self.look()
        check(now, self.before)
        self.before = now
        model, receipts = self.model, now.receipts()
        ordered = {n: one["transaction_no"] for n, one in receipts.items() if one["source"] == "order"}
        born = {one["transaction_no"]: one["amount"] for one in receipts.values() if one["source"] == "static_code"}
        aside = {ref.partition(":")[2]: amount for ref, amount in now.posted("suspense").items()}
        assert ordered == model.paid
        assert born == model.born
        assert aside == model.aside
        assert sum(now.posted("payment", "suspense").values()) == model.money_in()
        self._refunds_are_true(now)
        return now

    def _refunds_are_true(self, now: Books) -> None:
        """The portal never says more of a refund than a wallet has said."""
        for number, row in now.refunds.items():
            wallet = self.wallets[Acquirer(now.payments[row["payment_no"]]["acquirer"])]
            said = {str(state) for state in wallet.states.get(number, [])}
            if row["state"] in ("success", "abnormal", "processing"):
                assert row["state"] in said, f"{number}: {row['state']}, and the wallet says {said}"
            elif row["state"] == "closed":
                assert "closed" in said or number in wallet.refused

    def _compare_with_truth(self, now: Books) -> None:
        """To the fen: what the wallets took stands in the books, and so does what they gave back."""
        # A word that the wallet itself would not confirm is left to people and to the bill.
        doubted = {row["transaction_no"] for row in now.inbox if row["state"] in ("quarantined", "orphan")}
        booked = {*self.model.paid.values(), *self.model.born, *self.model.aside}
        for wallet in self.wallets.values():
            for one in wallet.transactions:
                assert one.number in booked or one.number in doubted or one.currency != "CNY", f"{one} is lost"
        for wallet in self.wallets.values():
            for number, states in wallet.states.items():
                assert now.refunds[number]["state"] == states[-1]

    @contextmanager
    def _listening(self, *, last: bool) -> Iterator[None]:
        """The model hears what a wallet answers meanwhile: whoever asks books the answer before anything else."""
        for wallet in self.wallets.values():
            wallet.answers.clear()
        yield
        for wallet in self.wallets.values():
            for answer in wallet.answers:
                told = next(one for one in wallet.transactions if one.number == answer.transaction_id)
                self.model.hear(told, sure=True, last=last)
            wallet.answers.clear()
