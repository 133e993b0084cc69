"""Forms that the payer's browser posts to JD's cashier: saveOrder (H5 and desktop) and customerPay (inside JD's apps).

The merchant signs them, JD answers them with its own pages, and sends the browser back to `callbackUrl`. Sources: JD's
own demo, Javen205/IJPay, essensoft/paylink.
"""

from datetime import datetime

from portal.wallets.errors import WalletRefused, WalletUnavailable
from portal.wallets.jdpay.crypto import BadKey
from portal.wallets.jdpay.settings import Gateway, JdSettings
from portal.wallets.jdpay.v2 import crypto, words
from portal.wallets.jdpay.v2.keys import V2Keys
from portal.wallets.port import Opening, OpeningKind, OrderToOpen
from portal.wallets.wire import acceptable_text, digits_of

_NAME_CHARACTERS = 60


def save_order(settings: JdSettings, keys: V2Keys, order: OrderToOpen, *, desktop: bool) -> Opening:
    """The H5 cashier, or with `desktop` the one for large screens. Raises WalletError; nothing is sent."""
    gateway = settings.v2_gateways[Gateway.WEPAY if desktop else Gateway.H5PAY]
    fields = {**order_fields(order), "userId": order.payer_id or order.order_no}
    return _form(f"{gateway}/jdpay/saveOrder", keys, order, fields)


def customer_pay(settings: JdSettings, keys: V2Keys, order: OrderToOpen) -> Opening:
    """The payer is inside a JD app, before the merchant's own page; the order fixes the amount. Raises WalletError."""
    gateway = settings.v2_gateways[Gateway.H5PAY]
    fields = {**order_fields(order), "tradeType": words.FIXED_AMOUNT}
    return _form(f"{gateway}/jdpay/customerPay", keys, order, fields)


def order_fields(order: OrderToOpen) -> dict[str, str]:
    """What uniorder, saveOrder and customerPay have in common. Amount in fen, `expireTime` in seconds."""
    if order.amount <= 0:
        raise WalletRefused("AMOUNT", str(order.amount))
    fields = {
        "tradeNum": order.order_no,
        "tradeName": acceptable_text(order.description, characters=_NAME_CHARACTERS) or order.order_no,
        "tradeTime": digits_of(order.created_at),
        "amount": str(order.amount),
        "orderType": "0",
        "currency": "CNY",
        "notifyUrl": order.notify_url,
        "ip": order.payer_ip,
        "expireTime": str(_seconds(order.created_at, order.expires_at)),
    }
    if order.return_url:
        fields["callbackUrl"] = order.return_url
    return fields


def _form(url: str, keys: V2Keys, order: OrderToOpen, fields: dict[str, str]) -> Opening:
    if not order.return_url:
        raise WalletRefused("RETURN_URL_MISSING", order.order_no)
    try:
        sealed = crypto.sealed_form(
            {"version": words.VERSION, "merchant": keys.merchant_no, **fields},
            private_key=keys.private_key,
            des_key=keys.des_key,
        )
    except BadKey as error:
        raise WalletUnavailable("KEYS_UNUSABLE", keys.merchant_no) from error
    return Opening(OpeningKind.FORM, url=url, fields=sealed)


def _seconds(begins: datetime, ends: datetime) -> int:
    """How long JD keeps the order open. Counted from our order's own time, so that placing it again says the same."""
    return max(1, int((ends - begins).total_seconds()))
