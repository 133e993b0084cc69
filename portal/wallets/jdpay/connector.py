"""JD Pay behind the port, in agent mode: onboarding on the psi host, orders by aggregate pay V3.0."""

from collections.abc import Mapping
from datetime import datetime

from portal.wallets.applications import ApplicationAnswer, ApplicationToSend
from portal.wallets.errors import WalletRefused
from portal.wallets.jdpay import notices, onboarding, orders, refunds
from portal.wallets.jdpay.client import Client
from portal.wallets.jdpay.settings import JdSettings
from portal.wallets.port import (
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


class JdConnector:
    """The agent brings merchants in, the sub-merchant collects. `budget` and `slow_budget` are seconds."""

    acquirer = Acquirer.JDPAY

    def __init__(self, settings: JdSettings, *, budget: float, slow_budget: float) -> None:
        self._settings = settings
        self._client = Client(settings, Transport(addresses=(settings.gateway, settings.psi_gateway)))
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
        return orders.open_payment(self._client, order, budget=Budget(self._budget))

    def ask_payment(self, contract: Contract, order_no: str) -> PaymentAnswer:
        """See WalletPort.ask_payment."""
        return orders.ask_payment(self._client, contract, order_no, budget=Budget(self._budget))

    def close_payment(self, contract: Contract, order_no: str) -> None:
        """See WalletPort.close_payment."""
        orders.close_payment(self._client, contract, order_no, budget=Budget(self._budget))

    def refund(self, refund: RefundToSend) -> RefundAnswer:
        """See WalletPort.refund."""
        return refunds.refund(self._client, refund, budget=Budget(self._budget))

    def ask_refund(self, contract: Contract, refund_no: str) -> RefundAnswer:
        """See WalletPort.ask_refund."""
        return refunds.ask_refund(self._client, contract, refund_no, budget=Budget(self._budget))

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime, keys_of: KeysOf) -> Notice:
        """See WalletPort.read_notice. Everything is in the body; its headers and the time prove nothing."""
        return notices.read_notice(self._settings, body=body, keys_of=keys_of)

    def notice_reply(self, *, accepted: bool, reason: str = "") -> tuple[int, str, str]:
        """See WalletPort.notice_reply."""
        return notices.notice_reply(self._settings, accepted=accepted, reason=reason)
