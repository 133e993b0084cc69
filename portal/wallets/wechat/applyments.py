"""Applications (特约商户进件) of individual businesses. Sources: partner docs 4012719997, 4012697052, 4012697168."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from portal.wallets.applications import ApplicationAnswer, ApplicationState, ApplicationToSend, Document
from portal.wallets.errors import WalletRefused, WalletUnknown
from portal.wallets.transport import Budget
from portal.wallets.wechat import signing, words
from portal.wallets.wechat.client import Client, in_path
from portal.wallets.wechat.media import upload
from portal.wallets.wechat.words import Call
from portal.wallets.wire import UnreadableMessage, acceptable_text, optional_text_at, text_at, whole_at

_APPLYMENTS = "/v3/applyment4sub/applyment"
_NO_END = "长期"
_DOCUMENTS = (Document.LICENCE, Document.ID_FRONT, Document.ID_BACK, Document.STOREFRONT, Document.INTERIOR)


def apply(client: Client, application: ApplicationToSend, *, budget: Budget) -> ApplicationAnswer:
    """Upload the pictures, then send the application. A rejected one is sent again under the same number."""
    if not re.fullmatch(r"[0-9A-Za-z_]{1,124}", application.reference):
        raise WalletRefused("BUSINESS_CODE", "letters, digits and _ only")
    media: dict[str, str] = {
        str(name): upload(client, application.pictures[name], budget=budget)
        for name in _DOCUMENTS
        if name in application.pictures
    }
    fields = _fields(client, application, media)
    try:
        number = client.post(
            Call.APPLY,
            f"{_APPLYMENTS}/",
            fields,
            budget=budget,
            read=lambda answer: str(whole_at(answer, "applyment_id")),
        )
    except WalletRefused as error:
        if error.code != words.APPLICATION_UNDER_WAY:
            raise
        return application_status(client, application, budget=budget)
    return ApplicationAnswer(ApplicationState.AUDITING, progress={"applyment_id": number})


def application_status(client: Client, application: ApplicationToSend, *, budget: Budget) -> ApplicationAnswer:
    """How the application stands; `not_sent` when WeChat Pay has never heard of it.

    Asked by our own number, which is known even when the answer to `apply` was lost; then by WeChat Pay's.
    """

    def read(answer: Mapping[str, Any]) -> ApplicationAnswer:
        found = _answer_in(answer)
        if answer.get("business_code") != application.reference or found.sub_merchant_no == client.settings.sp_mchid:
            raise WalletUnknown("ANSWER_OF_ANOTHER_APPLICATION", application.reference)
        return found

    paths = [f"{_APPLYMENTS}/business_code/{in_path(application.reference)}"]
    if number := application.progress.get("applyment_id"):
        paths.append(f"{_APPLYMENTS}/applyment_id/{in_path(number)}")
    for path in paths:
        try:
            return client.get(Call.ASK_APPLICATION, path, {}, budget=budget, read=read)
        except WalletRefused as error:
            if error.code not in words.NO_SUCH_APPLICATION:
                raise
    return ApplicationAnswer(ApplicationState.NOT_SENT)


def _answer_in(message: Mapping[str, Any]) -> ApplicationAnswer:
    state = words.APPLICATION_STATES.get(text_at(message, "applyment_state"))
    if state is None:
        raise UnreadableMessage(f"applyment_state {message.get('applyment_state')}")
    finished = state is ApplicationState.FINISHED
    return ApplicationAnswer(
        state=state,
        sub_merchant_no=text_at(message, "sub_mchid") if finished else None,
        progress={"applyment_id": str(whole_at(message, "applyment_id"))},
        sign_url=optional_text_at(message, "sign_url"),
        reasons=_reasons(message) if state is ApplicationState.REJECTED else (),
    )


def _reasons(message: Mapping[str, Any]) -> tuple[str, ...]:
    """WeChat Pay's own sentences, each with the field it is about."""
    details = message.get("audit_detail") or []
    if not isinstance(details, list) or not all(isinstance(detail, Mapping) for detail in details):
        raise UnreadableMessage("audit_detail")
    found = [
        f"{optional_text_at(detail, 'field_name') or ''}: {optional_text_at(detail, 'reject_reason') or ''}".strip(": ")
        for detail in details
    ]
    if found:
        return tuple(found)
    said = optional_text_at(message, "applyment_state_msg")
    return (said,) if said else ()


