"""An agent brings merchants in (psi.jd.com): enter, apply for a product, ask how it stands, fetch the keys.

Each call is a form with `agentNo` and `entity`: JSON sealed under the agent's key with the length in front, the
signature inside it, an MD5 over a few bare values. That no key goes into it is how the one public implementer does it
(0-return/WYS-PAY-PLAT). Answers are plain JSON, `code` `0000` when done; all other codes are the sandbox's own.
Status 4 is open, 3 is approved and waits for the merchant's confirmation, 2 is rejected, the reason in `statusMsg`.
Which number says "still looked at" is not public (unconfirmed): 3 does here. The pictures' names are those of the
implementer; which JD demands is unconfirmed, so any may be missing, but one that is sent must be a JPEG or PNG. How a
correction (`buildOrRepair` 1) names its merchant is unconfirmed too: here the licence number does, and only a rejected
merchant can be corrected.
"""

import hashlib
import hmac
import sqlite3
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox import clock
from sandbox.jd import merchants
from sandbox.jd.crypto import Unreadable, digest, json_text, unseal_with_length
from sandbox.keys import Keys
from sandbox.settings import setting
from sandbox.store import Store

COMPANY_TYPES = ("E", "P", "N")
AGGREGATE_PRODUCT = "35"
_SIGNED_WHEN_ENTERING = ("serialNo", "lepCardNo", "bankAccountNo", "settleCardPhone")
_SIGNED_WHEN_APPLYING = ("serialNo", "agentNo", "merchantNo", "productId", "payToolId")
_SIGNED_WHEN_ASKING = ("serialNo", "merchantNo")
_NEEDED = (
    *("serialNo", "regEmail", "regPhone", "companyType", "blicCardType", "blicCompanyName", "blicUscc"),
    *("lepCardType", "lepName", "lepCardNo", "contactName", "contactPhone", "priatePublic", "bankName"),
    *("bankAccountNo", "bankAccountName", "abMerchantName", "settleCardPhone", "settleToCard", "buildOrRepair"),
)
# The values that the implementer sends. A natural person (N) has an identity card for a licence and no scope.
_ONE_OF = {
    "companyType": COMPANY_TYPES,
    "blicCardType": ("USC", "BLI", "OCI", "ID"),
    "lepCardType": ("ID", "PAS", "PASTW", "PASHK"),
    "priatePublic": ("1", "0", "3"),
    "settleToCard": ("1",),
    "buildOrRepair": ("0", "1"),
}
_LONGEST_SCOPE = 800
_PERSONAL, _CORPORATE = "0", "1"
AUDITOR_SAYS = "营业执照照片看不清，请重新拍照提交"
_PICTURE_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


class Rejected(Exception):
    """The onboarding host says no. `code` is one of the sandbox's own four-digit codes."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


def entity_of(form: Mapping[str, str], keys: Keys, *, signed: Iterable[str]) -> dict[str, str]:
    """The fields inside the form's `entity`, its signature proved. Raises Rejected."""
    if form.get("agentNo") != keys.jd_agent_no:
        raise Rejected("1001", "代理商号不存在")
    try:
        fields = unseal_with_length(form.get("entity", ""), keys.jd_des_key)
    except Unreadable as problem:
        raise Rejected("1002", "entity 解不开，请检查 3DES 密钥和长度前缀") from problem
    texts = {name: str(value) for name, value in fields.items() if value not in (None, "")}
    bare = "".join(texts.get(name, "") for name in signed)
    if not hmac.compare_digest(digest(bare).encode(), texts.get("sign", "").encode()):
        raise Rejected("1003", "签名不符")
    if "serialNo" not in texts:
        raise Rejected("1004", "缺少 serialNo")
    return texts


def enter(
    connection: sqlite3.Connection, keys: Keys, form: Mapping[str, str], pictures: Mapping[str, bytes]
) -> dict[str, Any]:
    """enterSingle: the merchant gets his number. The same serial number with the same content gets the same one."""
    entity = entity_of(form, keys, signed=_SIGNED_WHEN_ENTERING)
    missing = [name for name in _NEEDED if name not in entity]
    if missing:
        raise Rejected("1004", "缺少 " + "、".join(missing))
    _refuse_impossible(entity)
    for name, content in pictures.items():
        if not content.startswith(_PICTURE_STARTS):
            raise Rejected("1005", f"{name} 不是 JPEG 或 PNG 图片")
    merchant_no = _kept_number(connection, keys, entity)
    if merchant_no is None:
        corrects = entity["buildOrRepair"] == "1"
        merchant_no = (_corrected if corrects else _entered)(connection, keys, entity)
    return {"merchantNo": merchant_no, "serialNo": entity["serialNo"]}


