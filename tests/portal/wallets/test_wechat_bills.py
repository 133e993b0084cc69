"""Fetching WeChat Pay's bills: from its own addresses, unpacked and unsealed on the way, believed only when whole."""

import base64
import gzip
import hashlib
import io
import os
import tracemalloc
import zlib
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.wallets.bills import BillKind, BillState, BillToFetch
from portal.wallets.errors import WalletError, WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.port import Acquirer, Contract
from portal.wallets.transport import Answer, Budget
from portal.wallets.wechat import bill_files, bills
from tests.portal.wallets.conftest import SP_MCHID, SUB_MCHID, WechatSide
from tests.portal.wallets.recorded import refused, sent_by, signed, wechat_client

DAY = date(2026, 11, 20)
CONTRACT = Contract(Acquirer.WECHAT, SUB_MCHID)
TRADES = BillToFetch(BillKind.TRADES, DAY)
OURS = BillToFetch(BillKind.MERCHANT_FUNDS, DAY, CONTRACT)
PLAIN = "\ufeff记账时间,备注\r\n`2026-11-20 08:00:01,`包子\r\n".encode() * 30
URL = "https://api.mch.example/v3/billdownload/file?token=a%2Bb"
HASH = hashlib.sha1(PLAIN).hexdigest()


def file(content: bytes, **headers: str) -> Answer:
    return Answer(200, {"request-id": "08F-2", **headers}, content)


def where(side: WechatSide, *, url: str = URL, digest: str = HASH, kind: str = "SHA1") -> Answer:
    return signed(side, {"hash_type": kind, "hash_value": digest, "download_url": url})


def sealed(content: bytes, key: bytes, nonce: str) -> bytes:
    return AESGCM(key).encrypt(nonce.encode(), content, None)


def locked(key: RSAPrivateKey, content: bytes) -> str:
    padding = OAEP(mgf=MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)
    return base64.b64encode(key.public_key().encrypt(content, padding)).decode()


def entry(key: RSAPrivateKey, secret: bytes, number: int, content: bytes, **changes: Any) -> dict[str, Any]:
    return {
        "bill_sequence": number,
        "hash_type": "SHA1",
        "hash_value": hashlib.sha1(content).hexdigest(),
        "download_url": f"https://api.mch.example/v3/billdownload/file?token=part{number}",
        "encrypt_key": locked(key, secret),
        "nonce": "a8607ef79034c49c",
    } | changes


@pytest.mark.parametrize(
    ("bill", "path", "query"),
    [
        (TRADES, "tradebill", {"bill_type": ["ALL"]}),
        (
            BillToFetch(BillKind.TRADES, DAY, CONTRACT),
            "tradebill",
            {"bill_type": ["ALL"], "sub_mchid": [SUB_MCHID]},
        ),
        (BillToFetch(BillKind.FUNDS, DAY), "fundflowbill", {"account_type": ["BASIC"]}),
    ],
)
def test_a_bill_is_fetched_unpacked_and_digested(
    sections: dict[str, Any], wechat_side: WechatSide, bill: BillToFetch, path: str, query: dict[str, list[str]]
) -> None:
    client = wechat_client(sections, where(wechat_side), file(gzip.compress(PLAIN, mtime=0)))
    into = io.BytesIO(b"kept")
    into.seek(0, io.SEEK_END)
    found = bills.fetch_bill(client, bill, into=into, budget=Budget(1))
    assert (found.state, found.size) == (BillState.READY, len(PLAIN))
    assert found.sha256 == hashlib.sha256(PLAIN).hexdigest()
    assert into.getvalue() == b"kept" + PLAIN
    asked, fetched = sent_by(client)
    assert urlsplit(asked[1]).path == f"/v3/bill/{path}"
    assert parse_qs(urlsplit(asked[1]).query) == query | {"bill_date": ["2026-11-20"], "tar_type": ["GZIP"]}
    assert fetched[1] == URL
    assert fetched[2]["Authorization"].startswith("WECHATPAY2-SHA256-RSA2048 ")


@pytest.mark.parametrize(
    ("code", "status", "state"),
    [
        ("NO_STATEMENT_EXIST", 400, BillState.EMPTY),
        ("STATEMENT_CREATING", 400, BillState.NOT_READY),
        ("NO_AUTH", 403, BillState.NOT_PERMITTED),
    ],
)
def test_a_bill_that_is_not_there_is_an_answer(
    sections: dict[str, Any], code: str, status: int, state: BillState
) -> None:
    into = io.BytesIO()
    found = bills.fetch_bill(wechat_client(sections, refused(status, code)), OURS, into=into, budget=Budget(1))
    assert (found.state, found.size, into.getvalue()) == (state, 0, b"")


