"""The bank account a sub-merchant is paid out to, and its change (partner docs 4012761102, 4012761113, 4012761120).

Of numbers and names only what an answer may show is kept, and a fingerprint of the name to compare with.
"""

import hashlib
import json
import secrets
import sqlite3

from sandbox import clock
from sandbox.keys import Keys
from sandbox.settings import setting
from sandbox.store import Store
from sandbox.wechat.errors import Refused, against_the_rules, wrong_field
from sandbox.wechat.fields import Examiner, Group, Sealed, Text
from sandbox.wechat.signing import open_field
from sandbox.wechat.times import day_bounds, day_of, number_of_day, rfc3339

TYPES = ("ACCOUNT_TYPE_BUSINESS", "ACCOUNT_TYPE_PRIVATE")
RULES = ("ACCOUNT_NUMBER_RULE_MASK_V1", "ACCOUNT_NUMBER_RULE_MASK_V2")
CHANGES_A_DAY = 5
WRONG_TAIL = "0000"  # an account number that ends so is found not to exist, to prove that a refusal is told
_WRONG = "银行卡户名或卡号有误"
_COLUMNS = (
    "account_type",
    "account_bank",
    "bank_name",
    "bank_branch_id",
    "number_masked",
    "name_masked",
    "name_digest",
)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and 8 <= len(text) <= 32


CHANGE = Group(
    {
        "account_type": Text(32, required=True, one_of=TYPES),
        "account_bank": Text(128, required=True),
        "bank_address_code": Text(20, pattern=r"\d{6}"),  # retired, still sent by older clients
        "bank_name": Text(128),
        "bank_branch_id": Text(128, pattern=r"\d+"),
        "account_number": Sealed(required=True, plausible=_is_number),
        "account_name": Sealed(plausible=lambda text: 2 <= len(text) <= 128),
    }
)


def described(account: dict, number: str, name: str) -> dict[str, str | None]:
    """What is kept of an account: its words, the number with holes, the name's first sign and its fingerprint."""
    return {
        "account_type": account["account_type"],
        "account_bank": account["account_bank"],
        "bank_name": account.get("bank_name"),
        "bank_branch_id": account.get("bank_branch_id"),
        "number_masked": f"{number[:6]}{'*' * (len(number) - 10)}{number[-4:]}" if len(number) > 10 else number,
        "name_masked": name[:1] + "*" * (len(name) - 1),
        "name_digest": _digest(name),
    }


def open_account(connection: sqlite3.Connection, sub_mchid: str, account: dict) -> None:
    """The account a sub-merchant begins with."""
    marks = ", ".join("?" * len(_COLUMNS))
    connection.execute(
        f"INSERT INTO wechat_accounts (sub_mchid, verify_result, {', '.join(_COLUMNS)})"  # noqa: S608
        f" VALUES (?, 'VERIFY_SUCCESS', {marks}) ON CONFLICT DO NOTHING",
        (sub_mchid, *(account[name] for name in _COLUMNS)),
    )


def account_of(connection: sqlite3.Connection, sub_mchid: str, rule: str | None) -> dict[str, object]:
    """The account in force. Raises Refused: 403 NO_AUTH for a sub-merchant that is not ours."""
    _refuse_stranger(connection, sub_mchid)
    row = connection.execute("SELECT * FROM wechat_accounts WHERE sub_mchid = ?", (sub_mchid,)).fetchone()
    if row is None:
        raise Refused(403, "NO_AUTH", "该商户没有结算账户")
    answer = _shown(dict(row), rule) | {"verify_result": row["verify_result"]}
    return answer if row["fail_reason"] is None else answer | {"verify_fail_reason": row["fail_reason"]}


def change(connection: sqlite3.Connection, keys: Keys, key_id: str, sub_mchid: str, body: dict) -> dict[str, str]:
    """Ask for another account; it is looked at for `audit_seconds`. Raises Refused."""
    if not key_id:
        raise wrong_field("Wechatpay-Serial", "缺少：敏感字段加密所用的公钥ID", location="header")
    examiner = Examiner(unseal=lambda sealed: open_field(keys.wechat_key, sealed))
    examiner.check(CHANGE, body)
    _refuse_stranger(connection, sub_mchid)
    _refuse_wrong_account(connection, sub_mchid, body, examiner.plain)
    now = clock.now(connection)
    start, end = day_bounds(day_of(now))
    today = connection.execute(
        "SELECT state FROM wechat_account_changes WHERE sub_mchid = ? AND asked_at >= ? AND asked_at < ?",
        (sub_mchid, start, end),
    ).fetchall()
    if any(row["state"] == "AUDITING" for row in today):
        raise against_the_rules("修改申请审核中，请等待审核结果后再提交")
    if len(today) >= CHANGES_A_DAY:
        raise Refused(429, "FREQENCY_LIMIT", "每天仅能提交5次修改申请，请于次日重新发起")
    number = examiner.plain["/account_number"]
    kept = _holder(connection, sub_mchid) | {"account_type": body["account_type"]}
    fresh = described(body, number, "") | {name: kept[name] for name in ("name_masked", "name_digest")}
    application_no = number_of_day("1023", 24, now) + secrets.token_hex(2)
    connection.execute(
        "INSERT INTO wechat_account_changes (application_no, sub_mchid, account, fails, state, asked_at)"
        " VALUES (?, ?, ?, ?, 'AUDITING', ?)",
        (application_no, sub_mchid, json.dumps(fresh, ensure_ascii=False), int(number.endswith(WRONG_TAIL)), now),
    )
    return {"application_no": application_no}