def apply(connection: sqlite3.Connection, keys: Keys, form: Mapping[str, str]) -> dict[str, Any]:
    """applySingle: the merchant asks for aggregate pay at a rate (`mfee`, per cent). Repeating changes nothing."""
    entity = entity_of(form, keys, signed=_SIGNED_WHEN_APPLYING)
    merchant = _merchant(connection, keys, entity)
    if entity.get("agentNo") != keys.jd_agent_no:
        raise Rejected("1001", "entity 里的代理商号不符")
    if entity.get("productId") != AGGREGATE_PRODUCT or "payToolId" not in entity:
        raise Rejected("1008", "沙盒只开通聚合支付（productId 35）")
    fee_bp = _basis_points(entity)
    if merchant["applied_at"] is not None and merchant["fee_bp"] != fee_bp:
        raise Rejected("1007", "已按另一费率申请过")
    connection.execute(
        "UPDATE jd_merchants SET applied_at = coalesce(applied_at, ?), fee_bp = ? WHERE merchant_no = ?",
        (clock.now(connection), fee_bp, merchant["merchant_no"]),
    )
    return {"merchantNo": merchant["merchant_no"]}


def status(connection: sqlite3.Connection, keys: Keys, form: Mapping[str, str]) -> dict[str, Any]:
    """queryApplySingle: one line per product applied for; none before `apply`."""
    merchant = _merchant(connection, keys, entity_of(form, keys, signed=_SIGNED_WHEN_ASKING))
    if merchant["applied_at"] is None:
        return {"merchantNo": merchant["merchant_no"], "dataList": []}
    word, text = ("4", "开通成功") if merchant["opened_at"] is not None else ("3", "审核通过，待商户确认")
    if merchant["rejected"] is not None:
        word, text = "2", merchant["rejected"]
    line = {"productId": AGGREGATE_PRODUCT, "status": word, "statusMsg": text}
    return {"merchantNo": merchant["merchant_no"], "dataList": [line]}


def merchant_keys(connection: sqlite3.Connection, keys: Keys, form: Mapping[str, str]) -> dict[str, Any]:
    """queryMerchantKeys: the merchant's own keys, once he is open."""
    merchant = _merchant(connection, keys, entity_of(form, keys, signed=_SIGNED_WHEN_ASKING))
    if merchant["opened_at"] is None:
        raise Rejected("1006", "商户还没有开通")
    return {"data": {"desKey": merchant["des_key"], "mdKey": merchant["md5_key"]}}


def open_merchant(connection: sqlite3.Connection, merchant_no: str) -> bool:
    """The merchant confirmed: he is open from now on. Nothing happens, and False, unless he has applied and waits."""
    opened = connection.execute(
        "UPDATE jd_merchants SET opened_at = ? WHERE merchant_no = ? AND applied_at IS NOT NULL"
        " AND rejected IS NULL AND opened_at IS NULL",
        (clock.now(connection), merchant_no),
    )
    return opened.rowcount > 0


def reject_merchant(connection: sqlite3.Connection, merchant_no: str, reason: str = AUDITOR_SAYS) -> bool:
    """JD's auditor says no. Nothing happens, and False, unless the merchant has applied and waits."""
    rejected = connection.execute(
        "UPDATE jd_merchants SET rejected = ? WHERE merchant_no = ? AND applied_at IS NOT NULL AND rejected IS NULL"
        " AND opened_at IS NULL",
        (reason, merchant_no),
    )
    return rejected.rowcount > 0


def audit_due(store: Store) -> None:
    """Judge whoever applied `audit_seconds` ago: reject a contradiction, open the others unless `auto_sign` is off."""
    with store.reading() as connection:
        due = connection.execute(
            "SELECT merchant_no, doubt FROM jd_merchants WHERE opened_at IS NULL AND rejected IS NULL"
            " AND applied_at <= ? AND (doubt <> '' OR ?)",
            (clock.now(connection) - setting(connection, "audit_seconds"), setting(connection, "auto_sign") > 0),
        ).fetchall()
    for row in due:
        with store.writing() as connection:
            if row["doubt"]:
                reject_merchant(connection, row["merchant_no"], row["doubt"])
            else:
                open_merchant(connection, row["merchant_no"])


