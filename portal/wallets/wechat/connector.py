"""WeChat Pay behind the port. Each method is one conversation with a budget of its own."""

from collections.abc import Callable, Mapping
from datetime import datetime

from portal.wallets.applications import ApplicationAnswer, ApplicationToSend
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
from portal.wallets.wechat import applyments, login, notices, orders, refunds
from portal.wallets.wechat.client import Client
from portal.wallets.wechat.settings import WechatSettings


class WechatConnector:
    """Partner mode: the provider signs, the sub-merchant collects. `budget` and `slow_budget` are seconds."""

    acquirer = Acquirer.WECHAT

    def __init__(
        self, settings: WechatSettings, *, now: Callable[[], datetime], budget: float, slow_budget: float
    ) -> None:
        self._settings = settings
        self._transport = Transport(addresses=(settings.gateway, settings.oauth_api))
        self._client = Client(settings, self._transport, now)
        self._budget = budget
        self._slow_budget = slow_budget

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
        """See WalletPort.read_notice. One key signs for all sub-merchants, so `keys_of` is not asked."""
        return notices.read_notice(self._settings, headers=headers, body=body, now=now)

    def notice_reply(self, *, accepted: bool, reason: str = "") -> tuple[int, str, str]:
        """See WalletPort.notice_reply."""
        return notices.notice_reply(accepted=accepted, reason=reason)