def _fields(client: Client, application: ApplicationToSend, media: Mapping[str, str]) -> dict[str, Any]:
    key = client.settings.keys[client.settings.key_id]

    def sealed(text: str) -> str:
        return signing.seal_field(key, text)

    return {
        "business_code": application.reference,
        "contact_info": {
            "contact_type": "LEGAL",
            "contact_name": sealed(application.legal_person),
            "mobile_phone": sealed(application.mobile.removeprefix("+86")),
            "contact_email": sealed(application.email),
        },
        "subject_info": _subject(application, media, sealed),
        "business_info": _business(application, media),
        "settlement_info": _settlement(client, application),
        "bank_account_info": {
            "bank_account_type": (
                "BANK_ACCOUNT_TYPE_PERSONAL"
                if application.bank_account_name == application.legal_person
                else "BANK_ACCOUNT_TYPE_CORPORATE"
            ),
            "account_name": sealed(application.bank_account_name),
            "account_bank": application.bank_name,
            "account_number": sealed(application.bank_account_number),
        },
    }


def _subject(application: ApplicationToSend, media: Mapping[str, str], sealed: Callable[[str], str]) -> dict[str, Any]:
    until = application.id_valid_until
    return {
        "subject_type": "SUBJECT_TYPE_INDIVIDUAL",
        "business_license_info": {
            "license_copy": media.get(Document.LICENCE),
            "license_number": application.licence_number,
            "merchant_name": application.licence_name,
            "legal_person": application.legal_person,
            "license_address": application.licence_address or None,
        },
        "identity_info": {
            "id_holder_type": "LEGAL",
            "id_doc_type": "IDENTIFICATION_TYPE_IDCARD",
            "id_card_info": {
                "id_card_copy": media.get(Document.ID_FRONT),
                "id_card_national": media.get(Document.ID_BACK),
                "id_card_name": sealed(application.legal_person),
                "id_card_number": sealed(application.id_number),
                "card_period_begin": application.id_valid_from.isoformat(),
                "card_period_end": until.isoformat() if until else _NO_END,
            },
        },
    }


def _business(application: ApplicationToSend, media: Mapping[str, str]) -> dict[str, Any]:
    storefront, interior = media.get(Document.STOREFRONT), media.get(Document.INTERIOR)
    name = acceptable_text(application.shop_name, characters=64)
    return {
        "merchant_shortname": name,
        "service_phone": application.mobile.removeprefix("+86"),
        "sales_info": {
            "sales_scenes_type": ["SALES_SCENES_STORE"],
            "biz_store_info": {
                "biz_store_name": name,
                "biz_address_code": application.region_code,
                "biz_store_address": acceptable_text(application.store_address, characters=128),
                "store_entrance_pic": [storefront] if storefront else None,
                "indoor_pic": [interior] if interior else None,
            },
        },
    }


def _settlement(client: Client, application: ApplicationToSend) -> dict[str, Any]:
    """The ordinary rule, or the provider's campaign with the rate that was agreed with the merchant."""
    rate = None
    if client.settings.activities_id:
        rate = str((Decimal(application.fee_rate_bp) / 100).quantize(Decimal("0.01")))
    return {
        "settlement_id": client.settings.settlement_id,
        "qualification_type": client.settings.qualification_type,
        "activities_id": client.settings.activities_id,
        "debit_activities_rate": rate,
        "credit_activities_rate": rate,
    }
