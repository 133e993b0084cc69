"""The strict reader: nothing is expanded, fetched or guessed, and whatever comes is read or refused at once."""

import time
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.wallets.jdpay.v2.xml import PROLOG, document, read_document
from portal.wallets.wire import MAX_MESSAGE_BYTES, UnreadableMessage

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "hostile",
    [
        f'<!DOCTYPE jdpay [<!ENTITY l0 "lol">{LAUGHS}]><jdpay><a>&l9;</a></jdpay>',
        '<!DOCTYPE jdpay [<!ENTITY x SYSTEM "file:///etc/passwd">]><jdpay><a>&x;</a></jdpay>',
        '<!DOCTYPE jdpay SYSTEM "http://127.0.0.1/x.dtd"><jdpay/>',
        "<!doctype jdpay><jdpay/>",
        "<jdpay><!-- a comment --></jdpay>",
        "<jdpay><a>&x;</a></jdpay>",
        '<?xml-stylesheet href="x"?><jdpay/>',
        "<jdpay><?php x ?></jdpay>",
        "<jdpay>" * 5000,
        "<jdpay>" + "<a/>" * 5000 + "</jdpay>",
        "<jdpay>" + "<a>" * 50 + "</a>" * 50 + "</jdpay>",
        "<other><a>1</a></other>",
        "<jdpay><a>1</jdpay>",
        "<jdpay/><jdpay/>",
        "",
        "text",
    ],
)
def test_it_refuses_at_once(hostile: str) -> None:
    started = time.perf_counter()
    with pytest.raises(UnreadableMessage):
        read_document(hostile.encode())
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    "raw",
    [
        '<?xml version="1.0" encoding="UTF-16"?><jdpay/>'.encode("utf-16"),
        "<jdpay><a>京东</a></jdpay>".encode("gbk"),
        b"<jdpay><a>\x00</a></jdpay>",
        b"<jdpay>" + b" " * MAX_MESSAGE_BYTES + b"</jdpay>",
    ],
)
def test_it_reads_utf8_and_nothing_longer_than_a_message(raw: bytes) -> None:
    with pytest.raises(UnreadableMessage):
        read_document(raw)


def test_another_encoding_in_the_prolog_changes_nothing() -> None:
    raw = '<?xml version="1.0" encoding="GBK" ?><jdpay><a>京东</a></jdpay>'.encode()
    assert read_document(raw).text("a") == "京东"


def test_it_reads_text_lists_and_marked_sections() -> None:
    root = read_document(
        b"<jdpay> <a> 1 </a><b><![CDATA[<x>]]></b><list><pay><n>1</n></pay><pay><n>2</n></pay></list><e/></jdpay>"
    )
    assert (root.text("a"), root.whole("a"), root.text("b"), root.optional_text("e")) == ("1", 1, "<x>", None)
    assert [pay.whole("n") for pay in root.every("list", "pay")] == [1, 2]
    assert list(root.every("none", "pay")) == []
    assert root.optional_whole("none") is None


@pytest.mark.parametrize(
    ("inner", "path"),
    [("<a>1</a><a>2</a>", "a"), ("", "a"), ("<a/>", "a"), ("<a><b>1</b></a>", "a")],
)
def test_a_field_that_is_absent_double_or_more_than_text_is_unreadable(inner: str, path: str) -> None:
    with pytest.raises(UnreadableMessage):
        read_document(f"<jdpay>{inner}</jdpay>".encode()).text(path)


@pytest.mark.parametrize("digits", ["-1", "1.0", "1e3", "٣", "9" * 17, "9007199254740993", "0x1", ""])
def test_an_amount_that_is_none_is_unreadable(digits: str) -> None:
    with pytest.raises(UnreadableMessage):
        read_document(f"<jdpay><a>{digits}</a></jdpay>".encode()).whole("a")


def test_it_writes_one_line_without_a_blank_between_elements() -> None:
    assert document([("a", "1\t2\r\n3"), ("b", "<&>")]) == (f"{PROLOG}<jdpay><a>1 2 3</a><b>&lt;&amp;&gt;</b></jdpay>")


text = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1)


@given(text)
def test_what_is_written_is_read_again(value: str) -> None:
    one_line = " ".join(value.split())
    read = read_document(document([("a", value)]).encode()).optional_text("a")
    assert (read or "") == one_line.strip()


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda inner: f"<jdpay>{escape(inner)}</jdpay>".encode()))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        read_document(raw)
    except UnreadableMessage:
        return
