"""What an application of a sub-merchant may contain (partner docs 4012719997); how an opened field should look."""

import re

from sandbox.wechat.fields import Flag, Group, Many, Rule, Sealed, Text

MOBILE = re.compile(r"1[3-9]\d{9}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
NAME = re.compile(r"[^\d\s]([^\d]{0,126}[^\d\s])?")
CARD = re.compile(r"\d{8,30}")
ID_NUMBER = re.compile(r"[1-9]\d{5}(18|19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}[\dX]")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def is_id_number(text: str) -> bool:
    """A resident identity number with its check character (GB 11643)."""
    if not ID_NUMBER.fullmatch(text):
        return False
    rest = sum(int(digit) * weight for digit, weight in zip(text, _ID_WEIGHTS, strict=False)) % 11
    return text[17] == "10X98765432"[rest]


def is_mobile(text: str) -> bool:
    """A mobile number of mainland China."""
    return bool(MOBILE.fullmatch(text))


def is_name(text: str) -> bool:
    """A person's or a firm's name."""
    return 2 <= len(text) <= 128 and bool(NAME.fullmatch(text))


def _is_email(text: str) -> bool:
    return bool(EMAIL.fullmatch(text))


def _is_card(text: str) -> bool:
    return bool(CARD.fullmatch(text))


def _is_account_name(text: str) -> bool:
    return 2 <= len(text) <= 128


def _is_document(text: str) -> bool:
    return 5 <= len(text) <= 30


_MEDIA = Text(1024)
_MEDIA_R = Text(1024, required=True)
_DAY = Text(10, pattern=r"\d{4}-\d{2}-\d{2}|长期")
_DAY_R = Text(10, required=True, pattern=r"\d{4}-\d{2}-\d{2}|长期")
_HOLDER = ("LEGAL", "SUPER")
_DOCUMENTS = tuple(
    "IDENTIFICATION_TYPE_" + kind
    for kind in (
        "IDCARD",
        "OVERSEA_PASSPORT",
        "HONGKONG_PASSPORT",
        "MACAO_PASSPORT",
        "TAIWAN_PASSPORT",
        "FOREIGN_RESIDENT",
        "HONGKONG_MACAO_RESIDENT",
        "TAIWAN_RESIDENT",
    )
)
_SUBJECTS = tuple(
    "SUBJECT_TYPE_" + kind for kind in ("INDIVIDUAL", "ENTERPRISE", "GOVERNMENT", "INSTITUTIONS", "OTHERS")
)
_SCENES = tuple("SALES_SCENES_" + kind for kind in ("STORE", "MP", "MINI_PROGRAM", "WEB", "APP", "WEWORK"))

_CONTACT = Group(
    {
        "contact_type": Text(16, required=True, one_of=_HOLDER),
        "contact_name": Sealed(required=True, plausible=is_name),
        "contact_id_doc_type": Text(64, one_of=_DOCUMENTS),
        "contact_id_number": Sealed(plausible=_is_document),
        "contact_id_doc_copy": _MEDIA,
        "contact_id_doc_copy_back": _MEDIA,
        "contact_period_begin": _DAY,
        "contact_period_end": _DAY,
        "business_authorization_letter": _MEDIA,
        "openid": Text(128),
        "mobile_phone": Sealed(required=True, plausible=is_mobile),
        "contact_email": Sealed(required=True, plausible=_is_email),
    },
    required=True,
)
_LICENSE = Group(
    {
        "license_copy": _MEDIA_R,
        "license_number": Text(18, required=True, pattern=r"\d{15}|[0-9A-HJ-NP-RTUW-Y]{18}"),
        "merchant_name": Text(128, required=True, least=2),
        "legal_person": Text(64, required=True, least=2),
        "license_address": Text(128),
        "period_begin": _DAY,
        "period_end": _DAY,
    }
)
_CERTIFICATE = Group(
    {
        "cert_copy": _MEDIA_R,
        "cert_type": Text(64, required=True, pattern=r"CERTIFICATE_TYPE_\d{4}"),
        "cert_number": Text(32, required=True),
        "merchant_name": Text(128, required=True),
        "company_address": Text(128, required=True),
        "legal_person": Text(64, required=True),
        "period_begin": _DAY_R,
        "period_end": _DAY_R,
    }
)
_ID_CARD = Group(
    {
        "id_card_copy": _MEDIA_R,
        "id_card_national": _MEDIA_R,
        "id_card_name": Sealed(required=True, plausible=is_name),
        "id_card_number": Sealed(required=True, plausible=is_id_number),
        "id_card_address": Sealed(),
        "card_period_begin": _DAY_R,
        "card_period_end": _DAY_R,
    }
)
_ID_DOC = Group(
    {
        "id_doc_copy": _MEDIA_R,
        "id_doc_copy_back": _MEDIA,
        "id_doc_name": Sealed(required=True, plausible=_is_account_name),
        "id_doc_number": Sealed(required=True, plausible=_is_document),
        "id_doc_address": Sealed(),
        "doc_period_begin": _DAY_R,
        "doc_period_end": _DAY_R,
    }
)
_OWNER = Group(
    {
        "ubo_id_doc_type": Text(64, required=True, one_of=_DOCUMENTS),
        "ubo_id_doc_copy": _MEDIA_R,
        "ubo_id_doc_copy_back": _MEDIA,
        "ubo_id_doc_name": Sealed(required=True, plausible=_is_account_name),
        "ubo_id_doc_number": Sealed(required=True, plausible=_is_document),
        "ubo_id_doc_address": Sealed(required=True),
        "ubo_period_begin": _DAY_R,
        "ubo_period_end": _DAY_R,
    }
)
_SUBJECT = Group(
    {
        "subject_type": Text(32, required=True, one_of=_SUBJECTS),
        "finance_institution": Flag(),
        "business_license_info": _LICENSE,
        "certificate_info": _CERTIFICATE,
        "certificate_letter_copy": _MEDIA,
        "finance_institution_info": Group(
            {"finance_type": Text(64, required=True), "finance_license_pics": Many(_MEDIA, required=True, most=5)}
        ),
        "identity_info": Group(
            {
                "id_holder_type": Text(16, one_of=_HOLDER),
                "id_doc_type": Text(64, one_of=_DOCUMENTS),
                "authorize_letter_copy": _MEDIA,
                "id_card_info": _ID_CARD,
                "id_doc_info": _ID_DOC,
                "owner": Flag(),
            },
            required=True,
        ),
        "ubo_info_list": Many(_OWNER, most=4),
    },
    required=True,
)
_SALES: dict[str, Rule] = {
    "sales_scenes_type": Many(Text(64, one_of=_SCENES), required=True, most=6),
    "biz_store_info": Group(
        {
            "biz_store_name": Text(128, required=True),
            "biz_address_code": Text(128, required=True, pattern=r"\d{6}"),
            "biz_store_address": Text(128, required=True),
            "store_entrance_pic": Many(_MEDIA, required=True, most=10),
            "indoor_pic": Many(_MEDIA, required=True, most=10),
            "biz_sub_appid": Text(32),
        }
    ),
    "mp_info": Group({"mp_appid": Text(32), "mp_sub_appid": Text(32), "mp_pics": Many(_MEDIA, required=True, most=5)}),
    "mini_program_info": Group(
        {
            "mini_program_appid": Text(32),
            "mini_program_sub_appid": Text(32),
            "mini_program_pics": Many(_MEDIA, most=5),
        }
    ),
    "web_info": Group({"domain": Text(1024, required=True), "web_authorisation": _MEDIA, "web_appid": Text(32)}),
    "app_info": Group(
        {"app_appid": Text(32), "app_sub_appid": Text(32), "app_pics": Many(_MEDIA, required=True, most=5)}
    ),
    "wework_info": Group({"sub_corp_id": Text(32, required=True), "wework_pics": Many(_MEDIA, required=True, most=5)}),
}
_BUSINESS = Group(
    {
        "merchant_shortname": Text(64, required=True),
        "service_phone": Text(20, required=True, least=5, pattern=r"[0-9+\-]+"),
        "sales_info": Group(_SALES, required=True),
    },
    required=True,
)
_RATE = Text(20, pattern=r"\d{1,2}(\.\d{1,2})?")
_SETTLEMENT = Group(
    {
        "settlement_id": Text(8, required=True, pattern=r"\d+"),
        "qualification_type": Text(200, required=True),
        "qualifications": Many(_MEDIA, most=5),
        "activities_id": Text(32),
        "activities_rate": _RATE,
        "debit_activities_rate": _RATE,
        "credit_activities_rate": _RATE,
        "activities_additions": Many(_MEDIA, most=5),
    },
    required=True,
)
_BANK = Group(
    {
        "bank_account_type": Text(
            64, required=True, one_of=("BANK_ACCOUNT_TYPE_CORPORATE", "BANK_ACCOUNT_TYPE_PERSONAL")
        ),
        "account_name": Sealed(required=True, plausible=_is_account_name),
        "account_bank": Text(128, required=True),
        "bank_address_code": Text(20, pattern=r"\d{6}"),
        "bank_branch_id": Text(64, pattern=r"\d+"),
        "bank_name": Text(128),
        "account_number": Sealed(required=True, plausible=_is_card),
    },
    required=True,
)
APPLYMENT = Group(
    {
        "business_code": Text(124, required=True, pattern=r"[0-9A-Za-z_]+"),
        "contact_info": _CONTACT,
        "subject_info": _SUBJECT,
        "business_info": _BUSINESS,
        "settlement_info": _SETTLEMENT,
        "bank_account_info": _BANK,
        "addition_info": Group(
            {
                "legal_person_commitment": _MEDIA,
                "legal_person_video": _MEDIA,
                "business_addition_pics": Many(_MEDIA, most=5),
                "business_addition_msg": Text(512),
            }
        ),
    }
)
MEDIA_FIELDS = frozenset(
    {
        "contact_id_doc_copy",
        "contact_id_doc_copy_back",
        "business_authorization_letter",
        "license_copy",
        "cert_copy",
        "certificate_letter_copy",
        "finance_license_pics",
        "authorize_letter_copy",
        "id_card_copy",
        "id_card_national",
        "id_doc_copy",
        "id_doc_copy_back",
        "ubo_id_doc_copy",
        "ubo_id_doc_copy_back",
        "store_entrance_pic",
        "indoor_pic",
        "mp_pics",
        "mini_program_pics",
        "web_authorisation",
        "app_pics",
        "wework_pics",
        "qualifications",
        "activities_additions",
        "legal_person_commitment",
        "legal_person_video",
        "business_addition_pics",
    }
)
