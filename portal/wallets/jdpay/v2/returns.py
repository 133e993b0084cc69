"""What the payer's browser brings back from JD's cashier. It is worth a question to JD and nothing more."""

from collections.abc import Mapping

from portal.wallets.errors import WalletUnavailable, WalletUnknown
from portal.wallets.jdpay.crypto import BadKey
from portal.wallets.jdpay.v2 import crypto, words
from portal.wallets.jdpay.v2.keys import V2Keys
from portal.wallets.port import BrowserReturn
from portal.wallets.wire import UnreadableMessage


def read_return(keys: V2Keys, fields: Mapping[str, str]) -> BrowserReturn:
    """The order a browser came back from, JD's signature proved. Here `status` 0 means paid, unlike in a notice.

    Raises WalletUnknown for fields that JD did not sign: then there is no reason to ask.
    """
    try:
        plain = crypto.opened_form(fields, public_key=keys.jd_public_key, des_key=keys.des_key)
    except UnreadableMessage as error:
        raise WalletUnknown("RETURN_NOT_SIGNED", str(error)) from error
    except BadKey as error:
        raise WalletUnavailable("KEYS_UNUSABLE", keys.merchant_no) from error
    order_no = plain.get("tradeNum")
    if not order_no or plain.get("merchant", keys.merchant_no) != keys.merchant_no:
        raise WalletUnknown("RETURN_NOT_SIGNED", "tradeNum")
    return BrowserReturn(order_no, says_paid=plain.get("status", "") in words.RETURN_STATES)