def test_a_permission_the_provider_does_not_have_is_not_asked_for(sections: dict[str, Any]) -> None:
    client = wechat_client(sections, merchant_bills=False)
    found = bills.fetch_bill(client, OURS, into=io.BytesIO(), budget=Budget(1))
    assert (found.state, sent_by(client)) == (BillState.NOT_PERMITTED, [])


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused(400, "INVALID_REQUEST"), WalletRefused),
        (refused(429, "FREQUENCY_LIMITED"), WalletUnavailable),
        (refused(500, "SYSTEM_ERROR"), WalletUnknown),
    ],
)
def test_a_bill_wechat_does_not_give_raises(sections: dict[str, Any], answer: Answer, error: type[WalletError]) -> None:
    with pytest.raises(error):
        bills.fetch_bill(wechat_client(sections, answer), TRADES, into=io.BytesIO(), budget=Budget(1))


@pytest.mark.parametrize(
    ("content", "digest", "code"),
    [
        (gzip.compress(PLAIN, mtime=0), "0" * 40, "BILL_DAMAGED"),
        (gzip.compress(PLAIN, mtime=0)[:-1], HASH, "BILL_DAMAGED"),
        (gzip.compress(PLAIN, mtime=0)[: len(PLAIN) // 50], HASH, "BILL_DAMAGED"),
        (gzip.compress(PLAIN, mtime=0) + b"x", HASH, "BILL_DAMAGED"),
        (PLAIN, HASH, "BILL_DAMAGED"),
        (b"", HASH, "BILL_DAMAGED"),
    ],
)
def test_a_file_that_is_not_whole_leaves_nothing_behind(
    sections: dict[str, Any], wechat_side: WechatSide, content: bytes, digest: str, code: str
) -> None:
    client = wechat_client(sections, where(wechat_side, digest=digest), file(content))
    into = io.BytesIO(b"kept")
    into.seek(0, io.SEEK_END)
    with pytest.raises(WalletUnknown) as found:
        bills.fetch_bill(client, TRADES, into=into, budget=Budget(1))
    assert (found.value.code, into.getvalue()) == (code, b"kept")


def test_a_file_in_several_members_is_one_file(sections: dict[str, Any], wechat_side: WechatSide) -> None:
    packed = gzip.compress(PLAIN[:100], mtime=0) + gzip.compress(PLAIN[100:])
    client = wechat_client(sections, where(wechat_side, digest=HASH.upper()), file(packed))
    into = io.BytesIO()
    bills.fetch_bill(client, TRADES, into=into, budget=Budget(1))
    assert into.getvalue() == PLAIN


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v3/billdownload/file?token=x",
        "https://api.mch.example.evil.example/v3/x",
        "http://api.mch.example/v3/x",
        "https://api.mch.example/v2/x",
        "file:///etc/passwd",
    ],
)
def test_a_file_at_another_host_is_not_fetched(sections: dict[str, Any], wechat_side: WechatSide, url: str) -> None:
    client = wechat_client(sections, where(wechat_side, url=url))
    with pytest.raises(WalletUnknown) as found:
        bills.fetch_bill(client, TRADES, into=io.BytesIO(), budget=Budget(1))
    assert found.value.code == "FOREIGN_ADDRESS"
    assert len(sent_by(client)) == 1


@pytest.mark.parametrize("answer", [{"hash_type": "MD5"}, {"download_url": ""}, {"hash_value": None}])
def test_an_address_without_a_digest_is_not_followed(
    sections: dict[str, Any], wechat_side: WechatSide, answer: dict[str, Any]
) -> None:
    told = {"hash_type": "SHA1", "hash_value": HASH, "download_url": URL} | answer
    with pytest.raises(WalletUnknown):
        bills.fetch_bill(
            wechat_client(sections, signed(wechat_side, told)), TRADES, into=io.BytesIO(), budget=Budget(1)
        )


