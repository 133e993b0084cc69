"""The address of bills, /jd/bapi (bapi.jdpay.com): a form `owner`, `data`, `md5`; a ZIP comes back.

`owner` is the number that a 12-digit merchant number begins with. For the merchants of an agent it is the agent's own
number here (unconfirmed). What JD says instead of a file is not public (unconfirmed): 403 to a seal that is wrong, 404
where there is no file, or none yet.
"""

import base64
import hmac
import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from flask import Blueprint, Response, current_app, jsonify, request

from sandbox import clock, faults
from sandbox.jd import billing, merchants
from sandbox.jd.v2.crypto import md5
from sandbox.keys import Keys
from sandbox.store import Store

LARGEST_BODY = 16 * 1024
OWNER_DIGITS = 9
_NAME = re.compile(r"(\d{8})(ordercreate|settle)_(\d{12})\.zip", re.ASCII)
_PATHS = {"ordercreate": "0001/0001", "settle": "0001/0003"}
_MAKERS: dict[str, Callable[[sqlite3.Connection, sqlite3.Row, date], bytes]] = {
    "ordercreate": billing.trades,
    "settle": billing.settled,
}

blueprint = Blueprint("bills", __name__)


class NoFile(LookupError):
    """There is none, or not yet, or not for this owner. `status` is what HTTP says."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Wish:
    """Which file: its kind, the Beijing day, the merchant."""

    kind: str
    day: date
    merchant_no: str


@blueprint.before_request
def limit_body() -> None:
    """The form is small."""
    request.max_content_length = LARGEST_BODY


@blueprint.post("/bapi/api/download.do")
def download() -> Response:
    """One file."""
    try:
        wish = _wish()
    except NoFile as problem:
        return _no_file(problem)
    return faults.around(
        _store(),
        faults.Call("jd", "bill", (wish.day.isoformat(), f"{wish.day:%Y%m%d}", wish.merchant_no)),
        faults.Answers(
            act=lambda: _given(wish),
            refuse=lambda: _no_file(NoFile(403, "没有权限")),
            fail=lambda: _no_file(NoFile(500, "系统异常")),
            spoil=_spoilt,
        ),
    )


def _wish() -> Wish:
    """What the form asks for, once its seal is found right. Raises NoFile."""
    owner, data, seal = (request.form.get(name, "") for name in ("owner", "data", "md5"))
    keys: Keys = current_app.extensions["keys"]
    key = {keys.jd_v2_merchant_no[:OWNER_DIGITS]: keys.jd_v2_bill_key, keys.jd_agent_no: keys.jd_bill_key}.get(owner)
    if key is None or not hmac.compare_digest(md5(data + key).encode(), seal.encode()):
        raise NoFile(403, "owner 或 md5 不对")
    try:
        # JD's own example writes the JSON with single quotes.
        told = json.loads(base64.b64decode(data, validate=True).decode().replace("'", '"'))
    except ValueError as problem:
        raise NoFile(400, "data 不是 Base64 的 JSON") from problem
    name = _NAME.fullmatch(str(told.get("name"))) if isinstance(told, dict) else None
    if name is None or told.get("path") != _PATHS[name[2]]:
        raise NoFile(404, "没有这个文件")
    try:
        day = datetime.strptime(name[1], "%Y%m%d").date()  # noqa: DTZ007 - a day of Beijing, no moment
    except ValueError as problem:
        raise NoFile(404, "没有这一天") from problem
    own = name[3] == keys.jd_v2_merchant_no
    if own != (owner != keys.jd_agent_no):
        raise NoFile(403, "不是这个 owner 的商户")
    return Wish(name[2], day, name[3])


def _given(wish: Wish) -> Response:
    try:
        with _store().writing() as connection:
            content = _made(connection, wish)
    except NoFile as problem:
        return _no_file(problem)
    name = f"{wish.day:%Y%m%d}{wish.kind}_{wish.merchant_no}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, content_type="application/zip", headers=headers)


def _made(connection: sqlite3.Connection, wish: Wish) -> bytes:
    merchant = merchants.find(connection, wish.merchant_no) or merchants.find(
        connection, wish.merchant_no, merchants.OWN
    )
    if merchant is None:
        raise NoFile(404, "没有这个商户")
    if not billing.is_ready(wish.day, clock.now(connection)):
        raise NoFile(404, "账单还没有生成，次日 10 点以后再取")
    if billing.is_withheld(connection, merchant, wish.day):
        raise NoFile(404, "账单还没有生成，请稍后再取")
    return _MAKERS[wish.kind](connection, merchant, wish.day)


def _no_file(problem: NoFile) -> Response:
    answer = jsonify({"code": problem.status, "message": str(problem)})
    answer.status_code = problem.status
    return answer


def _spoilt(answer: Response) -> Response:
    """A file has no signature: it arrives cut short."""
    if answer.status_code == 200:
        answer.set_data(answer.get_data()[:-32])
    return answer


def _store() -> Store:
    store: Store = current_app.extensions["store"]
    return store
