"""Bringing an individual business to JD: enter, apply for aggregate pay, ask, fetch the keys.

Four calls of the onboarding host, walked through `progress`: `merchant_no` once JD has given a number, `applied` once
the product is asked for, `rejected` when JD's auditor said no to the merchant, `refused` when it said no to the product
alone, `round` counting the resubmissions of the merchant (`buildOrRepair` 1, a serial number of their own). Source: the
public implementer 0-return/WYS-PAY-PLAT (2018); JD publishes no description. UNCONFIRMED: how a correction names its
merchant (here as there, by its licence), and which numbers besides 2, 3 and 4 a status may be.
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from portal.wallets.applications import ApplicationAnswer, ApplicationState, ApplicationToSend, Document
from portal.wallets.errors import WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.jdpay import words
from portal.wallets.jdpay.client import Client
from portal.wallets.jdpay.words import Call
from portal.wallets.multipart import Part, plain_filename
from portal.wallets.transport import Budget
from portal.wallets.wire import UnreadableMessage, acceptable_text, text_at

_SIGNED_WHEN_ENTERING = ("serialNo", "lepCardNo", "bankAccountNo", "settleCardPhone")
_SIGNED_WHEN_APPLYING = ("serialNo", "agentNo", "merchantNo", "productId", "payToolId")
_SIGNED_WHEN_ASKING = ("serialNo", "merchantNo")
_PICTURES = {
    Document.LICENCE: "blicUrla",
    Document.ID_FRONT: "lepUrla",
    Document.ID_BACK: "lepUrlb",
    Document.STOREFRONT: "img",
    Document.INTERIOR: "innerimg",
    Document.BANK_CARD: "cardPhoto",
}
_NO_END = "长期"


def apply(client: Client, application: ApplicationToSend, *, budget: Budget) -> ApplicationAnswer:
    """Take the steps that are still open. What JD has answered so far is never lost: it is in `progress`."""
    progress = dict(application.progress)
    # A refused product is asked for again; the merchant himself stands and has nothing to correct.
    progress.pop("refused", None)
    if progress.pop("rejected", None):
        progress = {"round": str(int(progress.get("round", "0")) + 1)}
    if "merchant_no" not in progress:
        progress["merchant_no"] = _entered(client, application, progress, budget)
    if "applied" in progress:
        return application_status(client, _with(application, progress), budget=budget)
    return _applied(client, application, progress, budget)


def application_status(client: Client, application: ApplicationToSend, *, budget: Budget) -> ApplicationAnswer:
    """How the application stands. A step that is still open is taken."""
    progress = dict(application.progress)
    if "merchant_no" not in progress:
        return ApplicationAnswer(ApplicationState.NOT_SENT, progress=progress)
    if "rejected" in progress or "refused" in progress:
        return ApplicationAnswer(ApplicationState.REJECTED, progress=progress)
    if "applied" not in progress:
        return _applied(client, application, progress, budget)
    told = client.onboard(Call.ASK_APPLICATION, _question(progress), signed=_SIGNED_WHEN_ASKING, budget=budget)
    state, message = _state_in(told, client.settings.product_id)
    if state is ApplicationState.REJECTED:
        return ApplicationAnswer(state, progress={**progress, "rejected": "1"}, reasons=(message,) if message else ())
    if state is not ApplicationState.FINISHED:
        return ApplicationAnswer(state, progress=progress)
    return _finished(client, progress, budget)


def _entered(client: Client, application: ApplicationToSend, progress: Mapping[str, str], budget: Budget) -> str:
    """The merchant number. The serial number stays the same on every retry, so JD answers with the same number."""
    again = progress.get("round", "0")
    entity = _entity(client, application, again)
    pictures = [
        Part(
            part_name,
            application.pictures[document].content,
            media_type=application.pictures[document].media_type,
            filename=plain_filename(application.pictures[document].filename),
        )
        for document, part_name in _PICTURES.items()
        if document in application.pictures
    ]
    told = client.onboard(Call.ENTER, entity, signed=_SIGNED_WHEN_ENTERING, pictures=pictures, budget=budget)
    try:
        merchant_no = text_at(told, "merchantNo")
    except UnreadableMessage as error:
        raise WalletUnknown("ANSWER_UNREADABLE", str(error)) from error
    if merchant_no == client.settings.agent_no:
        raise WalletRefused("COLLECTOR_IS_PROVIDER", "JD answered with the agent's own number")
    return merchant_no


def _applied(
    client: Client, application: ApplicationToSend, progress: Mapping[str, str], budget: Budget
) -> ApplicationAnswer:
    """Ask for aggregate pay at the agreed rate. Fails softly: the merchant number must reach the database."""
    entity = {
        "serialNo": f"{_serial(application, progress.get('round', '0'))}A",
        "agentNo": client.settings.agent_no,
        "merchantNo": progress["merchant_no"],
        "productId": client.settings.product_id,
        "payToolId": client.settings.pay_tool_id,
        "mfeeType": "2",
        "mfee": str((Decimal(application.fee_rate_bp) / 100).quantize(Decimal("0.01"))),
    }
    try:
        client.onboard(Call.APPLY, entity, signed=_SIGNED_WHEN_APPLYING, budget=budget)
    except (WalletUnavailable, WalletUnknown):
        return ApplicationAnswer(ApplicationState.SENDING, progress=progress)
    except WalletRefused as error:
        return ApplicationAnswer(
            ApplicationState.REJECTED, progress={**progress, "refused": "1"}, reasons=(error.message or error.code,)
        )
    return ApplicationAnswer(ApplicationState.AUDITING, progress={**progress, "applied": "1"})


def _finished(client: Client, progress: Mapping[str, str], budget: Budget) -> ApplicationAnswer:
    told = client.onboard(Call.ASK_KEYS, _question(progress), signed=_SIGNED_WHEN_ASKING, budget=budget)
    try:
        keys = {"des_key": text_at(told, "data", "desKey"), "md5_key": text_at(told, "data", "mdKey")}
    except UnreadableMessage as error:
        raise WalletUnknown("ANSWER_UNREADABLE", str(error)) from error
    return ApplicationAnswer(
        ApplicationState.FINISHED, sub_merchant_no=progress["merchant_no"], keys=keys, progress=progress
    )


def _state_in(told: Mapping[str, Any], product_id: str) -> tuple[ApplicationState, str]:
    """The state of our product, and what JD says about it. `dataList` has a line for each product applied for."""
    lines = told.get("dataList") or []
    if not isinstance(lines, list) or not all(isinstance(line, Mapping) for line in lines):
        raise WalletUnknown("ANSWER_UNREADABLE", "dataList")
    # The public implementer reads the first line; where lines name their products, ours is the one that counts.
    ours = [line for line in lines if str(line.get("productId", product_id)) == product_id]
    if not ours:
        return ApplicationState.AUDITING, ""
    state = words.APPLICATION_STATES.get(str(ours[0].get("status")), ApplicationState.AUDITING)
    return state, str(ours[0].get("statusMsg") or "")


def _question(progress: Mapping[str, str]) -> dict[str, str]:
    return {"serialNo": secrets.token_hex(12), "merchantNo": progress["merchant_no"]}


def _serial(application: ApplicationToSend, again: str) -> str:
    return application.reference if again == "0" else f"{application.reference}N{again}"


def _with(application: ApplicationToSend, progress: Mapping[str, str]) -> ApplicationToSend:
    return replace(application, progress=progress)


def _entity(client: Client, application: ApplicationToSend, again: str) -> dict[str, str]:
    """The fields of enterSingle for companyType P (个体). What the application does not know yet is left out."""
    until = application.id_valid_until
    mobile = application.mobile.removeprefix("+86")
    return {
        "serialNo": _serial(application, again),
        "agentNo": client.settings.agent_no,
        "regEmail": application.email,
        "regPhone": mobile,
        "companyType": "P",
        "blicCardType": "USC",
        "blicCompanyName": application.licence_name,
        "blicUscc": application.licence_number,
        "blicAddress": application.licence_address,
        "lepCardType": "ID",
        "lepName": application.legal_person,
        "lepCardNo": application.id_number,
        "lepLongTerm": "false" if until else "true",
        "lepValidityStart": application.id_valid_from.isoformat(),
        "lepValidityEnd": until.isoformat() if until else _NO_END,
        "contactName": application.legal_person,
        "contactPhone": mobile,
        "contactEmail": application.email,
        "storeAddress": acceptable_text(application.store_address, characters=128),
        "priatePublic": _settles_to(application),
        "bankName": application.bank_name,
        "bankAccountNo": application.bank_account_number,
        "bankAccountName": application.bank_account_name,
        "abMerchantName": acceptable_text(application.shop_name, characters=64),
        "settleCardPhone": mobile,
        "ifPhyStore": "true",
        "settleToCard": "1",
        "buildOrRepair": "0" if again == "0" else "1",
    }


def _settles_to(application: ApplicationToSend) -> str:
    """1 the licence holder's account, 0 the legal person's own, 3 somebody else's."""
    if application.bank_account_name == application.legal_person:
        return "0"
    return "1" if application.bank_account_name == application.licence_name else "3"
