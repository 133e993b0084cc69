"""One signed and sealed request to JD Pay V2.0 and its opened answer.

An answer is believed when its inner text, untouched, carries JD's signature. What stands outside the seal is believed
only where it says no to something that was not placed thereby. Sources: as in `crypto.py`.
"""

from collections.abc import Mapping

from portal.wallets.errors import WalletUnavailable, WalletUnknown
from portal.wallets.jdpay.crypto import BadKey
from portal.wallets.jdpay.settings import Gateway, JdSettings
from portal.wallets.jdpay.v2 import crypto, words
from portal.wallets.jdpay.v2.keys import V2Keys
from portal.wallets.jdpay.v2.words import Call
from portal.wallets.jdpay.v2.xml import PROLOG, Element, document, read_document
from portal.wallets.transport import Answer, Budget, Transport
from portal.wallets.wire import UnreadableMessage

_CLOSING_TAG = "</jdpay>"


class V2Client:
    """Talks to `paygate` under the keys of the merchant whose contract it is."""

    def __init__(self, settings: JdSettings, transport: Transport) -> None:
        self.settings = settings
        self._transport = transport

    def ask(self, call: Call, keys: V2Keys, fields: Mapping[str, str], *, budget: Budget) -> Element:
        """Send the fields; returns the opened answer, `result` 000000. Raises WalletError."""
        try:
            body = sealed_message(keys, fields)
        except BadKey as error:
            raise WalletUnavailable("KEYS_UNUSABLE", keys.merchant_no) from error
        answer = self._transport.send(
            f"jd v2 {call.name.lower()}",
            "POST",
            self.settings.v2_gateways[Gateway.PAYGATE] + call.value,
            budget=budget,
            headers={"Accept": "application/xml", "Content-Type": "application/xml; charset=UTF-8"},
            body=body.encode(),
        )
        if answer.status != 200:
            raise words.error_for_status(call, answer.status)(f"HTTP_{answer.status}")
        return _told(call, answer, keys)


def sealed_message(keys: V2Keys, fields: Mapping[str, str]) -> str:
    """The fields as JD wants them: written, signed, sealed, and put into the outer message. Raises BadKey."""
    filled = [(name, value) for name, value in fields.items() if value]
    plain = document([("version", words.VERSION), ("merchant", keys.merchant_no), *filled])
    signature = crypto.sign(plain.encode(), keys.private_key)
    signed = plain.removesuffix(_CLOSING_TAG) + f"<sign>{signature}</sign>{_CLOSING_TAG}"
    encrypt = crypto.seal(signed.encode(), keys.des_key)
    outer = f"<version>{words.VERSION}</version><merchant>{keys.merchant_no}</merchant><encrypt>{encrypt}</encrypt>"
    return f"{PROLOG}<jdpay>{outer}{_CLOSING_TAG}"


def opened_message(outer: Element, keys: V2Keys) -> Element:
    """The inner message of an answer or a notice, its signature proved. Raises UnreadableMessage, BadKey."""
    plain = crypto.opened(outer.text("encrypt"), keys.des_key)
    inner = read_document(plain)
    signature = inner.text("sign")
    # Taken out of the text as it came: JD's own prolog has a blank that no writer would put there again.
    element = f"<sign>{signature}</sign>".encode()
    if plain.count(element) != 1 or not crypto.signed_by(plain.replace(element, b""), signature, keys.jd_public_key):
        raise UnreadableMessage("sign")
    if inner.optional_text("merchant") not in (None, keys.merchant_no):
        raise UnreadableMessage("merchant")
    return inner


def _told(call: Call, answer: Answer, keys: V2Keys) -> Element:
    try:
        outer = read_document(answer.body)
        code = outer.text("result", "code")
        if outer.optional_text("merchant") not in (None, keys.merchant_no):
            raise UnreadableMessage("merchant")
        if outer.optional_text("encrypt") is None:
            if code == words.HANDLED:
                raise UnreadableMessage("nothing under seal")
            raise words.error_for_refusal(call, sealed=False)(code, outer.optional_text("result", "desc") or "")
        inner = opened_message(outer, keys)
        # Some answers repeat their result under the seal; where one does, that is the one to go by.
        told = inner if inner.child("result") is not None else outer
        code = told.text("result", "code")
        if code != words.HANDLED:
            raise words.error_for_refusal(call, sealed=told is inner)(code, told.optional_text("result", "desc") or "")
    except UnreadableMessage as error:
        raise WalletUnknown("ANSWER_UNREADABLE", str(error)) from error
    except BadKey as error:
        raise WalletUnknown("KEYS_UNUSABLE", keys.merchant_no) from error
    return inner
