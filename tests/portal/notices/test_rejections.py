"""What is not from a wallet leaves no trace: forged, stale, a probe, too long, the wrong way."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from flask.testing import FlaskClient

from portal.notices.rules import BODY_MOST
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from tests.conftest import TestDatabase
from tests.portal.notices.conftest import SHOP, Books, Jd, Message, Teller, Wechat, answer_of
from tests.portal.wallets.conftest import WechatSide

PROBE = "WECHATPAY/SIGNTEST/"


def signed(message: Message, **headers: str) -> Message:
    return replace(message, headers={**message.headers, **headers})


@pytest.fixture
def genuine(wechat_teller: Wechat, books: Books) -> Message:
    """A notice that would be booked as it is."""
    return wechat_teller.paid(books.order(wechat_teller.acquirer))


def refused(message: Message, client: FlaskClient, books: Books) -> int:
    status, body = answer_of(message.send(client))
    assert b"SUCCESS" not in body
    books.assert_untouched()
    return status


@pytest.mark.parametrize("place", [0, 40, -3])
def test_one_changed_byte_is_a_forgery(genuine: Message, client: FlaskClient, books: Books, place: int) -> None:
    changed = bytearray(genuine.body)
    changed[place] ^= 1
    assert refused(replace(genuine, body=bytes(changed)), client, books) == 401


def test_a_signature_of_another_key_is_a_forgery(genuine: Message, client: FlaskClient, books: Books) -> None:
    stranger = WechatSide(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    forged = replace(genuine, headers=stranger.headers(genuine.body, at=now()))
    assert refused(forged, client, books) == 401


@pytest.mark.parametrize("seconds", [-301, 301, -86_400])
def test_a_notice_signed_too_long_ago_or_ahead_is_refused(
    genuine: Message, wechat_teller: Wechat, client: FlaskClient, books: Books, seconds: int
) -> None:
    at = now() + timedelta(seconds=seconds)
    stale = replace(genuine, headers=wechat_teller.side.headers(genuine.body, at=at))
    assert refused(stale, client, books) == 401


def test_a_notice_signed_four_minutes_ago_is_fresh(
    genuine: Message, wechat_teller: Wechat, client: FlaskClient, books: Books
) -> None:
    at = now() - timedelta(seconds=240)
    assert replace(genuine, headers=wechat_teller.side.headers(genuine.body, at=at)).send(client).status_code == 204
    assert books.inbox() == [(SHOP, "applied", "")]


def test_the_wallets_probe_is_refused_like_any_forgery(
    genuine: Message, client: FlaskClient, books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = PROBE + genuine.headers["Wechatpay-Signature"]
    assert refused(signed(genuine, **{"Wechatpay-Signature": wrong}), client, books) == 401
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


def test_a_key_nobody_has_told_us_of_is_refused(genuine: Message, client: FlaskClient, books: Books) -> None:
    assert refused(signed(genuine, **{"Wechatpay-Serial": "PUB_KEY_ID_9"}), client, books) == 401


@pytest.mark.parametrize("name", ["Timestamp", "Nonce", "Signature", "Serial"])
def test_a_notice_without_one_of_its_headers_is_refused(
    genuine: Message, client: FlaskClient, books: Books, name: str
) -> None:
    headers = {key: value for key, value in genuine.headers.items() if not key.endswith(name)}
    assert refused(replace(genuine, headers=headers), client, books) == 401


@pytest.mark.parametrize(
    "changes",
    [{"sp_mchid": "1900000009"}, {"sub_mchid": "1900000001"}, {"trade_state": "ODD"}, {"amount": {"total": "twelve"}}],
)
def test_what_is_signed_but_not_for_us_or_not_readable_is_refused(
    wechat_teller: Wechat, client: FlaskClient, books: Books, changes: Mapping[str, Any]
) -> None:
    plain = wechat_teller.order(books.order(wechat_teller.acquirer), amount=1234, transaction="T1") | dict(changes)
    assert refused(wechat_teller.tell("TRANSACTION.SUCCESS", plain), client, books) == 400


def test_an_envelope_sealed_with_another_key_is_refused(
    wechat_teller: Wechat, client: FlaskClient, books: Books
) -> None:
    body = wechat_teller.side.notice("TRANSACTION.SUCCESS", {}, apiv3_key="f" * 32)
    message = Message(wechat_teller.path, body, wechat_teller.side.headers(body, at=now()))
    assert refused(message, client, books) == 400


def test_jds_seal_under_another_key_is_a_forgery(jdpay_teller: Jd, client: FlaskClient, books: Books) -> None:
    fields = {"outTradeNo": books.order(jdpay_teller.acquirer), "payStatus": "FINISH", "piAmount": 1234}
    assert refused(jdpay_teller.tell(fields, md5_key="guessed"), client, books) == 401


def test_jds_notice_with_one_changed_sign_is_a_forgery(jdpay_teller: Jd, client: FlaskClient, books: Books) -> None:
    message = jdpay_teller.paid(books.order(jdpay_teller.acquirer))
    envelope = json.loads(message.body)
    envelope["sign"] = envelope["sign"][:-1] + ("0" if envelope["sign"][-1] != "0" else "1")
    assert refused(replace(message, body=json.dumps(envelope).encode()), client, books) == 401


def test_a_shop_that_knows_its_own_keys_cannot_speak_for_another(
    jdpay_teller: Jd, client: FlaskClient, books: Books
) -> None:
    message = jdpay_teller.paid(books.order(jdpay_teller.acquirer))
    envelope = json.loads(message.body) | {"merchantNo": f"JD{SHOP + 1}"}
    assert refused(replace(message, body=json.dumps(envelope).encode()), client, books) == 401


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'{"merchantNo": 1}', b"\xff\xfe", b"<xml/>"])
def test_whatever_is_no_notice_is_refused(teller: Teller, client: FlaskClient, books: Books, body: bytes) -> None:
    assert refused(Message(teller.path, body), client, books) in (400, 401)


def test_a_body_of_more_than_64_kib_is_too_large(teller: Teller, client: FlaskClient, books: Books) -> None:
    assert refused(Message(teller.path, b"x" * (BODY_MOST + 1)), client, books) == 413
    assert refused(Message(teller.path, b"x" * BODY_MOST), client, books) in (400, 401)


@pytest.mark.parametrize("length", ["1", "0", "-1", "x", ""])
def test_a_length_that_is_no_length_of_the_body_is_refused(
    genuine: Message, client: FlaskClient, books: Books, length: str
) -> None:
    response = genuine.send(client, environ_overrides={"CONTENT_LENGTH": length})
    assert answer_of(response)[0] == 401
    books.assert_untouched()


def test_a_body_shorter_than_it_says_is_refused(genuine: Message, client: FlaskClient, books: Books) -> None:
    longer = str(len(genuine.body) + 1)
    assert answer_of(genuine.send(client, environ_overrides={"CONTENT_LENGTH": longer}))[0] == 400
    books.assert_untouched()


def test_a_body_sent_in_pieces_is_read_up_to_the_limit(genuine: Message, client: FlaskClient, books: Books) -> None:
    """As a server hands on a chunked request: no length, but an end."""
    pieces = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    too_long = Message(genuine.path, b"x" * (BODY_MOST + 1), genuine.headers)
    assert answer_of(too_long.send(client, environ_overrides=pieces))[0] == 413
    books.assert_untouched()
    assert answer_of(genuine.send(client, environ_overrides=pieces))[0] == 204
    assert books.inbox() == [(SHOP, "applied", "")]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/notify/wechat", "/notify/jdpay"])
def test_a_notice_comes_by_post_and_no_other_way(client: FlaskClient, books: Books, method: str, path: str) -> None:
    assert client.open(path, method=method).status_code == 405
    books.assert_untouched()


def test_the_stored_body_is_sealed_and_opens_to_what_was_sent(
    genuine: Message, client: FlaskClient, books: Books, keyring: Keyring, database: TestDatabase
) -> None:
    genuine.send(client)
    with psycopg.connect(database.staff) as connection:
        row = connection.execute("SELECT acquirer, notice_id, body_sealed FROM inbox_notices").fetchone()
    assert row is not None
    acquirer, notice_id, sealed = row
    assert "ciphertext" not in sealed
    assert keyring.open(sealed, place=f"inbox_notices|body|{acquirer}-{notice_id}").encode() == genuine.body


@pytest.mark.parametrize("role", ["app", "staff"])
@pytest.mark.parametrize("column", ["body_sealed", "body_sha256", "received_at", "merchant_id", "subject"])
def test_nobody_can_change_what_a_wallet_has_told(database: TestDatabase, role: str, column: str) -> None:
    with (
        psycopg.connect(getattr(database, role)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(f"UPDATE inbox_notices SET {column} = {column}")  # noqa: S608 - our own names
