"""Strict JSON, acceptable text, Chinese wall-clock times."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.wallets import wire


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'"text"',
        b"{",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b'{"\\ud800":1}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
        b" " * (wire.MAX_MESSAGE_BYTES + 1),
    ],
)
def test_it_refuses_what_is_not_one_plain_object(raw: bytes) -> None:
    with pytest.raises(wire.UnreadableMessage):
        wire.read_object(raw)


@given(st.binary(max_size=300))
def test_any_bytes_are_an_object_or_unreadable(raw: bytes) -> None:
    with contextlib.suppress(wire.UnreadableMessage):
        assert isinstance(wire.read_object(raw), dict)


def test_it_never_writes_null() -> None:
    assert wire.write_object({"a": None, "b": {"c": None, "d": "京"}}) == '{"b":{"d":"京"}}'.encode()


@pytest.mark.parametrize("value", [True, -1, 1.0, "1.0", "-1", "１", "", "9" * 17, 2**53 + 1, None, [1]])
def test_it_takes_only_whole_numbers_for_fen(value: object) -> None:
    with pytest.raises(wire.UnreadableMessage):
        wire.whole_at({"amount": {"total": value}}, "amount", "total")


def test_it_reads_fen_as_a_number_or_as_digits() -> None:
    assert wire.whole_at({"a": 1234}, "a") == wire.whole_at({"a": "1234"}, "a") == 1234


@pytest.mark.parametrize("written", ["2026-11-21T12:31:05", "yesterday", "0001-01-01T00:00:00+23:59", 5])
def test_it_refuses_a_moment_without_a_zone_or_sense(written: object) -> None:
    with pytest.raises(wire.UnreadableMessage):
        wire.moment_at({"at": written}, "at")


def test_times_carry_the_chinese_offset() -> None:
    moment = datetime(2026, 12, 31, 16, 0, 0, 999, tzinfo=UTC)
    assert wire.rfc3339(moment) == "2027-01-01T00:00:00+08:00"
    assert wire.digits_of(moment) == "20270101000000"


def test_it_drops_emoji_and_control_signs_but_keeps_chinese() -> None:
    assert wire.acceptable_text("老王\u0000包子🥟铺\n 一店") == "老王包子铺 一店"


@given(st.text(max_size=300))
def test_acceptable_text_fits_into_three_bytes_a_sign_and_its_limits(text: str) -> None:
    kept = wire.acceptable_text(text, characters=127, utf8_bytes=80)
    assert all(ord(sign) <= 0xFFFF for sign in kept)
    assert len(kept.encode()) <= 80
    assert kept == kept.strip()
