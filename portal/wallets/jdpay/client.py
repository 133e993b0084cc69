"""One sealed request to JD and its opened answer, for aggregate pay and for the onboarding host."""

from collections.abc import Mapping, Sequence
from typing import Any

from portal.wallets.errors import WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.jdpay import crypto
from portal.wallets.jdpay.settings import JdSettings
from portal.wallets.jdpay.words import DONE, Call, error_for_refusal, error_for_status
from portal.wallets.multipart import Part, form_data
from portal.wallets.port import Contract
from portal.wallets.transport import Answer, Budget, Transport
from portal.wallets.wire import UnreadableMessage, read_object, write_object

BUSINESS_CODE = "AGGRE"


class Client:
    """Every call is sealed with the keys of the sub-merchant it is for; the agent's own key opens only onboarding."""

    def __init__(self, settings: JdSettings, transport: Transport) -> None:
        self.settings = settings
        self._transport = transport

    def ask(self, call: Call, contract: Contract, fields: Mapping[str, Any], *, budget: Budget) -> dict[str, Any]:
        """Send the fields in a sealed envelope; returns the opened answer (values are text). Raises WalletError."""
        merchant_no = collector_of(contract, self.settings)
        des_key, md5_key = _keys_of(contract)
        plain = {
            "merchantNo": merchant_no,
            "businessCode": BUSINESS_CODE,
            "version": self.settings.version,
            **{name: value for name, value in fields.items() if value not in (None, "")},
        }
        try:
            body = write_object(
                {
                    "merchantNo": merchant_no,
                    "systemId": self.settings.system_id,
                    "cipherJson": crypto.seal(plain, des_key),
                    "sign": crypto.sign(plain, md5_key),
                }
            )
        except crypto.BadKey as error:
            raise WalletUnavailable("KEYS_UNUSABLE", merchant_no) from error
        gateway = self.settings.payx_gateway if call is Call.SCAN else self.settings.gateway
        answer = self._send(call, gateway, body, "application/json; charset=UTF-8", budget)
        return _opened(call, answer, merchant_no, des_key, md5_key)

    def onboard(
        self,
        call: Call,
        entity: Mapping[str, str],
        *,
        signed: Sequence[str],
        pictures: Sequence[Part] = (),
        budget: Budget,
    ) -> dict[str, Any]:
        """Send an onboarding form; returns the answer's JSON, which JD neither seals nor signs. Raises WalletError.

        `signed` names the fields whose bare values are hashed into `sign`; no key goes in there. Empty fields are left
        out.
        """
        filled = {name: value for name, value in entity.items() if value}
        filled["sign"] = crypto.md5("".join(filled.get(name, "") for name in signed))
        try:
            sealed = crypto.seal_with_length(write_object(filled), self.settings.agent_des_key)
        except crypto.BadKey as error:
            raise WalletUnavailable("KEYS_UNUSABLE", "agent") from error
        parts = [Part("agentNo", self.settings.agent_no.encode()), Part("entity", sealed.encode()), *pictures]
        body, media_type = form_data(parts)
        answer = self._send(call, self.settings.psi_gateway, body, media_type, budget)
        try:
            told = read_object(answer.body)
        except UnreadableMessage as error:
            raise WalletUnknown("ANSWER_UNREADABLE", str(error)) from error
        if told.get("code") != DONE:
            raise error_for_refusal(call, sealed=False)(f"PSI_{told.get('code')}", str(told.get("message") or ""))
        return told

    def _send(self, call: Call, gateway: str, body: bytes, media_type: str, budget: Budget) -> Answer:
        headers = {"Accept": "application/json", "Content-Type": media_type}
        answer = self._transport.send(
            f"jd {call.name.lower()}", "POST", gateway + call, budget=budget, headers=headers, body=body
        )
        if answer.status != 200:
            raise error_for_status(call, answer.status)(f"HTTP_{answer.status}")
        return answer


def collector_of(contract: Contract, settings: JdSettings) -> str:
    """The sub-merchant who collects. Raises WalletRefused when that would be the agent itself."""
    if not contract.sub_merchant_no or contract.sub_merchant_no == settings.agent_no:
        raise WalletRefused("COLLECTOR_IS_PROVIDER", "only a sub-merchant may collect")
    return contract.sub_merchant_no


def open_sealed(outer: Mapping[str, Any], merchant_no: str, des_key: str, md5_key: str) -> dict[str, Any]:
    """The fields of an envelope for `merchant_no`, its signature proved. Raises UnreadableMessage."""
    cipher_json = outer.get("cipherJson")
    if not isinstance(cipher_json, str):
        raise UnreadableMessage("cipherJson")
    fields = crypto.opened(cipher_json, des_key)
    if not crypto.signed_by(fields, md5_key, outer.get("sign")):
        raise UnreadableMessage("sign")
    if fields.get("merchantNo", merchant_no) != merchant_no:
        raise UnreadableMessage("merchantNo")
    return fields


def _opened(call: Call, answer: Answer, merchant_no: str, des_key: str, md5_key: str) -> dict[str, Any]:
    try:
        outer = read_object(answer.body)
        if outer.get("success") is not True:
            raise error_for_refusal(call, sealed=False)(
                str(outer.get("errCode") or "NO_CODE"), str(outer.get("errCodeDes") or "")
            )
        fields = open_sealed(outer, merchant_no, des_key, md5_key)
    except UnreadableMessage as error:
        raise WalletUnknown("ANSWER_UNREADABLE", str(error)) from error
    if fields.get("resultCode") != "SUCCESS":
        raise error_for_refusal(call, sealed=True)(
            str(fields.get("errCode") or "NO_CODE"), str(fields.get("errCodeDes") or "")
        )
    return fields


def _keys_of(contract: Contract) -> tuple[str, str]:
    """The sub-merchant's own keys. Without them nothing can be sent (yet)."""
    des_key, md5_key = contract.keys.get("des_key"), contract.keys.get("md5_key")
    if not des_key or not md5_key:
        raise WalletUnavailable("KEYS_MISSING", contract.sub_merchant_no)
    return des_key, md5_key