@pytest.mark.parametrize(
    ("answer", "error"), [(refused(403, "NO_AUTH"), BillState.NOT_PERMITTED), (refused(400, "INVALID_REQUEST"), None)]
)
def test_a_download_that_is_refused_says_why(
    sections: dict[str, Any], wechat_side: WechatSide, answer: Answer, error: BillState | None
) -> None:
    client = wechat_client(sections, where(wechat_side), answer)
    if error is None:
        with pytest.raises(WalletRefused) as found:
            bills.fetch_bill(client, TRADES, into=io.BytesIO(), budget=Budget(1))
        assert found.value.request_id == "08F-1"
        return
    assert bills.fetch_bill(client, TRADES, into=io.BytesIO(), budget=Budget(1)).state is error


def test_a_download_that_breaks_off_begins_anew_at_the_other_address(
    sections: dict[str, Any], wechat_side: WechatSide
) -> None:
    packed = gzip.compress(PLAIN, mtime=0)
    client = wechat_client(
        sections,
        where(wechat_side),
        file(packed[:90], then="broken"),
        WalletUnknown("BROKEN_ANSWER"),
        file(packed),
        backup_gateway="https://api2.mch.example",
    )
    into = io.BytesIO()
    assert bills.fetch_bill(client, TRADES, into=into, budget=Budget(4)).state is BillState.READY
    assert into.getvalue() == PLAIN
    assert [urlsplit(sent[1]).hostname for sent in sent_by(client)][1:] == ["api.mch.example", "api2.mch.example"]


def merchant_bill(
    side: WechatSide, key: RSAPrivateKey, parts: list[bytes], *, order: list[int] | None = None
) -> tuple[Answer, list[Answer]]:
    """A sub-merchant's bill in sealed parts, listed in any order."""
    secret = b"0123456789abcdef0123456789abcdef"
    entries = [entry(key, secret, number, part) for number, part in enumerate(parts, 1)]
    listed = [entries[place - 1] for place in order or range(1, len(parts) + 1)]
    files = [file(sealed(gzip.compress(part, mtime=0), secret, "a8607ef79034c49c")) for part in parts]
    return signed(side, {"download_bill_count": len(parts), "download_bill_list": listed}), files


def test_a_sub_merchants_bill_is_unsealed_and_put_together_in_its_order(
    sections: dict[str, Any], wechat_side: WechatSide, merchant_key: RSAPrivateKey
) -> None:
    parts = [PLAIN[:500], PLAIN[500:900], PLAIN[900:]]
    listed, files = merchant_bill(wechat_side, merchant_key, parts, order=[3, 1, 2])
    client = wechat_client(sections, listed, *files)
    into = io.BytesIO()
    found = bills.fetch_bill(client, OURS, into=into, budget=Budget(1))
    assert (into.getvalue(), found.sha256) == (PLAIN, hashlib.sha256(PLAIN).hexdigest())
    query = parse_qs(urlsplit(sent_by(client)[0][1]).query)
    assert (query["sub_mchid"], query["algorithm"], query["account_type"]) == (
        [SUB_MCHID],
        ["AEAD_AES_256_GCM"],
        ["BASIC"],
    )


@pytest.mark.parametrize("place", [0, 40, -17, -16, -1])
def test_a_broken_seal_leaves_nothing_behind(
    sections: dict[str, Any], wechat_side: WechatSide, merchant_key: RSAPrivateKey, place: int
) -> None:
    listed, files = merchant_bill(wechat_side, merchant_key, [PLAIN[:500], PLAIN[500:]])
    broken = bytearray(files[1].body)
    broken[place] ^= 1
    into = io.BytesIO()
    with pytest.raises(WalletUnknown) as found:
        bills.fetch_bill(
            wechat_client(sections, listed, files[0], file(bytes(broken))), OURS, into=into, budget=Budget(1)
        )
    assert (found.value.code, into.getvalue()) == ("BILL_DAMAGED", b"")


def test_a_seal_that_is_cut_off_is_broken(
    sections: dict[str, Any], wechat_side: WechatSide, merchant_key: RSAPrivateKey
) -> None:
    listed, files = merchant_bill(wechat_side, merchant_key, [PLAIN])
    for length in (0, 1, 15, 16, len(files[0].body) - 1):
        client = wechat_client(sections, listed, file(files[0].body[:length]))
        with pytest.raises(WalletUnknown):
            bills.fetch_bill(client, OURS, into=io.BytesIO(), budget=Budget(1))