def _refuse_impossible(entity: Mapping[str, str]) -> None:
    """What can be seen at once. Raises Rejected."""
    for name, values in _ONE_OF.items():
        if entity[name] not in values:
            raise Rejected("1005", f"{name} 应为 {'、'.join(values)} 之一")
    if len(entity.get("blicScope", "")) > _LONGEST_SCOPE:
        raise Rejected("1005", f"blicScope 不超过 {_LONGEST_SCOPE} 字")
    natural = entity["companyType"] == "N"
    if natural != (entity["blicCardType"] == "ID"):
        raise Rejected("1005", "companyType N 与 blicCardType ID 要一起用")
    if natural and (entity["blicUscc"] != entity["lepCardNo"] or "blicScope" in entity):
        raise Rejected("1005", "companyType N 的证照号应为身份证号，blicScope 应为空")


def _doubt(entity: Mapping[str, str]) -> str:
    """What the auditor finds: parts that contradict each other; empty when nothing does."""
    owner = {_PERSONAL: "lepName", _CORPORATE: "blicCompanyName"}.get(entity["priatePublic"])
    if owner is not None and entity["bankAccountName"] != entity[owner]:
        who = "法人姓名" if owner == "lepName" else "营业执照上的名称"
        return f"结算账户名称“{entity['bankAccountName']}”与{who}“{entity[owner]}”不一致，请修改后重新提交"
    return ""


def _kept_number(connection: sqlite3.Connection, keys: Keys, entity: Mapping[str, str]) -> str | None:
    row = connection.execute(
        "SELECT merchant_no, entity_hash FROM jd_merchants WHERE agent_no = ? AND serial_no = ?",
        (keys.jd_agent_no, entity["serialNo"]),
    ).fetchone()
    if row is not None and row["entity_hash"] != _hash(entity):
        raise Rejected("1007", "serialNo 已用过，且内容不同")
    return None if row is None else str(row["merchant_no"])


def _entered(connection: sqlite3.Connection, keys: Keys, entity: Mapping[str, str]) -> str:
    merchant_no = merchants.new_number(connection)
    connection.execute(
        "INSERT INTO jd_merchants (merchant_no, agent_no, serial_no, entity_hash, company_type, name, short_name,"
        " licence_no, des_key, md5_key, doubt, entered_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            merchant_no,
            keys.jd_agent_no,
            entity["serialNo"],
            _hash(entity),
            entity["companyType"],
            entity["blicCompanyName"],
            entity["abMerchantName"],
            entity["blicUscc"],
            *merchants.new_keys(),
            _doubt(entity),
            clock.now(connection),
        ),
    )
    return merchant_no


def _corrected(connection: sqlite3.Connection, keys: Keys, entity: Mapping[str, str]) -> str:
    """The rejected merchant with this licence starts again under his number, with the new content."""
    row = connection.execute(
        "UPDATE jd_merchants SET serial_no = ?, entity_hash = ?, company_type = ?, name = ?, short_name = ?,"
        " doubt = ?, applied_at = NULL, rejected = NULL WHERE merchant_no = (SELECT merchant_no FROM jd_merchants"
        " WHERE agent_no = ? AND licence_no = ? AND rejected IS NOT NULL ORDER BY entered_at DESC LIMIT 1)"
        " RETURNING merchant_no",
        (
            entity["serialNo"],
            _hash(entity),
            entity["companyType"],
            entity["blicCompanyName"],
            entity["abMerchantName"],
            _doubt(entity),
            keys.jd_agent_no,
            entity["blicUscc"],
        ),
    ).fetchone()
    if row is None:
        raise Rejected("1010", "没有被驳回、可以修改的商户")
    return str(row["merchant_no"])


def _merchant(connection: sqlite3.Connection, keys: Keys, entity: Mapping[str, str]) -> sqlite3.Row:
    merchant = merchants.find(connection, entity.get("merchantNo"))
    if merchant is None or merchant["agent_no"] != keys.jd_agent_no:
        raise Rejected("1009", "商户号不存在")
    return merchant


def _basis_points(entity: Mapping[str, str]) -> int:
    try:
        points = Decimal(entity.get("mfee", "")) * 100
    except InvalidOperation as problem:
        raise Rejected("1005", "mfee 应为百分数，如 0.38") from problem
    if entity.get("mfeeType") != "2" or not points.is_finite() or points != int(points) or not 0 <= points <= 1000:
        raise Rejected("1005", "mfeeType 应为 2，mfee 应在 0 到 10 之间，最多两位小数")
    return int(points)


def _hash(entity: Mapping[str, str]) -> str:
    return hashlib.sha256(json_text(entity)).hexdigest()
