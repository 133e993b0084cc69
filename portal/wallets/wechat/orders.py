"""Orders in partner mode: place (JSAPI, H5, Native), ask, close. The sub-merchant collects.

Sources: partner docs 4012738519 (JSAPI), 4012738604 (H5), 4012738659 (Native), 4012739008 (query), 4012739019 (close),
4012082568 and 4012085683 (calling the cashier).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from portal.wallets.errors import WalletRefused, WalletUnknown
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
from portal.wallets.wechat import signing, words
from portal.wallets.wechat.client import Client, collector_of, in_path, nothing
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
_WAYS = {OpeningWay.IN_APP: "jsapi", OpeningWay.BROWSER: "h5", OpeningWay.SCREEN: "native"}
_CONTRIBUTIONS = (
    ("wechatpay_contribute", "wallet"),
    ("merchant_contribute", "merchant"),
    ("other_contribute", "other"),
)


def open_payment(client: Client, order: OrderToOpen, *, budget: Budget) -> Opening:
    """Place the order and prepare what the payer's phone does next. Raises WalletError.

    The same order may be placed again, with the same values and in the same way: anything else WeChat Pay answers with
    OUT_TRADE_NO_USED (partner docs 4013334850).
    """
    fields = _fields(client, order)

    def read(answer: Mapping[str, Any]) -> Opening:
        match order.way:
            case OpeningWay.BROWSER:
                return Opening(OpeningKind.REDIRECT, url=_h5_url(text_at(answer, "h5_url"), order.return_url))
            case OpeningWay.SCREEN:
                return Opening(OpeningKind.CODE, url=text_at(answer, "code_url"))
            case OpeningWay.IN_APP:
                return Opening(OpeningKind.BRIDGE, bridge=_bridge(client, text_at(answer, "prepay_id")))

    return client.post(Call.PAY, f"{_ORDERS}/{_WAYS[order.way]}", fields, budget=budget, read=read)


def ask_payment(client: Client, contract: Contract, order_no: str, *, budget: Budget) -> PaymentAnswer:
    """Ask what became of an order. An order WeChat Pay does not know is unpaid."""
    found = _found(client, contract, order_no, budget=budget)
    return found or PaymentAnswer(Acquirer.WECHAT, order_no, PaymentState.UNPAID, contract.sub_merchant_no)


def ask_transaction(client: Client, contract: Contract, transaction_id: str, *, budget: Budget) -> PaymentAnswer:
    """Ask for a payment by WeChat Pay's own number. Raises WalletRefused(`ORDER_NOT_EXIST`) where it knows none."""
    collector, provider = collector_of(contract, client.settings), client.settings.sp_mchid

    def read(answer: Mapping[str, Any]) -> PaymentAnswer:
        found = payment_in(answer)
        if (found.transaction_id, found.sub_merchant_no, answer.get("sp_mchid")) != (
            transaction_id,
            collector,
            provider,
        ):
            raise WalletUnknown("ANSWER_OF_ANOTHER_ORDER", transaction_id)
        return found

    query = {"sp_mchid": provider, "sub_mchid": collector}
    return client.get(Call.ASK, f"{_ORDERS}/id/{in_path(transaction_id)}", query, budget=budget, read=read)


def close_payment(client: Client, contract: Contract, order_no: str, *, budget: Budget) -> None:
    """Close an unpaid order. Closing what is closed or was never placed succeeds.

    WeChat Pay refuses a paid and an unknown order with the same code, so after a refusal it is asked.
    """
    fields = {"sp_mchid": client.settings.sp_mchid, "sub_mchid": collector_of(contract, client.settings)}
    path = f"{_ORDERS}/out-trade-no/{in_path(order_no)}/close"
    try:
        client.post(Call.CLOSE, path, fields, budget=budget, read=nothing)
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
        trade_type=optional_text_at(message, "trade_type"),
        bank_type=optional_text_at(message, "bank_type"),
    )


def _fields(client: Client, order: OrderToOpen) -> dict[str, Any]:
    """The order in WeChat Pay's words.

    The payer's address is sent where it is demanded (H5) and nowhere else: it is personal, and it may change between
    two taps, which WeChat Pay would answer with "parameters differ".
    """
    settings = client.settings
    if order.way is OpeningWay.IN_APP and order.payer_id is None:
        raise WalletRefused("PAYER_ID_MISSING", "JSAPI needs the payer's openid")
    return {
        "sp_appid": settings.sp_appid,
        "sp_mchid": settings.sp_mchid,
        "sub_mchid": collector_of(order.contract, settings),
        "description": acceptable_text(order.description, characters=127) or order.order_no,
        "out_trade_no": order.order_no,
        "time_expire": rfc3339(order.expires_at),
        "notify_url": plain_address(order.notify_url),
        "amount": {"total": order.amount, "currency": "CNY"},
        "payer": {"sp_openid": order.payer_id} if order.way is OpeningWay.IN_APP else None,
        "scene_info": (
            {"payer_client_ip": order.payer_ip, "h5_info": {"type": "Wap"}} if order.way is OpeningWay.BROWSER else None
        ),
    }


def _h5_url(url: str, return_url: str | None) -> str:
    """The cashier's page, lengthened by the one name that may be added to it (partner docs 4012085683)."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UnreadableMessage("h5_url")
    if return_url is None:
        return url
    return f"{url}{'&' if parts.query else '?'}redirect_url={quote(return_url, safe='')}"


def _found(client: Client, contract: Contract, order_no: str, *, budget: Budget) -> PaymentAnswer | None:
    collector, provider = collector_of(contract, client.settings), client.settings.sp_mchid

    def read(answer: Mapping[str, Any]) -> PaymentAnswer:
        found = payment_in(answer)
        if (found.order_no, found.sub_merchant_no, answer.get("sp_mchid")) != (order_no, collector, provider):
            raise WalletUnknown("ANSWER_OF_ANOTHER_ORDER", order_no)
        return found

    path, query = f"{_ORDERS}/out-trade-no/{in_path(order_no)}", {"sp_mchid": provider, "sub_mchid": collector}
    try:
        return client.get(Call.ASK, path, query, budget=budget, read=read)
    except WalletRefused as error:
        if error.code != words.NO_SUCH_ORDER:
            raise
        return None


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
    """One line per coupon and giver of it (partner docs 4012739008).

    What of a coupon nobody is named for was given by somebody else; a coupon whose givers gave more than it is worth
    makes no sense. Raises UnreadableMessage.
    """
    found = []
    listed = message.get("promotion_detail") or []
    if not isinstance(listed, list):
        raise UnreadableMessage("promotion_detail")
    for coupon in listed:
        if not isinstance(coupon, Mapping):
            raise UnreadableMessage("promotion_detail")
        number, name = text_at(coupon, "coupon_id"), optional_text_at(coupon, "name") or ""
        shares = {paid_by: optional_whole_at(coupon, field) or 0 for field, paid_by in _CONTRIBUTIONS}
        amount = whole_at(coupon, "amount") if not any(shares.values()) else optional_whole_at(coupon, "amount")
        shares["other"] += 0 if amount is None else amount - sum(shares.values())
        if shares["other"] < 0:
            raise UnreadableMessage("promotion_detail")
        found += [Promotion(number, name, share, paid_by) for paid_by, share in shares.items() if share]
    return found