@pytest.mark.parametrize(
    "change",
    [
        {"encrypt_key": "AAAA"},
        {"encrypt_key": "not base64"},
        {"nonce": ""},
        {"nonce": "short"},
        {"bill_sequence": 2},
        {"bill_sequence": "x"},
    ],
)
def test_a_list_of_parts_of_another_shape_is_unknown(
    sections: dict[str, Any], wechat_side: WechatSide, merchant_key: RSAPrivateKey, change: dict[str, Any]
) -> None:
    secret = b"0123456789abcdef0123456789abcdef"
    told = {"download_bill_count": 1, "download_bill_list": [entry(merchant_key, secret, 1, PLAIN, **change)]}
    packed = file(sealed(gzip.compress(PLAIN, mtime=0), secret, "a8607ef79034c49c"))
    with pytest.raises(WalletUnknown):
        bills.fetch_bill(
            wechat_client(sections, signed(wechat_side, told), packed), OURS, into=io.BytesIO(), budget=Budget(1)
        )


@pytest.mark.parametrize("told", [{}, {"download_bill_list": []}, {"download_bill_list": ["x"]}])
def test_a_sub_merchants_bill_without_parts_is_unknown(
    sections: dict[str, Any], wechat_side: WechatSide, told: dict[str, Any]
) -> None:
    client = wechat_client(sections, signed(wechat_side, told))
    with pytest.raises(WalletUnknown):
        bills.fetch_bill(client, OURS, into=io.BytesIO(), budget=Budget(1))


def test_a_key_of_the_wrong_length_opens_nothing(
    sections: dict[str, Any], wechat_side: WechatSide, merchant_key: RSAPrivateKey
) -> None:
    told = {"download_bill_count": 1, "download_bill_list": [entry(merchant_key, b"0" * 16, 1, PLAIN)]}
    packed = file(sealed(gzip.compress(PLAIN, mtime=0), b"0" * 16, "a8607ef79034c49c"))
    with pytest.raises(WalletUnknown):
        bills.fetch_bill(
            wechat_client(sections, signed(wechat_side, told), packed), OURS, into=io.BytesIO(), budget=Budget(1)
        )


def test_old_addresses_are_asked_for_again(
    sections: dict[str, Any], wechat_side: WechatSide, merchant_key: RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, files = merchant_bill(wechat_side, merchant_key, [PLAIN[:500], PLAIN[500:]])
    monkeypatch.setattr(bills, "GOOD_FOR_SECONDS", -1.0)
    client = wechat_client(sections, listed, listed, files[0], listed, files[1])
    into = io.BytesIO()
    bills.fetch_bill(client, OURS, into=into, budget=Budget(1))
    assert into.getvalue() == PLAIN
    other, _ = merchant_bill(wechat_side, merchant_key, [PLAIN, PLAIN])
    with pytest.raises(WalletUnknown) as found:
        bills.fetch_bill(wechat_client(sections, listed, other), OURS, into=io.BytesIO(), budget=Budget(1))
    assert found.value.code == "BILL_CHANGED"


@pytest.mark.parametrize("contract", [None, Contract(Acquirer.WECHAT, SP_MCHID)])
def test_whose_bill_it_is_must_be_said(sections: dict[str, Any], contract: Contract | None) -> None:
    bill = BillToFetch(BillKind.MERCHANT_FUNDS, DAY, contract)
    with pytest.raises(WalletRefused):
        bills.fetch_bill(wechat_client(sections), bill, into=io.BytesIO(), budget=Budget(1))


class Void(io.RawIOBase):
    """Counts what is written and keeps nothing."""

    size = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self.size += len(piece)
        return len(piece)


def test_a_hundred_megabytes_pass_through_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is well packed grows a thousandfold: the steps stay small, and the limit holds."""
    step, steps = os.urandom(512) * 2048, 100
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    packed = b"".join(packer.compress(step) for _ in range(steps)) + packer.flush()
    digest = hashlib.sha1()
    for _ in range(steps):
        digest.update(step)
    tracemalloc.start()
    try:
        into = Void()
        whole = bill_files.BillFile(into, seal=None)  # type: ignore[arg-type]
        whole.take(packed)
        whole.finish(digest.hexdigest())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert into.size == 100 * 1024 * 1024
    assert peak < 8 * 1024 * 1024
    monkeypatch.setattr(bill_files, "MOST_PLAIN", 50 * 1024 * 1024)
    with pytest.raises(WalletUnknown) as found:
        bill_files.BillFile(Void(), seal=None).take(packed)  # type: ignore[arg-type]
    assert found.value.code == "BILL_TOO_LONG"