def change_of(
    connection: sqlite3.Connection, sub_mchid: str, application_no: str, rule: str | None
) -> dict[str, object]:
    """How a change stands. Raises Refused (404 ORDER_NOT_EXIST)."""
    _refuse_stranger(connection, sub_mchid)
    advance(connection)
    row = connection.execute(
        "SELECT * FROM wechat_account_changes WHERE application_no = ? AND sub_mchid = ?", (application_no, sub_mchid)
    ).fetchone()
    if row is None:
        raise Refused(404, "ORDER_NOT_EXIST", "查询的申请单不存在")
    account = json.loads(row["account"])
    answer = _shown(account, rule) | {"account_name": account["name_masked"], "verify_result": row["state"]}
    if row["state"] == "AUDIT_FAIL":
        answer["verify_fail_reason"] = _WRONG
    return answer if row["finished_at"] is None else answer | {"verify_finish_time": rfc3339(row["finished_at"])}


def advance_due(store: Store) -> None:
    """Let the changes that have been looked at long enough end."""
    with store.reading() as connection:
        if not _due(connection):
            return
    with store.writing() as connection:
        advance(connection)


def advance(connection: sqlite3.Connection) -> None:
    """The same inside a `writing()` block."""
    for row in _due(connection):
        state = "AUDIT_FAIL" if row["fails"] else "AUDIT_SUCCESS"
        connection.execute(
            "UPDATE wechat_account_changes SET state = ?, finished_at = ? WHERE application_no = ?",
            (state, clock.now(connection), row["application_no"]),
        )
        if state == "AUDIT_SUCCESS":
            account = json.loads(row["account"])
            names = ", ".join(f"{name} = ?" for name in _COLUMNS)
            connection.execute(
                f"UPDATE wechat_accounts SET {names}, verify_result = 'VERIFY_SUCCESS', fail_reason = NULL"  # noqa: S608
                " WHERE sub_mchid = ?",
                (*(account[name] for name in _COLUMNS), row["sub_mchid"]),
            )


def set_verified(connection: sqlite3.Connection, sub_mchid: str, is_good: bool) -> bool:
    """The bank says of the account in force whether money can be sent to it. False for a strange sub-merchant."""
    result, reason = ("VERIFY_SUCCESS", None) if is_good else ("VERIFY_FAIL", _WRONG)
    cursor = connection.execute(
        "UPDATE wechat_accounts SET verify_result = ?, fail_reason = ? WHERE sub_mchid = ?", (result, reason, sub_mchid)
    )
    return cursor.rowcount == 1


def _due(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT * FROM wechat_account_changes WHERE state = 'AUDITING' AND asked_at <= ?",
        (clock.now(connection) - setting(connection, "audit_seconds"),),
    ).fetchall()


def _shown(account: dict, rule: str | None) -> dict[str, object]:
    if rule not in (None, *RULES):
        raise wrong_field("account_number_rule", "枚举值不在可选范围内", rule, location="query")
    number = account["number_masked"]
    if rule != RULES[1]:
        number = number[:2] + "*" * (len(number) - 4) + number[-2:]
    answer = {"account_type": account["account_type"], "account_bank": account["account_bank"]}
    answer |= {name: account[name] for name in ("bank_name", "bank_branch_id") if account[name] is not None}
    return answer | {"account_number": number}


def _refuse_wrong_account(connection: sqlite3.Connection, sub_mchid: str, body: dict, plain: dict[str, str]) -> None:
    merchant = connection.execute("SELECT subject FROM wechat_merchants WHERE sub_mchid = ?", (sub_mchid,)).fetchone()
    if body["account_type"] == "ACCOUNT_TYPE_PRIVATE" and merchant["subject"] != "INDIVIDUAL":
        raise against_the_rules("该主体类型只能使用对公银行账户")
    if body["account_bank"] == "其他银行" and not {"bank_branch_id", "bank_name"} & body.keys():
        raise wrong_field("/bank_branch_id", "其他银行须填写bank_name或bank_branch_id")
    name = plain.get("/account_name")
    if name is not None and _digest(name) != _holder(connection, sub_mchid)["name_digest"]:
        raise against_the_rules("你的开户名称与主体名称不一致，请修改后重试")


def _holder(connection: sqlite3.Connection, sub_mchid: str) -> dict[str, str]:
    row = connection.execute("SELECT * FROM wechat_accounts WHERE sub_mchid = ?", (sub_mchid,)).fetchone()
    if row is None:
        raise against_the_rules("该商户没有结算账户")
    return dict(row)


def _refuse_stranger(connection: sqlite3.Connection, sub_mchid: str) -> None:
    row = connection.execute("SELECT 1 FROM wechat_merchants WHERE sub_mchid = ?", (sub_mchid,)).fetchone()
    if row is None:
        raise Refused(403, "NO_AUTH", "该商户不是本服务商进件的子商户，无权限操作")


def _digest(name: str) -> str:
    """Half-width brackets count as full-width ones."""
    return hashlib.sha256(name.replace("(", "（").replace(")", "）").encode()).hexdigest()
