"""Transfers to people (商家转账): asked for, confirmed by the receiver within a day, or taken back.

Merchant docs 4012716434 (create), 4012716437 (query), 4012716458 (cancel), 4012712115 (notice). The money leaves the
provider's operation account when the transfer is accepted and comes back when it fails.
"""

import json
import secrets
import sqlite3

from sandbox import clock, faults
from sandbox.keys import Keys
from sandbox.payers import accounts
from sandbox.settings import setting
from sandbox.store import Store
from sandbox.wechat import funds, notices
from sandbox.wechat.errors import Refused, against_the_rules, wrong_field
from sandbox.wechat.fields import Examiner
from sandbox.wechat.merchants import refuse_without_product
from sandbox.wechat.signing import open_field
from sandbox.wechat.times import number_of_day, rfc3339
from sandbox.wechat.transfer_rules import (
    SCENES,
    TRANSFER,
    refuse_over_quota,
    refuse_strange_openid,
    refuse_wrong_words,
)

LIFE_SECONDS = 24 * 3600
QUERY_SECONDS = 30 * 86400
FINAL = ("SUCCESS", "FAIL", "CANCELLED")
_BY = {
    "out_bill_no": "SELECT * FROM wechat_transfers WHERE out_bill_no = ?",
    "transfer_bill_no": "SELECT * FROM wechat_transfers WHERE transfer_bill_no = ?",
    "package_info": "SELECT * FROM wechat_transfers WHERE package_info = ?",
}


class CannotConfirm(Exception):
    """The receiver cannot take this transfer; the text is what the wallet shows."""


def create(connection: sqlite3.Connection, keys: Keys, key_id: str, body: dict) -> dict[str, object]:
    """Accept a transfer, or answer with the open one of this number. Raises Refused."""
    examiner = Examiner(unseal=lambda sealed: open_field(keys.wechat_key, sealed))
    examiner.check(TRANSFER, body)
    if examiner.plain and not key_id:
        raise wrong_field("Wechatpay-Serial", "缺少：敏感字段加密所用的公钥ID", location="header")
    refuse_without_product(connection, "TRANSFER")
    refuse_wrong_words(body)
    refuse_strange_openid(connection, keys.wechat_sp_appid, body)
    expire(connection)
    request = json.dumps(body | {"user_name": examiner.plain.get("/user_name")}, sort_keys=True, ensure_ascii=False)
    kept = _row(connection, "out_bill_no", body["out_bill_no"])
    if kept is None:
        refuse_over_quota(connection, body, clock.now(connection))
        _refuse_short_account(connection, body)
        kept = _insert(connection, keys, body, request)
    elif kept["state"] in FINAL:
        raise Refused(400, "ALREADY_EXISTS", "单据已到终态，请查询转账结果")
    elif kept["request"] != request:
        raise against_the_rules("请求参数与原单不一致")
    answer = {name: kept[name] for name in ("out_bill_no", "transfer_bill_no", "state")}
    answer["create_time"] = rfc3339(kept["created_at"])
    return answer | {"package_info": kept["package_info"]} if kept["state"] == "WAIT_USER_CONFIRM" else answer


def find(connection: sqlite3.Connection, keys: Keys, column: str, number: str) -> dict[str, object]:
    """Answer a query by `out_bill_no` or `transfer_bill_no`. Raises Refused (404 NOT_FOUND), also after 30 days."""
    expire(connection)
    row = _row(connection, column, number)
    if row is None or row["created_at"] < clock.now(connection) - QUERY_SECONDS:
        raise _unknown()
    answer = {
        "mch_id": keys.wechat_sp_mchid,
        "out_bill_no": row["out_bill_no"],
        "transfer_bill_no": row["transfer_bill_no"],
        "appid": row["appid"],
        "state": row["state"],
        "transfer_amount": row["amount"],
        "transfer_remark": row["remark"],
        "openid": row["openid"],
        "create_time": rfc3339(row["created_at"]),
        "update_time": rfc3339(row["updated_at"]),
    }
    return answer if row["fail_reason"] is None else answer | {"fail_reason": row["fail_reason"]}


def cancel(connection: sqlite3.Connection, out_bill_no: str) -> dict[str, object]:
    """Take back what nobody has confirmed yet; it is CANCELING for `refund_seconds`. Raises Refused."""
    expire(connection)
    row = _row(connection, "out_bill_no", out_bill_no)
    if row is None:
        raise _unknown()
    if row["state"] in ("SUCCESS", "FAIL"):
        raise against_the_rules("当前单据状态不支持撤销")
    if row["state"] == "WAIT_USER_CONFIRM":
        row = _move(connection, row, "CANCELING", None)
    return {
        "out_bill_no": row["out_bill_no"],
        "transfer_bill_no": row["transfer_bill_no"],
        "state": row["state"],
        "update_time": rfc3339(row["updated_at"]),
    }


def waiting_for(connection: sqlite3.Connection, openids: list[str]) -> list[dict[str, object]]:
    """What a receiver may confirm now, oldest first: as the wallet shows it."""
    rows = connection.execute(
        "SELECT * FROM wechat_transfers WHERE state = 'WAIT_USER_CONFIRM' AND expires_at > ? ORDER BY created_at",
        (clock.now(connection),),
    )
    return [_for_wallet(row) for row in rows if row["openid"] in openids]


def by_package(connection: sqlite3.Connection, package_info: str) -> dict[str, object] | None:
    """One transfer as the wallet shows it, in whatever state."""
    row = _row(connection, "package_info", package_info)
    return None if row is None else _for_wallet(row)


