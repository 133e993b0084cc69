"""Orders of aggregate pay (聚合支付 V3.0): place, ask, wait. The sub-merchant collects.

Inside JD's app the order is placed with piType JDPAY; before a screen JD makes a code (getScanUrl) that any of its
wallets may scan.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from portal.values.day import SHANGHAI
from portal.wallets.errors import WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.jdpay import words
from portal.wallets.jdpay.client import Client
from portal.wallets.jdpay.words import Call
from portal.wallets.port import (
    Acquirer,
    Contract,
    Opening,
    OpeningKind,
    OpeningWay,
    OrderToOpen,
    PaymentAnswer,
    PaymentState,
    Promotion,
    Wallet,
)
from portal.wallets.transport import Budget
from portal.wallets.wire import (
    UnreadableMessage,
    acceptable_text,
    digits_of,
    optional_text_at,
    optional_whole_at,
    text_at,
    whole_at,
)

SCAN_AS_ADDRESS = "00"
_COUPONS = (("couponAmount", "jd-coupon", "wallet"), ("merchantCouponAmount", "jd-merchant-coupon", "merchant"))


def open_payment(client: Client, order: OrderToOpen, *, budget: Budget) -> Opening:
    """Place the order and lead the payer on. Raises WalletError; NOT_OFFERED for a browser outside JD's apps."""
    if order.way is OpeningWay.BROWSER:
        raise WalletRefused("NOT_OFFERED", "aggregate pay has no cashier for foreign browsers")
    if order.way is OpeningWay.SCREEN:
        return _code(client, order, budget)
    return _cashier(client, order, budget)


def _cashier(client: Client, order: OrderToOpen, budget: Budget) -> Opening:
    """unifiedOrder: `payInfo` is the address of JD's cashier, to which the payer's browser goes."""
    device = {"type": "DT03", "ip": order.payer_ip, "imei": order.contract.sub_merchant_no}
    fields = {
        "outTradeNo": order.order_no,
        "amount": str(order.amount),
        "currency": "RMB",
        "piType": "JDPAY",
        "gatewayPayMethod": "SUBSCRIPTION",
        "virtualType": "01",
        "agentMerchantNo": client.settings.agent_no,
        "productName": acceptable_text(order.description, characters=127) or order.order_no,
        "tradeTime": digits_of(order.created_at),
        "deadlineTime": digits_of(order.expires_at),
        "deviceInfo": json.dumps(device, separators=(",", ":")),
        "outTradeIp": order.payer_ip,
        "notifyUrl": order.notify_url,
    }
    answer = client.ask(Call.PAY, order.contract, fields, budget=budget)
    return Opening(OpeningKind.REDIRECT, url=_address(answer, "payInfo", order.order_no))


def _code(client: Client, order: OrderToOpen, budget: Budget) -> Opening:
    """getScanUrl: `scanUrl` is the text of a code. UNCONFIRMED: that `expireTime` is in seconds, as in V2.0."""
    fields = {
        "outTradeNo": order.order_no,
        "amount": str(order.amount),
        "businessType": SCAN_AS_ADDRESS,
        "remark": acceptable_text(order.description, characters=60),
        "expireTime": str(max(1, int((order.expires_at - order.created_at).total_seconds()))),
        "successNotifyUrl": order.notify_url,
    }
    answer = client.ask(Call.SCAN, order.contract, fields, budget=budget)
    # The one public implementer reads nothing but scanUrl here; our number may be missing.
    return Opening(OpeningKind.CODE, url=_address({"outTradeNo": order.order_no, **answer}, "scanUrl", order.order_no))


def _address(answer: Mapping[str, Any], name: str, order_no: str) -> str:
    try:
        if text_at(answer, "outTradeNo") != order_no:
            raise WalletUnknown("ANSWER_OF_ANOTHER_ORDER", order_no)
        url = text_at(answer, name)
    except UnreadableMessage as error:
        raise WalletUnknown("ANSWER_UNREADABLE", str(error)) from error
    if not url.startswith(("https://", "http://")):
        raise WalletUnknown("ANSWER_UNREADABLE", f"{name} is not an address")
    return url


