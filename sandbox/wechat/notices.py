"""What WeChat Pay tells the provider's server (partner docs 4012085146 payment, 4013080623 refund)."""

import json
import secrets
import sqlite3
import uuid
from collections.abc import Mapping

from sandbox import clock
from sandbox.keys import Keys
from sandbox.notifier import Notifier, Prepare, enqueue
from sandbox.wechat.signing import encrypt_resource, signed_headers
from sandbox.wechat.times import rfc3339

SENDER = "wechat"
KINDS = {"transaction": "payment", "refund": "refund", "mch_payment": "transfer"}  # by what the resource was


def tell(
    connection: sqlite3.Connection,
    url: str,
    event_type: str,
    original_type: str,
    summary: str,
    plain: Mapping[str, object],
) -> None:
    """Queue a notice in the transaction of the fact it tells. Its id stays the same over all deliveries."""
    payload = {
        "id": str(uuid.uuid4()),
        "create_time": rfc3339(clock.now(connection)),
        "event_type": event_type,
        "original_type": original_type,
        "summary": summary,
        "plain": dict(plain),
    }
    order_no = str(plain.get("out_trade_no", ""))
    number = str(plain.get("out_refund_no") or plain.get("out_bill_no") or order_no)
    kind = KINDS.get(original_type, "payment")
    enqueue(connection, sender=SENDER, url=url, payload=payload, kind=kind, number=number, order_no=order_no)


def register(notifier: Notifier, keys: Keys) -> None:
    """Teach the notifier how WeChat encrypts and signs, and which answers end the repetition."""
    notifier.register(SENDER, _preparing(keys), accepted)


def _preparing(keys: Keys) -> Prepare:
    def prepare(payload: dict) -> tuple[Mapping[str, str], bytes]:
        nonce, associated_data = secrets.token_hex(6), payload["original_type"]
        plain = json.dumps(payload["plain"], ensure_ascii=False, separators=(",", ":")).encode()
        notice = {name: payload[name] for name in ("id", "create_time", "event_type", "summary")}
        notice["resource_type"] = "encrypt-resource"
        notice["resource"] = {
            "original_type": payload["original_type"],
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": encrypt_resource(keys.wechat_apiv3_key, nonce, associated_data, plain),
            "associated_data": associated_data,
            "nonce": nonce,
        }
        body = json.dumps(notice, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", "Accept": "*/*", "User-Agent": "Mozilla/4.0"}
        return headers | signed_headers(keys.wechat_key, keys.wechat_public_key_id, body), body

    return prepare


def accepted(status: int, body: bytes) -> bool:
    """200 or 204 ends the repetition, unless the body itself says FAIL."""
    return status in (200, 204) and b'"FAIL"' not in body
