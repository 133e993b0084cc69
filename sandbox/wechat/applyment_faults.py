"""The two ways an application that is well formed can still be wrong.

`refuse_gaps`: parts that belong together are not all there; answered at once. `found`: the parts contradict each
other; a person notices, so the application is taken and rejected later, with the field and the reason.
"""

from collections.abc import Mapping
from datetime import datetime

from sandbox.wechat.errors import wrong_field
from sandbox.wechat.times import BEIJING

_SCENE_PARTS = {
    "SALES_SCENES_STORE": "biz_store_info",
    "SALES_SCENES_MP": "mp_info",
    "SALES_SCENES_MINI_PROGRAM": "mini_program_info",
    "SALES_SCENES_WEB": "web_info",
    "SALES_SCENES_APP": "app_info",
    "SALES_SCENES_WEWORK": "wework_info",
}
_ID = "/subject_info/identity_info"
_LICENSED = ("SUBJECT_TYPE_INDIVIDUAL", "SUBJECT_TYPE_ENTERPRISE")


def refuse_gaps(body: dict) -> None:
    """Raises Refused (400 PARAM_ERROR) for a part that another field makes necessary, or forbids."""
    subject, bank = body["subject_info"], body["bank_account_info"]
    paper = "business_license_info" if subject["subject_type"] in _LICENSED else "certificate_info"
    _need(subject, "/subject_info", paper)
    identity = subject["identity_info"]
    is_card = identity.get("id_doc_type", "IDENTIFICATION_TYPE_IDCARD") == "IDENTIFICATION_TYPE_IDCARD"
    _need(identity, _ID, "id_card_info" if is_card else "id_doc_info")
    sales = body["business_info"]["sales_info"]
    for scene in sales["sales_scenes_type"]:
        _need(sales, "/business_info/sales_info", _SCENE_PARTS[scene])
    if "activities_id" in body["settlement_info"]:
        for name in ("debit_activities_rate", "credit_activities_rate"):
            _need(body["settlement_info"], "/settlement_info", name)
    if bank["account_bank"] == "其他银行" and not {"bank_branch_id", "bank_name"} & bank.keys():
        _need(bank, "/bank_account_info", "bank_branch_id")
    personal = bank["bank_account_type"] == "BANK_ACCOUNT_TYPE_PERSONAL"
    if personal and subject["subject_type"] != "SUBJECT_TYPE_INDIVIDUAL":
        raise wrong_field("/bank_account_info/bank_account_type", "只有个体户可以使用经营者个人银行卡")
    if body["contact_info"]["contact_type"] == "SUPER":
        for name in ("contact_id_doc_type", "contact_id_number", "contact_id_doc_copy"):
            _need(body["contact_info"], "/contact_info", name)


def found(body: dict, plain: Mapping[str, str]) -> list[dict[str, str]]:
    """What the auditor will object to; `plain` are the opened sensitive fields by JSON pointer."""
    faults: list[dict[str, str]] = []
    subject = body["subject_info"]
    holder = plain.get(f"{_ID}/id_card_info/id_card_name") or plain.get(f"{_ID}/id_doc_info/id_doc_name", "")
    paper = subject.get("business_license_info") or subject["certificate_info"]
    if subject["subject_type"] == "SUBJECT_TYPE_INDIVIDUAL":
        number = paper["license_number"]
        if len(number) == 18 and not number.startswith("9"):
            faults.append(_fault("license_number", "注册号", "个体工商户的统一社会信用代码应以9开头"))
    if subject["identity_info"].get("id_holder_type", "LEGAL") == "LEGAL" and paper["legal_person"] != holder:
        faults.append(_fault("legal_person", "经营者/法人姓名", "与证件姓名不一致"))
    personal = body["bank_account_info"]["bank_account_type"] == "BANK_ACCOUNT_TYPE_PERSONAL"
    if plain["/bank_account_info/account_name"] != (holder if personal else paper["merchant_name"]):
        faults.append(_fault("account_name", "开户名称", "与经营者姓名或营业执照名称不一致"))
    if body["business_info"]["merchant_shortname"] == holder:
        faults.append(_fault("merchant_shortname", "商户简称", "不能只用个人姓名，可写作“个体户张三”"))
    end = subject["identity_info"].get("id_card_info", {}).get("card_period_end", "长期")
    if end != "长期" and end < f"{datetime.now(BEIJING):%Y-%m-%d}":
        faults.append(_fault("card_period_end", "证件有效期", "证件已过期"))
    return faults


def _need(part: dict, pointer: str, name: str) -> None:
    if name not in part:
        raise wrong_field(f"{pointer}/{name}", f"映射到字段“{name}”必填性规则校验失败，此字段为必填项")


def _fault(field: str, name: str, reason: str) -> dict[str, str]:
    return {"field": field, "field_name": name, "reject_reason": reason}
