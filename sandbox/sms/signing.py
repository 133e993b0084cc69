"""Proves a request to Tencent Cloud's API: TC3-HMAC-SHA256, as described in cloud.tencent.com/document/api/382/52072.

The client signs method, path, query, the named headers, the body's hash and the time under a key derived from its
secret, the UTC day and the service.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from sandbox.sms.refusals import Refusal

ALGORITHM = "TC3-HMAC-SHA256"
SERVICE = "sms"
CLOCK_SECONDS = 300
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=(?P<secret_id>[^/, ]+)/(?P<day>\d{{4}}-\d\d-\d\d)/(?P<service>[a-z]+)/tc3_request, ?"
    r"SignedHeaders=(?P<names>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
_MUST_BE_SIGNED = {"content-type", "host"}


def verify(
    *,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    secret_id: str,
    secret_key: str,
    now: float,
) -> None:
    """Raise Refusal (AuthFailure.*) unless this POST was signed with the secret within five minutes of `now`.

    `headers` has lower-case names; `now` is unix seconds.
    """
    parts = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if parts is None or parts["service"] != SERVICE:
        raise Refusal("AuthFailure.InvalidAuthorization", "Authorization 不符合 TC3-HMAC-SHA256 的格式。")
    names = parts["names"].split(";")
    if names != sorted(names) or not _MUST_BE_SIGNED.issubset(names):
        raise Refusal("AuthFailure.InvalidAuthorization", "SignedHeaders 至少要有 content-type;host，并按字母排序。")
    timestamp = headers.get("x-tc-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 11:
        raise Refusal("MissingParameter", "缺少 X-TC-Timestamp。")
    day = datetime.fromtimestamp(int(timestamp), UTC).strftime("%Y-%m-%d")
    if abs(now - int(timestamp)) > CLOCK_SECONDS or day != parts["day"]:
        raise Refusal("AuthFailure.SignatureExpire", "签名的时间与现在相差超过五分钟，或日期不符。")
    if not hmac.compare_digest(parts["secret_id"].encode(), secret_id.encode()):
        raise Refusal("AuthFailure.SecretIdNotFound", "SecretId 不存在。")
    signed = "".join(f"{name}:{headers.get(name, '').strip().lower()}\n" for name in names)
    canonical = "\n".join(("POST", path, query, signed, parts["names"], hashlib.sha256(body).hexdigest()))
    scope = f"{day}/{SERVICE}/tc3_request"
    to_sign = "\n".join((ALGORITHM, timestamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    if not hmac.compare_digest(_signature(secret_key, day, to_sign), parts["signature"]):
        raise Refusal("AuthFailure.SignatureFailure", "签名不符，请检查签名的计算过程。")


def _signature(secret_key: str, day: str, to_sign: str) -> str:
    key = f"TC3{secret_key}".encode()
    for step in (day, SERVICE, "tc3_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()
