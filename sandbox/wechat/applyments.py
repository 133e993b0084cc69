"""Applications of sub-merchants (特约商户进件), from submission to the open sub-merchant (partner docs 4012719997)."""

import json
import secrets
import sqlite3

from sandbox import clock
from sandbox.keys import Keys
from sandbox.settings import setting
from sandbox.store import Store
from sandbox.wechat import settlement, static_codes
from sandbox.wechat.applyment_faults import found, refuse_gaps
from sandbox.wechat.applyment_rules import APPLYMENT, MEDIA_FIELDS
from sandbox.wechat.errors import Refused, against_the_rules, wrong_field
from sandbox.wechat.fields import Examiner
from sandbox.wechat.media import unknown_media
from sandbox.wechat.merchants import RATE_BP
from sandbox.wechat.signing import open_field

MESSAGES = {
    "AUDITING": "审核中，请耐心等待1~3个工作日（沙盒里只要几秒）",
    "REJECTED": "审核不通过，请按驳回原因修改后用原业务申请编号重新提交",
    "TO_BE_CONFIRMED": "请超级管理员打开签约链接，完成账户验证",
    "TO_BE_SIGNED": "请超级管理员打开签约链接，完成签约",
    "SIGNING": "正在开通相关权限，请稍候",
    "FINISHED": "商户入驻申请已完成",
    "CANCELED": "申请单已撤销",
}
PERMISSIONS = {
    "SALES_SCENES_STORE": "JSAPI",
    "SALES_SCENES_MP": "JSAPI",
    "SALES_SCENES_MINI_PROGRAM": "JSAPI",
    "SALES_SCENES_WEB": "JSAPI NATIVE",
}
_BY = {
    "business_code": "SELECT * FROM wechat_applyments WHERE business_code = ?",
    "applyment_id": "SELECT * FROM wechat_applyments WHERE applyment_id = ?",
    "sign_token": "SELECT * FROM wechat_applyments WHERE sign_token = ?",
}
SIGNABLE = ("TO_BE_CONFIRMED", "TO_BE_SIGNED")
LAPSES = {"TO_BE_CONFIRMED": 10 * 86400, "TO_BE_SIGNED": 30 * 86400}  # what nobody confirms or signs by then


def submit(connection: sqlite3.Connection, keys: Keys, key_id: str, body: dict) -> dict[str, int]:
    """Take an application, or a corrected one under the same business_code. Raises Refused."""
    if not key_id:
        raise wrong_field("Wechatpay-Serial", "缺少：敏感字段加密所用的公钥ID", location="header")
    examiner = Examiner(unseal=lambda sealed: open_field(keys.wechat_key, sealed))
    examiner.check(APPLYMENT, body)
    refuse_gaps(body)
    strange = unknown_media(connection, _media_ids(body))
    if strange is not None:
        raise wrong_field("/media_id", "图片不存在或已失效", strange)
    kept = _row(connection, "business_code", body["business_code"])
    if kept is not None and kept["state"] != "REJECTED":
        raise Refused(400, "PROCESSING", "有申请单正在处理中或已完成，请查询此业务申请编号的状态")
    applyment_id = kept["applyment_id"] if kept else 2_000_000_000_000_000 + secrets.randbelow(10**15)
    _save(connection, applyment_id, body, examiner.plain)
    return {"applyment_id": applyment_id}


def find(connection: sqlite3.Connection, column: str, number: str, sandbox_url: str) -> dict[str, object]:
    """The state by `business_code` or `applyment_id`. Raises Refused (400 APPLYMENT_NOT_EXIST)."""
    advance(connection)
    row = _row(connection, column, number)
    if row is None:
        raise Refused(400, "APPLYMENT_NOT_EXIST", "申请单不存在")
    answer: dict[str, object] = {
        "business_code": row["business_code"],
        "applyment_id": row["applyment_id"],
        "applyment_state": f"APPLYMENT_STATE_{row['state']}",
        "applyment_state_msg": MESSAGES[row["state"]],
    }
    if row["state"] in ("TO_BE_SIGNED", "SIGNING", "FINISHED"):
        answer["sub_mchid"] = row["sub_mchid"]
    if row["state"] in SIGNABLE:
        answer["sign_url"] = f"{sandbox_url}/wechat/sign/{row['sign_token']}"
    if row["state"] == "REJECTED":
        answer["audit_detail"] = json.loads(row["audit_detail"])
    return answer


def by_token(connection: sqlite3.Connection, token: str) -> sqlite3.Row | None:
    """The application behind a signing page, None when there is none."""
    return _row(connection, "sign_token", token)


def confirm(connection: sqlite3.Connection, row: sqlite3.Row) -> None:
    """The owner says yes on the signing page; a second click changes nothing."""
    if row["state"] == "TO_BE_CONFIRMED":
        _to_be_signed(connection, row)
    if row["state"] == "TO_BE_SIGNED":
        _move(connection, row, "SIGNING")


def reject(connection: sqlite3.Connection, business_code: str, field: str, reason: str) -> None:
    """The control page plays a strict auditor. Raises Refused when it is too late."""
    row = _row(connection, "business_code", business_code)
    if row is None or row["state"] not in ("AUDITING", "TO_BE_CONFIRMED"):
        raise against_the_rules("这张申请单现在不能驳回")
    _object(connection, row, field, reason)


def _object(connection: sqlite3.Connection, row: sqlite3.Row, field: str, reason: str) -> None:
    detail = [{"field": field, "field_name": field, "reject_reason": reason}]
    connection.execute(
        "UPDATE wechat_applyments SET audit_detail = ? WHERE applyment_id = ?",
        (json.dumps(detail, ensure_ascii=False), row["applyment_id"]),
    )
    _move(connection, row, "REJECTED")