def ask_payment(client: Client, contract: Contract, order_no: str, *, budget: Budget) -> PaymentAnswer:
    """Ask what became of an order. An order JD does not know is unpaid."""
    try:
        answer = client.ask(Call.ASK, contract, {"outTradeNo": order_no}, budget=budget)
        found = payment_in(answer, contract.sub_merchant_no)
    except WalletRefused as error:
        if error.code != words.NO_SUCH_ORDER:
            raise
        return PaymentAnswer(Acquirer.JDPAY, order_no, PaymentState.UNPAID, contract.sub_merchant_no)
    except UnreadableMessage as error:
        raise WalletUnknown("ANSWER_UNREADABLE", str(error)) from error
    if found.order_no != order_no:
        raise WalletUnknown("ANSWER_OF_ANOTHER_ORDER", order_no)
    return found


def close_payment(client: Client, contract: Contract, order_no: str, *, budget: Budget) -> None:
    """JD has no call for this: an order runs out at its deadline. Returns once it has, or was never placed."""
    state = ask_payment(client, contract, order_no, budget=budget).state
    if state is PaymentState.SUCCESS:
        raise WalletRefused("ORDER_PAID", order_no)
    if state is PaymentState.PAYING:
        raise WalletUnavailable("NOT_CLOSED_YET", order_no)


def payment_in(message: Mapping[str, Any], merchant_no: str) -> PaymentAnswer:
    """The payment in an answer or a notice. Raises UnreadableMessage.

    `piAmount` is what the order was worth (UNCONFIRMED: it might be what is left after coupons), the coupons are the
    part of it that the payer did not give. `piType` tells who paid after all: a bank app by UnionPay, for one.
    """
    state = words.PAYMENT_STATES.get(text_at(message, "payStatus"))
    if state is None:
        raise UnreadableMessage(f"payStatus {message.get('payStatus')}")
    paid = state is PaymentState.SUCCESS
    amount = whole_at(message, "piAmount") if paid else optional_whole_at(message, "piAmount")
    promotions = tuple(_promotions(message))
    payer_amount = None if amount is None or not paid else amount - sum(each.amount for each in promotions)
    if payer_amount is not None and payer_amount < 0:
        raise UnreadableMessage("coupons exceed the amount")
    return PaymentAnswer(
        acquirer=Acquirer.JDPAY,
        order_no=text_at(message, "outTradeNo"),
        state=state,
        sub_merchant_no=merchant_no,
        wallet=words.WALLETS.get(optional_text_at(message, "piType") or "", Wallet.UNKNOWN) if paid else Wallet.UNKNOWN,
        transaction_id=text_at(message, "tradeNo") if paid else optional_text_at(message, "tradeNo"),
        amount=amount,
        payer_amount=payer_amount,
        promotions=promotions,
        paid_at=jd_moment_at(message, "payFinishTime"),
        trade_type=optional_text_at(message, "productType"),
        bank_type=optional_text_at(message, "piType") if paid else None,
        channel_no=optional_text_at(message, "channelNoSeq"),
    )


def jd_moment_at(message: Mapping[str, Any], name: str) -> datetime | None:
    """`yyyyMMddHHmmss` or `yyyy-MM-dd HH:mm:ss` on a Chinese wall clock, as UTC; None when absent."""
    written = optional_text_at(message, name)
    if written is None:
        return None
    try:
        return datetime.strptime(written, "%Y%m%d%H%M%S").replace(tzinfo=SHANGHAI).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.strptime(written, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UnreadableMessage(f"no moment at {name}") from error


def _promotions(message: Mapping[str, Any]) -> list[Promotion]:
    found = []
    for field, number, paid_by in _COUPONS:
        amount = optional_whole_at(message, field) or 0
        if amount:
            found.append(Promotion(number, "", amount, paid_by))
    return found
