"""Everything that is judged before a request is looked at for its business: headers, signature, and the JSON itself."""

import json
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from flask import Request
from werkzeug.datastructures import FileStorage

from sandbox.keys import Keys
from sandbox.wechat.errors import bad_parameter, bad_signature, wrong_field
from sandbox.wechat.fields import refuse_nulls_and_rare_characters
from sandbox.wechat.signing import SKEW_SECONDS, read_authorization, request_text, verifies

PREFIX = "/wechat"  # where the sandbox stands in for api.mch.weixin.qq.com; no part of what is signed


@dataclass(frozen=True)
class Call:
    """A request that is authentic and well formed."""

    mchid: str
    query: dict[str, str]
    body: dict[str, object]
    key_id: str  # Wechatpay-Serial: with which key sensitive fields were sealed, "" when not told
    file: FileStorage | None = None


def sent_path(request: Request) -> str:
    """Path and query exactly as sent, without the sandbox's own prefix."""
    raw = str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path.rstrip("?"))
    return raw.split("#")[0].removeprefix(PREFIX)


def plain_path(request: Request) -> str:
    """The decoded path, to find the endpoint by."""
    return unquote(sent_path(request).split("?")[0])


def read(request: Request, keys: Keys, *, is_upload: bool) -> Call:
    """Judge a request. Raises Refused: 400 for missing headers and broken JSON, 401 for a wrong signature."""
    if not request.headers.get("User-Agent") or not request.headers.get("Accept"):
        raise bad_parameter("Http头缺少Accept或User-Agent")
    if not request.accept_mimetypes.accept_json:
        raise bad_parameter("Http头Accept须为application/json")
    meta = _meta(request) if is_upload else None
    signed = request.get_data(cache=True) if meta is None else meta.encode()
    mchid = _refuse_unsigned(request, keys, signed)
    query = dict(parse_qsl(sent_path(request).partition("?")[2], keep_blank_values=True))
    key_id = request.headers.get("Wechatpay-Serial", "")
    if key_id and key_id != keys.wechat_public_key_id:
        raise wrong_field("Wechatpay-Serial", "微信支付公钥ID或平台证书序列号错误", key_id, location="header")
    body = _json(signed, request) if request.method in ("POST", "PUT", "PATCH") else {}
    return Call(mchid, query, body, key_id, request.files.get("file") if is_upload else None)


def _refuse_unsigned(request: Request, keys: Keys, signed: bytes) -> str:
    header = request.headers.get("Authorization", "")
    if not header:
        raise bad_signature("Http头缺少Authorization")
    pairs = read_authorization(header)
    if pairs is None:
        raise bad_signature("Http头Authorization值格式错误，请参考微信支付商户API请求签名规则")
    if pairs["mchid"] != keys.wechat_sp_mchid:
        raise bad_signature("商户号不存在或与商户证书不匹配")
    if pairs["serial_no"].upper() != keys.wechat_serial_no:
        raise bad_signature("商户证书序列号有误")
    timestamp = pairs["timestamp"]
    if not (timestamp.isascii() and timestamp.isdigit()) or abs(time.time() - int(timestamp)) > SKEW_SECONDS:
        raise bad_signature("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
    text = request_text(request.method, sent_path(request), timestamp, pairs["nonce_str"], signed)
    if not pairs["nonce_str"] or not verifies(keys.wechat_merchant_key, text, pairs["signature"]):
        raise bad_signature("签名错误，请检查后再试")
    return pairs["mchid"]


def _meta(request: Request) -> str:
    if request.mimetype != "multipart/form-data" or "boundary" not in request.mimetype_params:
        raise bad_parameter("Content-Type须为multipart/form-data并带有boundary")
    meta = request.form.get("meta")
    if meta is None:
        raise bad_parameter("缺少meta")
    return meta


def _json(raw: bytes, request: Request) -> dict[str, object]:
    if not raw:
        return {}
    if request.mimetype not in ("application/json", "multipart/form-data"):
        raise bad_parameter("Content-Type须为application/json")
    try:
        body = json.loads(raw.decode("utf-8"), parse_constant=_no_constants)
    except (ValueError, RecursionError):
        raise bad_parameter("请求报文不是合法的JSON") from None
    if not isinstance(body, dict):
        raise bad_parameter("请求报文不是JSON对象")
    refuse_nulls_and_rare_characters(body)
    return body


def _no_constants(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
