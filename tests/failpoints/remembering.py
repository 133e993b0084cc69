"""A wallet that outlives the portal's processes: what it has done stands in a file before it answers."""

import hashlib
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from portal.wallets.bills import BillAnswer, BillKind, BillState, BillToFetch
from portal.wallets.port import Contract, Opening, OrderToOpen, PaymentAnswer, RefundAnswer, RefundToSend
from tests.failpoints import trips
from tests.machine.wallet import AdversaryWallet

_KEPT = ("mood", "transactions", "closed", "refunds", "states", "refused")


@dataclass
class RememberingWallet(AdversaryWallet):
    """Each call is a trip: the process may die before it."""

    file: Path = Path()
    bill: bytes | None = None

    def begin_anew(self) -> None:
        super().begin_anew()
        self.bill = None
        self.save()

    def save(self) -> None:
        """Into the file, whole or not at all."""
        fresh = self.file.with_suffix(f".{id(self)}")
        fresh.write_bytes(pickle.dumps({name: getattr(self, name) for name in (*_KEPT, "bill")}))
        fresh.replace(self.file)

    def load(self) -> None:
        """As the file has it."""
        if self.file.exists():
            for name, value in pickle.loads(self.file.read_bytes()).items():  # noqa: S301 - we wrote it
                setattr(self, name, value)

    def open_payment(self, order: OrderToOpen) -> Opening:
        trips.reached()
        return super().open_payment(order)

    def ask_payment(self, contract: Contract, order_no: str) -> PaymentAnswer:
        trips.reached()
        return super().ask_payment(contract, order_no)

    def close_payment(self, contract: Contract, order_no: str) -> None:
        trips.reached()
        super().close_payment(contract, order_no)
        self.save()

    def refund(self, refund: RefundToSend) -> RefundAnswer:
        trips.reached()
        answer = super().refund(refund)
        self.save()
        return answer

    def ask_refund(self, contract: Contract, refund_no: str) -> RefundAnswer:
        trips.reached()
        return super().ask_refund(contract, refund_no)

    def fetch_bill(self, bill: BillToFetch, *, into: BinaryIO) -> BillAnswer:
        trips.reached()
        told = self.bill if bill.kind is BillKind.TRADES else None
        if told is None:
            return BillAnswer(BillState.EMPTY)
        into.write(told)
        return BillAnswer(BillState.READY, len(told), hashlib.sha256(told).hexdigest())

    def __getattr__(self, name: str) -> Any:
        """Bills are read by the real connector."""
        if name.startswith("__") or name == "connector":
            raise AttributeError(name)
        return getattr(self.connector, name)
