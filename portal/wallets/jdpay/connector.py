"""JD Pay behind the port. Whose contract it is decides the wire.

A merchant that the agent brought in collects by aggregate pay (聚合支付 V3.0); one with a contract number and keys of
his own by JD Pay V2.0. Either way the merchant collects, never the provider.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from portal.wallets.applications import ApplicationAnswer, ApplicationToSend
from portal.wallets.bills import BillAnswer, BillToFetch, BulkTrades, FundLine, TradeLine, TradeSummary
from portal.wallets.errors import WalletRefused
from portal.wallets.jdpay import bill_lines, bills, notices, onboarding, orders, refunds
from portal.wallets.jdpay.client import Client
from portal.wallets.jdpay.settings import JdSettings
from portal.wallets.jdpay.v2 import notices as v2_notices
from portal.wallets.jdpay.v2 import orders as v2_orders
from portal.wallets.jdpay.v2 import refunds as v2_refunds
from portal.wallets.jdpay.v2 import returns as v2_returns
from portal.wallets.jdpay.v2.client import V2Client
from portal.wallets.jdpay.v2.keys import V2Keys, goes_by_v2, keys_of
from portal.wallets.payouts import (
    PayoutAccount,
    PayoutAccountAnswer,
    PayoutChangeAnswer,
    TransferAnswer,
    TransferToSend,
)
from portal.wallets.port import (
    Ability,
    Acquirer,
    BrowserReturn,
    Contract,
    KeysOf,
    Notice,
    Opening,
    OrderToOpen,
    PaymentAnswer,
    RefundAnswer,
    RefundToSend,
)
from portal.wallets.transport import Budget, Transport

BILL_SECONDS = 600.0


class JdConnector:
    """The agent brings merchants in, the sub-merchant collects. `budget` and `slow_budget` are seconds."""

    acquirer = Acquirer.JDPAY
    # A cashier for foreign browsers only with a V2.0 contract; aggregate pay raises NOT_OFFERED for it.
    offers = frozenset({Ability.SCREEN_PAYMENT, Ability.BROWSER_PAYMENT})

    def __init__(self, settings: JdSettings, *, now: Callable[[], datetime], budget: float, slow_budget: float) -> None:
        self._settings = settings
        self._transport = Transport(addresses=settings.addresses)
        self._client = Client(settings, self._transport)
        self._v2_client = V2Client(settings, self._transport)
        self._now = now
        self._budget = budget
        self._slow_budget = slow_budget

    def apply(self, application: ApplicationToSend) -> ApplicationAnswer:
        """See WalletPort.apply."""
        return onboarding.apply(self._client, application, budget=Budget(self._slow_budget))

    def application_status(self, application: ApplicationToSend) -> ApplicationAnswer:
        """See WalletPort.application_status."""
        return onboarding.application_status(self._client, application, budget=Budget(self._slow_budget))

    def payer_login_url(self, *, return_url: str, state: str) -> str | None:
        """See WalletPort.payer_login_url. JD's cashier knows its payer."""
        return None

    def payer_id_of(self, login_code: str) -> str:
        """See WalletPort.payer_id_of. Nobody is sent to a login here, so no code can come back."""
        raise WalletRefused("NO_LOGIN", "JD needs no payer's id")

    def open_payment(self, order: OrderToOpen) -> Opening:
        """See WalletPort.open_payment."""
        budget = Budget(self._budget)
        if (keys := self._v2_keys(order.contract)) is not None:
            return v2_orders.open_payment(self._v2_client, keys, order, budget=budget)
        return orders.open_payment(self._client, order, budget=budget)

    def ask_payment(self, contract: Contract, order_no: str) -> PaymentAnswer:
        """See WalletPort.ask_payment."""
        budget = Budget(self._budget)
        if (keys := self._v2_keys(contract)) is not None:
            return v2_orders.ask_payment(self._v2_client, keys, order_no, budget=budget)
        return orders.ask_payment(self._client, contract, order_no, budget=budget)

    def ask_transaction(self, contract: Contract, transaction_id: str) -> PaymentAnswer:
        """See WalletPort.ask_transaction. Both of JD's wires ask by the merchant's own number only."""
        raise WalletRefused("NOT_OFFERED", "JD is asked by the order's number")

    def close_payment(self, contract: Contract, order_no: str) -> None:
        """See WalletPort.close_payment."""
        budget = Budget(self._budget)
        if (keys := self._v2_keys(contract)) is not None:
            v2_orders.close_payment(self._v2_client, keys, order_no, now=self._now(), budget=budget)
            return
        orders.close_payment(self._client, contract, order_no, budget=budget)

    def read_return(self, contract: Contract, fields: Mapping[str, str]) -> BrowserReturn:
        """See ReadsReturns.read_return."""
        keys = self._v2_keys(contract)
        if keys is None:
            raise WalletRefused("NOT_OFFERED", "aggregate pay brings nothing back")
        return v2_returns.read_return(keys, fields)

    def refund(self, refund: RefundToSend) -> RefundAnswer:
        """See WalletPort.refund."""
        budget = Budget(self._budget)
        if (keys := self._v2_keys(refund.contract)) is not None:
            return v2_refunds.refund(self._v2_client, keys, refund, now=self._now(), budget=budget)
        return refunds.refund(self._client, refund, budget=budget)

    def ask_refund(self, contract: Contract, refund_no: str) -> RefundAnswer:
        """See WalletPort.ask_refund."""
        budget = Budget(self._budget)
        if (keys := self._v2_keys(contract)) is not None:
            return v2_refunds.ask_refund(self._v2_client, keys, refund_no, budget=budget)
        return refunds.ask_refund(self._client, contract, refund_no, budget=budget)

    def send_stuck_refund(self, contract: Contract, refund_no: str) -> RefundAnswer:
        """See WalletPort.send_stuck_refund."""
        raise WalletRefused("NOT_OFFERED", "JD settles its refunds itself")

    def transfer(self, transfer: TransferToSend) -> TransferAnswer:
        """See WalletPort.transfer. No payout of JD's is public enough to pay people with."""
        raise WalletRefused("NOT_OFFERED", "no transfers")

    def ask_transfer(self, transfer_no: str) -> TransferAnswer:
        """See WalletPort.ask_transfer."""
        raise WalletRefused("NOT_OFFERED", "no transfers")

    def cancel_transfer(self, transfer_no: str) -> TransferAnswer:
        """See WalletPort.cancel_transfer."""
        raise WalletRefused("NOT_OFFERED", "no transfers")

    def payout_account(self, contract: Contract) -> PayoutAccountAnswer:
        """See WalletPort.payout_account. The onboarding host takes an account and never shows it again."""
        raise WalletRefused("NOT_OFFERED", "JD does not show the account")

    def change_payout_account(self, contract: Contract, account: PayoutAccount) -> str:
        """See WalletPort.change_payout_account."""
        raise WalletRefused("NOT_OFFERED", "JD does not change the account")

    def ask_payout_change(self, contract: Contract, application_no: str) -> PayoutChangeAnswer:
        """See WalletPort.ask_payout_change."""
        raise WalletRefused("NOT_OFFERED", "JD does not change the account")

    def fetch_bill(self, bill: BillToFetch, *, into: BinaryIO) -> BillAnswer:
        """See WalletPort.fetch_bill. JD makes one for each merchant, so a contract is needed."""
        return bills.fetch_bill(self._settings, self._transport, bill, into=into, budget=Budget(BILL_SECONDS))

    def read_trades(self, bill: BinaryIO) -> Iterator[TradeLine | TradeSummary]:
        """See WalletPort.read_trades."""
        return bill_lines.read_trades(bill)

    def bulk_trades(self, bill: Path) -> BulkTrades | None:
        """See WalletPort.bulk_trades. A bill of one merchant is short: it is read line by line."""
        return None

    def read_funds(self, bill: BinaryIO) -> Iterator[FundLine]:
        """See WalletPort.read_funds. JD reports no movements of money, so there is nothing to read."""
        raise WalletRefused("NOT_OFFERED", "JD has no bill of funds")

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime, keys_of: KeysOf) -> Notice:
        """See WalletPort.read_notice. Everything is in the body; its headers and the time prove nothing."""
        read = v2_notices.read_notice if body.lstrip()[:1] == b"<" else notices.read_notice
        return read(self._settings, body=body, keys_of=keys_of)

    def notice_reply(self, *, accepted: bool, reason: str = "") -> tuple[int, str, str]:
        """See WalletPort.notice_reply."""
        return notices.notice_reply(self._settings, accepted=accepted, reason=reason)

    def _v2_keys(self, contract: Contract) -> V2Keys | None:
        """The keys of a merchant with a V2.0 contract of his own, None for one the agent brought in."""
        if not goes_by_v2(contract.keys):
            return None
        return keys_of(contract, agent_no=self._settings.agent_no)
