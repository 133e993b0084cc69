"""What SendSms does here: check as the gateway does, write the text from the template, keep it for the inbox.

The gateway's own limits per number (one in 30 seconds and so on) are settings of the real account and are not played.
"""

import json
import re
import secrets
import sqlite3
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from sandbox.keys import Keys
from sandbox.sms.refusals import Refusal, Undelivered

MOST_NUMBERS = 200
_BEIJING = timezone(timedelta(hours=8))
_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_MAINLAND = re.compile(r"\+861\d{10}")
_CODE_VALUE = re.compile(r"\d{0,6}")
_TEXT_ZH = "{} 是您的验证码，{} 分钟内有效。不要告诉任何人。"
_TEXT_EN = "{} is your Yima code, valid for {} minutes. Tell it to nobody."


def send(connection: sqlite3.Connection, keys: Keys, body: bytes) -> list[dict[str, Any]]:
    """Send to every number of a SendSms body; one status line per number. Raises Refusal."""
    order = _order(body)
    if order["SmsSdkAppId"] != keys.sms_sdk_app_id:
        raise Refusal("UnauthorizedOperation.SmsSdkAppIdVerifyFail", "SmsSdkAppId 不属于这个账号。")
    lines = []
    for number in order["PhoneNumberSet"]:
        phone = _e164(number)
        try:
            text = _text(keys, order, phone)
            lines.append(_status(phone, serial_no=_kept(connection, order, phone, text)))
        except Undelivered as problem:
            lines.append(_status(phone, code=problem.code, message=problem.message))
    return lines


def inbox(connection: sqlite3.Connection, phone: str | None) -> list[dict[str, Any]]:
    """The last hundred messages, newest first, of one number (E.164) or of all."""
    rows = connection.execute(
        "SELECT * FROM sms_messages WHERE ?1 IS NULL OR phone = ?1 ORDER BY id DESC LIMIT 100", (phone,)
    )
    return [
        {
            "id": row["serial_no"],
            "phone": row["phone"],
            "text": row["text"],
            "params": json.loads(row["params"]),
            "template_id": row["template_id"],
            "at": datetime.fromtimestamp(row["sent_at"], _BEIJING).isoformat(timespec="seconds"),
        }
        for row in rows
    ]


def _order(body: bytes) -> dict[str, Any]:
    try:
        order = json.loads(body)
    except ValueError as problem:
        raise Refusal("FailedOperation.JsonParseFail", "请求包体不是 JSON。") from problem
    if not isinstance(order, dict):
        raise Refusal("FailedOperation.JsonParseFail", "请求包体应是一个对象。")
    for name in ("SmsSdkAppId", "TemplateId"):
        if not isinstance(order.get(name), str):
            raise Refusal("MissingParameter", f"缺少 {name}。")
    numbers, values = order.get("PhoneNumberSet"), order.get("TemplateParamSet") or []
    if not isinstance(numbers, list) or not numbers or not all(isinstance(number, str) for number in numbers):
        raise Refusal("MissingParameter.EmptyPhoneNumberSet", "缺少 PhoneNumberSet。")
    if len(numbers) > MOST_NUMBERS:
        raise Refusal("LimitExceeded.PhoneNumberCountLimit", f"一次最多 {MOST_NUMBERS} 个号码。")
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Refusal("InvalidParameter", "TemplateParamSet 应是文本的列表。")
    return {**order, "TemplateParamSet": values}


def _e164(number: str) -> str:
    """Inside China the gateway also takes 0086…, 86… and the bare eleven digits."""
    plain = re.sub(r"^(0086|86)(?=1\d{10}$)", "", number)
    return f"+86{plain}" if re.fullmatch(r"1\d{10}", plain) else number


def _text(keys: Keys, order: Mapping[str, Any], phone: str) -> str:
    values: Sequence[str] = order["TemplateParamSet"]
    templates = {keys.sms_template_zh: _TEXT_ZH, keys.sms_template_en: _TEXT_EN}
    if not _PHONE.fullmatch(phone):
        raise Undelivered("InvalidParameterValue.IncorrectPhoneNumber", "the number is not E.164")
    if order["TemplateId"] not in templates:
        raise Undelivered("FailedOperation.TemplateUnapprovedOrNotExist", "template is not approved or does not exist")
    if not _MAINLAND.fullmatch(phone):
        code = "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone"
        raise Undelivered(code, "a mainland template does not go abroad")
    if order.get("SignName") != keys.sms_sign_name:
        raise Undelivered("FailedOperation.SignatureIncorrectOrUnapproved", "the signature is not approved")
    template = templates[order["TemplateId"]]
    if len(values) != template.count("{}"):
        code = "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
        raise Undelivered(code, "number of values differs from the template")
    if not all(_CODE_VALUE.fullmatch(value) for value in values):
        code = "InvalidParameterValue.TemplateParameterFormatError"
        raise Undelivered(code, "values of a code template are up to six digits")
    return f"【{keys.sms_sign_name}】" + template.format(*values)


def _kept(connection: sqlite3.Connection, order: Mapping[str, Any], phone: str, text: str) -> str:
    now = time.time()
    serial_no = f"{secrets.randbelow(9000) + 1000}:{secrets.randbelow(10**18):018d}{int(now)}"
    connection.execute(
        "INSERT INTO sms_messages (serial_no, phone, template_id, params, text, sent_at) VALUES (?, ?, ?, ?, ?, ?)",
        (serial_no, phone, order["TemplateId"], json.dumps(order["TemplateParamSet"]), text, now),
    )
    return serial_no


def _status(phone: str, *, serial_no: str = "", code: str = "Ok", message: str = "send success") -> dict[str, Any]:
    return {
        "SerialNo": serial_no,
        "PhoneNumber": phone,
        "Fee": 1 if code == "Ok" else 0,
        "SessionContext": "",
        "Code": code,
        "Message": message,
        "IsoCode": "CN" if _MAINLAND.fullmatch(phone) else "",
    }