def confirm(connection: sqlite3.Connection, *, package_info: str, openid: str) -> dict[str, object]:
    """The receiver takes the money into his balance. Must run in a `writing()` block.

    Gives the transfer as the wallet shows it. Raises CannotConfirm; then nothing has changed.
    """
    row = _row(connection, "package_info", package_info)
    if row is None:
        raise CannotConfirm("没有这笔转账")
    if row["openid"] != openid:
        raise CannotConfirm("这笔转账不是给您的")
    if row["state"] != "WAIT_USER_CONFIRM":
        raise CannotConfirm("这笔转账已经收过了" if row["state"] == "SUCCESS" else "这笔转账已经取消")
    if clock.now(connection) >= row["expires_at"]:
        raise CannotConfirm("超过24小时未收，转账已退回")
    holder = connection.execute("SELECT payer FROM wechat_openids WHERE openid = ?", (openid,)).fetchone()
    accounts.account(connection, holder["payer"], "wechat")
    accounts.move(connection, holder["payer"], "wechat", accounts.BALANCE, row["amount"])
    return _for_wallet(_end(connection, row, "SUCCESS", None))


def expire_due(store: Store) -> None:
    """End the transfers that nobody confirmed in time, and those that are being taken back."""
    with store.reading() as connection:
        if not _due(connection):
            return
    with store.writing() as connection:
        expire(connection)


def expire(connection: sqlite3.Connection) -> None:
    """The same inside a `writing()` block."""
    for row in _due(connection):
        if row["state"] == "CANCELING":
            _end(connection, row, "CANCELLED", "MCH_CANCEL")
        else:
            _end(connection, row, "FAIL", "OVERDUE_CLOSE")


def _due(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    now = clock.now(connection)
    return connection.execute(
        "SELECT * FROM wechat_transfers WHERE state = 'WAIT_USER_CONFIRM' AND expires_at <= ?"
        " UNION ALL SELECT * FROM wechat_transfers WHERE state = 'CANCELING' AND updated_at <= ?",
        (now, now - setting(connection, "refund_seconds")),
    ).fetchall()


def _end(connection: sqlite3.Connection, row: sqlite3.Row, state: str, reason: str | None) -> sqlite3.Row:
    row = _move(connection, row, state, reason)
    if state != "SUCCESS":
        funds.move(connection, _flow(row, row["amount"], "商家转账退回"))
    if row["notify_url"] is not None:
        _tell(connection, row)
    return row


def _tell(connection: sqlite3.Connection, row: sqlite3.Row) -> None:
    sender = connection.execute("SELECT value FROM keys WHERE name = 'wechat_sp_mchid'").fetchone()
    plain: dict[str, object] = {
        "out_bill_no": row["out_bill_no"],
        "transfer_bill_no": row["transfer_bill_no"],
        "state": row["state"],
        "mch_id": sender["value"],
        "transfer_amount": row["amount"],
        "openid": row["openid"],
        "create_time": rfc3339(row["created_at"]),
        "update_time": rfc3339(row["updated_at"]),
    }
    if row["fail_reason"] is not None:
        plain["fail_reason"] = row["fail_reason"]
    if row["state"] == "SUCCESS":
        plain["payment_method_type"] = "CFT"
    notices.tell(
        connection, row["notify_url"], "MCHTRANSFER.BILL.FINISHED", "mch_payment", "商家转账单据终态通知", plain
    )


def _move(connection: sqlite3.Connection, row: sqlite3.Row, state: str, reason: str | None) -> sqlite3.Row:
    moved: sqlite3.Row = connection.execute(
        "UPDATE wechat_transfers SET state = ?, fail_reason = ?, updated_at = ? WHERE out_bill_no = ? RETURNING *",
        (state, reason, clock.now(connection), row["out_bill_no"]),
    ).fetchone()
    return moved


def _refuse_short_account(connection: sqlite3.Connection, body: dict) -> None:
    if body["transfer_amount"] > funds.balance(connection, "OPERATION") or faults.taken(
        connection, "wechat", "not_enough", (body["out_bill_no"],)
    ):
        raise Refused(403, "NOT_ENOUGH", "运营账户余额不足，请充值后使用原单号重试")


def _insert(connection: sqlite3.Connection, keys: Keys, body: dict, request: str) -> sqlite3.Row:
    now = clock.now(connection)
    row: sqlite3.Row = connection.execute(
        "INSERT INTO wechat_transfers (out_bill_no, transfer_bill_no, package_info, request, appid, scene, openid,"
        " amount, remark, shown_as, notify_url, state, created_at, expires_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'WAIT_USER_CONFIRM', ?, ?, ?) RETURNING *",
        (
            body["out_bill_no"],
            number_of_day("1330000" + keys.wechat_sp_mchid, 40, now),
            secrets.token_urlsafe(48),
            request,
            body["appid"],
            body["transfer_scene_id"],
            body["openid"],
            body["transfer_amount"],
            body["transfer_remark"],
            body.get("user_recv_perception") or SCENES[body["transfer_scene_id"]].shown_as[0],
            body.get("notify_url"),
            now,
            now + LIFE_SECONDS,
            now,
        ),
    ).fetchone()
    funds.move(connection, _flow(row, -row["amount"], "商家转账"))
    return row


def _flow(row: sqlite3.Row, amount: int, kind: str) -> funds.Flow:
    return funds.Flow(
        "OPERATION", row["transfer_bill_no"], "商家转账", kind, amount, row["remark"], row["out_bill_no"], "API"
    )


def _for_wallet(row: sqlite3.Row) -> dict[str, object]:
    names = ("package_info", "transfer_bill_no", "openid", "amount", "remark", "shown_as", "state", "expires_at")
    return {name: row[name] for name in names}


def _row(connection: sqlite3.Connection, column: str, number: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(_BY[column], (number,)).fetchone()
    return row


def _unknown() -> Refused:
    return Refused(404, "NOT_FOUND", "转账单不存在")