def advance_due(store: Store) -> None:
    """Let the applications whose time has come walk on."""
    with store.reading() as connection:
        if not _walking(connection):
            return
    with store.writing() as connection:
        advance(connection)


def advance(connection: sqlite3.Connection) -> None:
    """One `writing()` block: take every step that is due, several at once when the waits are zero."""
    while due := _walking(connection):
        for row in due:
            _step(connection, row)


def _walking(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    audit = setting(connection, "audit_seconds")
    waits = {"AUDITING": audit, "SIGNING": audit / 2, **LAPSES}
    if setting(connection, "auto_sign"):
        waits |= dict.fromkeys(SIGNABLE, audit / 2)
    return [
        row
        for state, wait in waits.items()
        for row in connection.execute(
            "SELECT * FROM wechat_applyments WHERE state = ? AND changed_at <= ?", (state, clock.now(connection) - wait)
        )
    ]


def _step(connection: sqlite3.Connection, row: sqlite3.Row) -> None:
    signs = bool(setting(connection, "auto_sign"))
    match row["state"]:
        case "TO_BE_CONFIRMED" if not signs:
            _object(connection, row, "account_verification", "超过10天未完成账户验证，申请已自动驳回")
        case "TO_BE_SIGNED" if not signs:
            _move(connection, row, "CANCELED")
        case "AUDITING" if json.loads(row["audit_detail"]):
            _move(connection, row, "REJECTED")
        case "AUDITING" if row["confirm_first"]:
            _move(connection, row, "TO_BE_CONFIRMED")
        case "AUDITING" | "TO_BE_CONFIRMED":
            _to_be_signed(connection, row)
        case "TO_BE_SIGNED":
            _move(connection, row, "SIGNING")
        case "SIGNING":
            _open(connection, row)


def _to_be_signed(connection: sqlite3.Connection, row: sqlite3.Row) -> None:
    connection.execute(
        "UPDATE wechat_applyments SET sub_mchid = ? WHERE applyment_id = ?",
        (f"16{secrets.randbelow(10**8):08d}", row["applyment_id"]),
    )
    _move(connection, row, "TO_BE_SIGNED")


def _open(connection: sqlite3.Connection, row: sqlite3.Row) -> None:
    connection.execute(
        "INSERT INTO wechat_merchants (sub_mchid, name, business_code, rate_bp, permissions, subject, opened_at)"
        " SELECT sub_mchid, shortname, business_code, rate_bp, permissions, subject, ?"
        " FROM wechat_applyments WHERE applyment_id = ?",
        (clock.now(connection), row["applyment_id"]),
    )
    settlement.open_account(connection, row["sub_mchid"], json.loads(row["account"]))
    static_codes.open_code(connection, row["sub_mchid"])
    _move(connection, row, "FINISHED")


def _move(connection: sqlite3.Connection, row: sqlite3.Row, state: str) -> None:
    connection.execute(
        "UPDATE wechat_applyments SET state = ?, changed_at = ? WHERE applyment_id = ?",
        (state, clock.now(connection), row["applyment_id"]),
    )


def _save(connection: sqlite3.Connection, applyment_id: int, body: dict, plain: dict[str, str]) -> None:
    scenes = body["business_info"]["sales_info"]["sales_scenes_type"]
    granted = {name for scene in scenes for name in PERMISSIONS.get(scene, "").split()} | {"REFUND"}
    connection.execute(
        "INSERT OR REPLACE INTO wechat_applyments (applyment_id, business_code, state, shortname, rate_bp, permissions,"
        " subject, account, confirm_first, sign_token, audit_detail, changed_at)"
        " VALUES (?, ?, 'AUDITING', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            applyment_id,
            body["business_code"],
            body["business_info"]["merchant_shortname"],
            _rate_bp(body["settlement_info"]),
            " ".join(sorted(granted)),
            body["subject_info"]["subject_type"].removeprefix("SUBJECT_TYPE_"),
            json.dumps(_account(body["bank_account_info"], plain), ensure_ascii=False),
            int(body["contact_info"]["contact_type"] == "SUPER"),
            secrets.token_urlsafe(16),
            json.dumps(found(body, plain), ensure_ascii=False),
            clock.now(connection),
        ),
    )


def _account(bank: dict, plain: dict[str, str]) -> dict[str, str | None]:
    personal = bank["bank_account_type"] == "BANK_ACCOUNT_TYPE_PERSONAL"
    words = bank | {"account_type": settlement.TYPES[personal]}
    return settlement.described(
        words, plain["/bank_account_info/account_number"], plain["/bank_account_info/account_name"]
    )


def _rate_bp(settlement: dict) -> int:
    """Basis points of a rate given in percent, such as 0.6."""
    rate = settlement.get("activities_rate") or settlement.get("debit_activities_rate")
    if rate is None:
        return RATE_BP
    whole, _, part = rate.partition(".")
    return int(whole) * 100 + int(f"{part:0<2}")


def _media_ids(value: object, name: str = "") -> list[str]:
    if isinstance(value, dict):
        return [media_id for key, inner in value.items() for media_id in _media_ids(inner, key)]
    if isinstance(value, list):
        return [media_id for inner in value for media_id in _media_ids(inner, name)]
    return [value] if name in MEDIA_FIELDS and isinstance(value, str) else []


def _row(connection: sqlite3.Connection, column: str, value: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(_BY[column], (value,)).fetchone()
    return row
