"""Orders in partner mode: place (JSAPI), ask, close. The sub-merchant collects.

Sources: partner docs 4012738519 (JSAPI), 4012739008 (query), 4012739019 (close), 4012082568 (calling the cashier).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from portal.wallets.errors import WalletRefused, WalletUnknown
from portal.wallets.port import (
    Acquirer,
    Contract,
    Opening,
    OpeningKind,
    OrderToOpen,
    PaymentAnswer,
    PaymentState,
    Promotion,
    Wallet,
)
from portal.wallets.transport import Budget
from portal.wallets.wechat import signing, words
from portal.wallets.wechat.client import Client, collector_of, in_path
from portal.wallets.wechat.words import Call
from portal.wallets.wire import (
    UnreadableMessage,
    acceptable_text,
    moment_at,
    optional_text_at,
    optional_whole_at,
    rfc3339,
    text_at,
    whole_at,
)

_ORDERS = "/v3/pay/partner/transactions"
_CONTRIBUTIONS = (
    ("wechatpay_contribute", "wallet"),
    ("merchant_contribute", "merchant"),
    ("other_contribute", "other"),
)


def open_payment(client: Client, order: OrderToOpen, *, budget: Budget) -> Opening:
    """Place the order and prepare the call of the cashier inside WeChat. Raises WalletError.

    The payer's address is not sent: it is optional here, it is personal, and it may change between two taps, which
    WeChat Pay would answer with "parameters differ" (OUT_TRADE_NO_USED).
    """
    settings = client.settings
    if order.payer_id is None:
        raise WalletRefused("PAYER_ID_MISSING", "JSAPI needs the payer's openid")
    fields = {
        "sp_appid": settings.sp_appid,
        "sp_mchid": settings.sp_mchid,
        "sub_mchid": collector_of(order.contract, settings),
        "description": acceptable_text(order.description, characters=127) or order.order_no,
        "out_trade_no": order.order_no,
        "time_expire": rfc3339(order.expires_at),
        "notify_url": plain_address(order.notify_url),
        "amount": {"total": order.amount, "currency": "CNY"},
        "payer": {"sp_openid": order.payer_id},
    }
    answer = client.post(Call.PAY, f"{_ORDERS}/jsapi", fields, budget=budget)
    try:
        return Opening(OpeningKind.BRIDGE, bridge=_bridge(client, text_at(answer, "prepay_id")))
    except UnreadableMessage as error:
        raise WalletUnknown("ANSWER_UNREADABLE", str(error)) from error


def ask_payment(client: Client, contract: Contract, order_no: str, *, budget: Budget) -> PaymentAnswer:
    """Ask what became of an order. An order WeChat Pay does not know is unpaid."""
    found = _found(client, contract, order_no, budget=budget)
    return found or PaymentAnswer(Acquirer.WECHAT, order_no, PaymentState.UNPAID, contract.sub_merchant_no)


def close_payment(client: Client, contract: Contract, order_no: str, *, budget: Budget) -> None:
    """Close an unpaid order. Closing what is closed or was never placed succeeds.

    WeChat Pay refuses a paid and an unknown order with the same code, so after a refusal it is asked.
    """
    fields = {"sp_mchid": client.settings.sp_mchid, "sub_mchid": collector_of(contract, client.settings)}
    try:
        client.post(Call.CLOSE, f"{_ORDERS}/out-trade-no/{in_path(order_no)}/close", fields, budget=budget)
    except WalletRefused:
        found = _found(client, contract, order_no, budget=budget)
        if found is not None and found.state is not PaymentState.CLOSED:
            raise


def payment_in(message: Mapping[str, Any]) -> PaymentAnswer:
    """The payment in an answer to a query or in an opened notice: both have one shape. Raises UnreadableMessage.

    An openid proves that the payer used WeChat. Without one (a code scanned in another app) the wire does not tell.
    """
    state = words.PAYMENT_STATES.get(text_at(message, "trade_state"))
    if state is None:
        raise UnreadableMessage(f"trade_state {message.get('trade_state')}")
    paid = state is PaymentState.SUCCESS
    amount = whole_at(message, "amount", "total") if paid else optional_whole_at(message, "amount", "total")
    payer_amount = optional_whole_at(message, "amount", "payer_total")
    payer_id = optional_text_at(message, "payer", "sp_openid") or optional_text_at(message, "payer", "sub_openid")
    return PaymentAnswer(
        acquirer=Acquirer.WECHAT,
        order_no=optional_text_at(message, "out_trade_no"),
        state=state,
        sub_merchant_no=text_at(message, "sub_mchid"),
        wallet=Wallet.WECHAT if payer_id and paid else Wallet.UNKNOWN,
        transaction_id=text_at(message, "transaction_id") if paid else optional_text_at(message, "transaction_id"),
        amount=amount,
        payer_amount=payer_amount if payer_amount is not None else (amount if paid else None),
        currency=optional_text_at(message, "amount", "currency") or "CNY",
        promotions=tuple(_promotions(message)),
        payer_id=payer_id,
        paid_at=moment_at(message, "success_time"),
    )


def _found(client: Client, contract: Contract, order_no: str, *, budget: Budget) -> PaymentAnswer | None:
    collector, provider = collector_of(contract, client.settings), client.settings.sp_mchid
    path = f"{_ORDERS}/out-trade-no/{in_path(order_no)}"
    try:
        answer = client.get(Call.ASK, path, {"sp_mchid": provider, "sub_mchid": collector}, budget=budget)
        found = payment_in(answer)
    except WalletRefused as error:
        if error.code != words.NO_SUCH_ORDER:
            raise
        return None
    except UnreadableMessage as error:
        raise WalletUnknown("ANSWER_UNREADABLE", str(error)) from error
    if (found.order_no, found.sub_merchant_no, answer.get("sp_mchid")) != (order_no, collector, provider):
        raise WalletUnknown("ANSWER_OF_ANOTHER_ORDER", order_no)
    return found


def plain_address(url: str) -> str:
    """A notify_url as WeChat Pay takes it: absolute, with a path, without a query. Raises WalletRefused."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or not parts.path.strip("/") or parts.query:
        raise WalletRefused("NOTIFY_URL", "must be absolute, with a path and without a query")
    return url


def _bridge(client: Client, prepay_id: str) -> dict[str, str]:
    appid, stamp, once = client.settings.sp_appid, str(int(client.now().timestamp())), signing.nonce()
    package = f"prepay_id={prepay_id}"
    signed = signing.sign_lines(
        client.settings.private_key, appid.encode(), stamp.encode(), once.encode(), package.encode()
    )
    return {
        "appId": appid,
        "timeStamp": stamp,
        "nonceStr": once,
        "package": package,
        "signType": "RSA",
        "paySign": signed,
    }


def _promotions(message: Mapping[str, Any]) -> list[Promotion]:
    """One line per coupon and payer of it; a coupon that names no payer was paid by somebody else."""
    found = []
    listed = message.get("promotion_detail") or []
    if not isinstance(listed, list):
        raise UnreadableMessage("promotion_detail")
    for coupon in listed:
        if not isinstance(coupon, Mapping):
            raise UnreadableMessage("promotion_detail")
        number, name = text_at(coupon, "coupon_id"), optional_text_at(coupon, "name") or ""
        shares = [(paid_by, optional_whole_at(coupon, field) or 0) for field, paid_by in _CONTRIBUTIONS]
        if not any(share for _, share in shares):
            shares = [("other", whole_at(coupon, "amount"))]
        found += [Promotion(number, name, share, paid_by) for paid_by, share in shares if share]
    return found
