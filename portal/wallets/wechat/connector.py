"""WeChat Pay behind the port. Each method is one conversation with a budget of its own."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from portal.wallets.applications import ApplicationAnswer, ApplicationToSend
from portal.wallets.bills import BillAnswer, BillToFetch, BulkTrades, FundLine, TradeLine, TradeSummary
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
from portal.wallets.wechat import (
    applyments,
    bill_bulk,
    bill_kinds,
    bills,
    login,
    notices,
    orders,
    payouts,
    refunds,
    transfers,
)
from portal.wallets.wechat.client import Client
from portal.wallets.wechat.gateways import Gateways
from portal.wallets.wechat.settings import WechatSettings

BILL_BUDGET_SECONDS = 600.0


class WechatConnector:
    """Partner mode: the provider signs, the sub-merchant collects. The budgets are seconds."""

    acquirer = Acquirer.WECHAT
    offers = frozenset(
        {
            Ability.BROWSER_PAYMENT,
            Ability.SCREEN_PAYMENT,
            Ability.STUCK_REFUND,
            Ability.TRANSFER,
            Ability.PAYOUT_ACCOUNT,
        }
    )

    def __init__(
        self,
        settings: WechatSettings,
        *,
        now: Callable[[], datetime],
        budget: float,
        slow_budget: float,
        bill_budget: float = BILL_BUDGET_SECONDS,
    ) -> None:
        self._settings = settings
        addresses = [settings.gateway, settings.oauth_api]
        if settings.backup_gateway is not None:
            addresses.append(settings.backup_gateway)
        self._transport = Transport(addresses=addresses)
        # One judgement of the addresses for everything that is sent to them.
        gateways = Gateways(settings.gateway, settings.backup_gateway)
        self._client = Client(settings, self._transport, now, gateways)
        self._payer = Client(settings.payer, self._transport, now, gateways)
        self._budget = budget
        self._slow_budget = slow_budget
        self._bill_budget = bill_budget

    def apply(self, application: ApplicationToSend) -> ApplicationAnswer:
        """See WalletPort.apply."""
        return applyments.apply(self._client, application, budget=Budget(self._slow_budget))

    def application_status(self, application: ApplicationToSend) -> ApplicationAnswer:
        """See WalletPort.application_status."""
        return applyments.application_status(self._client, application, budget=Budget(self._slow_budget))

    def payer_login_url(self, *, return_url: str, state: str) -> str | None:
        """See WalletPort.payer_login_url."""
        return login.payer_login_url(self._settings, return_url=return_url, state=state)

    def payer_id_of(self, login_code: str) -> str:
        """See WalletPort.payer_id_of."""
        return login.payer_id_of(self._settings, self._transport, login_code, budget=Budget(self._budget))

    def open_payment(self, order: OrderToOpen) -> Opening:
        """See WalletPort.open_payment."""
        return orders.open_payment(self._client, order, budget=Budget(self._budget))

    def ask_payment(self, contract: Contract, order_no: str) -> PaymentAnswer:
        """See WalletPort.ask_payment."""
        return orders.ask_payment(self._client, contract, order_no, budget=Budget(self._budget))

    def ask_transaction(self, contract: Contract, transaction_id: str) -> PaymentAnswer:
        """See WalletPort.ask_transaction."""
        return orders.ask_transaction(self._client, contract, transaction_id, budget=Budget(self._budget))

    def close_payment(self, contract: Contract, order_no: str) -> None:
        """See WalletPort.close_payment."""
        orders.close_payment(self._client, contract, order_no, budget=Budget(self._budget))

    def refund(self, refund: RefundToSend) -> RefundAnswer:
        """See WalletPort.refund."""
        return refunds.refund(self._client, refund, budget=Budget(self._budget))

    def ask_refund(self, contract: Contract, refund_no: str) -> RefundAnswer:
        """See WalletPort.ask_refund."""
        return refunds.ask_refund(self._client, contract, refund_no, budget=Budget(self._budget))

    def send_stuck_refund(self, contract: Contract, refund_no: str) -> RefundAnswer:
        """See WalletPort.send_stuck_refund."""
        return refunds.send_stuck_refund(self._client, contract, refund_no, budget=Budget(self._budget))

    def transfer(self, transfer: TransferToSend) -> TransferAnswer:
        """See WalletPort.transfer."""
        return transfers.transfer(self._payer, transfer, budget=Budget(self._budget))

    def ask_transfer(self, transfer_no: str) -> TransferAnswer:
        """See WalletPort.ask_transfer."""
        return transfers.ask_transfer(self._payer, transfer_no, budget=Budget(self._budget))

    def cancel_transfer(self, transfer_no: str) -> TransferAnswer:
        """See WalletPort.cancel_transfer."""
        return transfers.cancel_transfer(self._payer, transfer_no, budget=Budget(self._budget))

    def payout_account(self, contract: Contract) -> PayoutAccountAnswer:
        """See WalletPort.payout_account."""
        return payouts.payout_account(self._client, contract, budget=Budget(self._budget))

    def change_payout_account(self, contract: Contract, account: PayoutAccount) -> str:
        """See WalletPort.change_payout_account."""
        return payouts.change_payout_account(self._client, contract, account, budget=Budget(self._budget))

    def ask_payout_change(self, contract: Contract, application_no: str) -> PayoutChangeAnswer:
        """See WalletPort.ask_payout_change."""
        return payouts.ask_payout_change(self._client, contract, application_no, budget=Budget(self._budget))

    def fetch_bill(self, bill: BillToFetch, *, into: BinaryIO) -> BillAnswer:
        """See WalletPort.fetch_bill."""
        return bills.fetch_bill(self._client, bill, into=into, budget=Budget(self._bill_budget))

    def read_trades(self, bill: BinaryIO) -> Iterator[TradeLine | TradeSummary]:
        """See WalletPort.read_trades."""
        return bill_kinds.read_trades(bill)

    def bulk_trades(self, bill: Path) -> BulkTrades | None:
        """See WalletPort.bulk_trades."""
        return bill_bulk.bulk_of(bill)

    def read_funds(self, bill: BinaryIO) -> Iterator[FundLine]:
        """See WalletPort.read_funds."""
        return bill_kinds.read_funds(bill)

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime, keys_of: KeysOf) -> Notice:
        """See WalletPort.read_notice. One key signs for all sub-merchants, so `keys_of` is not asked."""
        return notices.read_notice(self._settings, headers=headers, body=body, now=now)

    def notice_reply(self, *, accepted: bool, reason: str = "") -> tuple[int, str, str]:
        """See WalletPort.notice_reply."""
        return notices.notice_reply(accepted=accepted, reason=reason)
