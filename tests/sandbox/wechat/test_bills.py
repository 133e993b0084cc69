"""Bills: when they are there, what stands in them, and how they are fetched."""

import base64
import gzip
import hashlib
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.payers.money import Grant, Paid
from sandbox.wechat import bill_files, bill_text
from tests.sandbox.wechat.conftest import Till

THREE_OFF = Paid(1700, (Grant("900001", "立减三元", 300, "wallet"),), "CMB_CREDIT", "招商银行信用卡5518")
NASTY = "一,二`三\"四'五\\六\t七"
DAY = f"{datetime.now(timezone(timedelta(hours=8))):%Y-%m-%d}"


def ask(till: Till, bill: str = "tradebill", **query: str) -> Any:
    text = "&".join(f"{name}={value}" for name, value in ({"bill_date": DAY} | query).items())
    return till.call("GET", f"/v3/bill/{bill}?{text}")


def fetch(till: Till, offer: dict[str, Any]) -> bytes:
    answer = till.call("GET", offer["download_url"].partition("/wechat")[2])
    assert answer.status_code == 200, answer.text
    assert "Wechatpay-Signature" not in answer.headers
    return answer.data


def read(till: Till, **query: str) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Lines and summary of a trade bill, its hash checked."""
    answer = ask(till, **query)
    assert answer.status_code == 200, answer.text
    raw = fetch(till, answer.json)
    plain = gzip.decompress(raw) if "tar_type" in query else raw
    assert hashlib.sha1(plain).hexdigest() == answer.json["hash_value"]
    return parsed(plain)


def parsed(plain: bytes) -> tuple[list[dict[str, str]], dict[str, str]]:
    assert plain.startswith(b"\xef\xbb\xbf")
    lines = plain.decode("utf-8-sig").split("\r\n")
    assert lines.pop() == ""
    header, *rows, summary_header, summary = lines
    assert all(value.startswith("`") for row in (*rows, summary) for value in row.split(","))
    told = [dict(zip(header.split(","), row[1:].split(",`"), strict=True)) for row in rows]
    return told, dict(zip(summary_header.split(","), summary[1:].split(",`"), strict=True))


def trade(till: Till) -> None:
    """A day: 20.00 with three yuan off and half refunded, 12.34 with words that have to be escaped."""
    till.paid(total=2000, paid=THREE_OFF)
    till.paid(out_trade_no="T00000002", total=1234, attach=NASTY, description=NASTY)
    till.call("POST", "/v3/refund/domestic/refunds", till.refund("R1", 1000, 2000))
    till.call("POST", "/v3/refund/domestic/refunds", till.refund("R2", 34, out_trade_no="T00000002"))
    path = f"/v3/refund/domestic/refunds/R2?sub_mchid={till.given['sub_mchid']}"
    till.until(lambda: till.call("GET", path).json["status"], "SUCCESS")


@pytest.fixture
def morning(till: Till) -> Till:
    trade(till)
    till.move(to="next_morning")
    return till


def test_a_day_reads_as_it_was(morning: Till) -> None:
    lines, summary = read(morning, tar_type="GZIP")
    first, second, third, fourth = lines
    assert (first["商户订单号"], first["交易状态"], first["订单金额"]) == ("T00000001", "SUCCESS", "20.00")
    assert (first["代金券金额"], first["手续费"], first["费率"]) == ("3.00", "0.08000", "0.38%")
    assert (first["微信退款单号"], first["退款金额"], first["退款状态"]) == ("0", "0.00", "")
    assert (third["商户退款单号"], third["交易状态"], third["申请退款金额"]) == ("R1", "REFUND", "10.00")
    assert (third["充值券退款金额"], third["手续费"], third["订单金额"]) == ("1.50", "-0.04000", "0.00")
    assert (third["退款类型"], third["退款状态"]) == ("ORIGINAL", "SUCCESS")
    assert second["商户数据包"] == "一\\ 二\\`三\\\"四\\'五\\\\六\\t七"
    assert fourth["商户数据包"] == "一\\ 二\\140三\\\"四'五\\\\六\\t七"
    assert summary == {
        "总交易单数": "4",
        "应结订单总金额": "32.34",
        "退款总金额": "10.34",
        "充值券退款总金额": "1.50",
        "手续费总金额": "0.09000",
        "订单总金额": "32.34",
        "申请退款总金额": "10.34",
    }


def test_it_names_its_columns_as_documented() -> None:
    assert [len(bill_text.TRADE_COLUMNS[kind]) for kind in ("ALL", "SUCCESS", "REFUND")] == [27, 20, 29]
    assert len(bill_text.FUND_COLUMNS) == 11


def test_success_and_refund_bills_have_their_own_lines(morning: Till) -> None:
    paid, sums = read(morning, bill_type="SUCCESS")
    assert [line["商户订单号"] for line in paid] == ["T00000001", "T00000002"]
    assert sums == {"总交易单数": "2", "应结订单总金额": "32.34", "手续费总金额": "0.13000", "订单总金额": "32.34"}
    refunded, _ = read(morning, bill_type="REFUND")
    assert [line["商户退款单号"] for line in refunded] == ["R1", "R2"]
    assert refunded[0]["退款申请时间"] == refunded[0]["交易时间"]
    assert refunded[0]["退款成功时间"] >= refunded[0]["退款申请时间"]


def test_the_snapshot_is_taken_at_nine_and_never_changes(till: Till) -> None:
    till.paid()
    till.set(refund_seconds=2 * 86_400)
    till.call("POST", "/v3/refund/domestic/refunds", till.refund("R1", 1000))
    till.move(to="next_morning")
    first = ask(till).json["hash_value"]
    till.move(advance_seconds=2 * 86_400)
    path = f"/v3/refund/domestic/refunds/R1?sub_mchid={till.given['sub_mchid']}"
    till.until(lambda: till.call("GET", path).json["status"], "SUCCESS")
    assert ask(till).json["hash_value"] == first
    assert read(till)[0][1]["退款状态"] == "PROCESSING"


def test_one_sub_merchant_can_be_asked_for(morning: Till) -> None:
    lines, _ = read(morning, sub_mchid=morning.given["sub_mchid"])
    assert len(lines) == 4
    with morning.app.extensions["store"].writing() as connection:
        connection.execute("INSERT INTO wechat_merchants VALUES ('1600000001','x',NULL,38,'JSAPI','INDIVIDUAL',0)")
    assert ask(morning, sub_mchid="1600000001").json["code"] == "NO_STATEMENT_EXIST"
    assert ask(morning, sub_mchid="1600000009").json["message"] == "受理关系不存在"


def test_a_bill_is_not_there_before_ten_nor_after_three_months(till: Till) -> None:
    trade(till)
    assert ask(till).json["code"] == "INVALID_REQUEST"
    till.move(to=f"{datetime.fromisoformat(DAY) + timedelta(days=1):%Y-%m-%d}T09:59:00+08:00")
    assert (ask(till).status_code, ask(till).json["code"]) == (400, "STATEMENT_CREATING")
    till.move(advance_seconds=120)
    assert ask(till).status_code == 200
    till.move(advance_seconds=93 * 86400)
    assert ask(till).json["code"] == "INVALID_REQUEST"


def test_a_day_without_anything_has_no_bill(till: Till) -> None:
    till.move(to="next_morning")
    assert ask(till).json["code"] == "NO_STATEMENT_EXIST"


@pytest.mark.parametrize(
    "query",
    [
        {"bill_date": "2026-02-30"},
        {"bill_date": "20260201"},
        {"bill_type": "EVERYTHING"},
        {"tar_type": "ZIP"},
    ],
)
def test_a_wrong_parameter_is_named(morning: Till, query: dict[str, str]) -> None:
    answer = ask(morning, **query)
    assert (answer.status_code, answer.json["code"]) == (400, "PARAM_ERROR")
    assert answer.json["detail"]["location"] == "query"


def test_the_address_lives_five_minutes_and_only_for_who_asked(morning: Till) -> None:
    path = ask(morning).json["download_url"].partition("/wechat")[2]
    assert morning.call("GET", path, signature="AAAA").status_code == 401
    morning.shift("UPDATE wechat_bill_files SET mchid = '1900000000'")
    assert (morning.call("GET", path).status_code, morning.call("GET", path).json["code"]) == (403, "NO_AUTH")
    morning.move(advance_seconds=301)
    assert morning.call("GET", path).json["code"] == "INVALID_REQUEST"
    assert morning.call("GET", "/v3/billdownload/file?token=x").json["code"] == "INVALID_REQUEST"


@pytest.mark.parametrize(
    ("fault", "number", "count", "total"),
    [
        ("bill_missing_line", "T00000002", 3, "20.00"),
        ("bill_duplicate_line", "T00000002", 5, "44.68"),
        ("bill_changed_amount", "T00000002", 4, "32.35"),
        ("bill_missing_line", "", 3, "12.34"),
    ],
)
def test_a_bill_can_be_wrong_in_its_lines_once(morning: Till, fault: str, number: str, count: int, total: str) -> None:
    morning.arm(fault, number=number)
    lines, summary = read(morning)
    assert (len(lines), summary["总交易单数"], summary["订单总金额"]) == (count, str(count), total)
    assert len(read(morning)[0]) == 4


def test_a_bill_can_be_wrong_in_its_sum_or_not_be_there_once(morning: Till) -> None:
    morning.arm("bill_wrong_summary", number=DAY)
    lines, summary = read(morning)
    assert int(summary["总交易单数"]) == len(lines) + 1
    morning.arm("bill_missing")
    assert ask(morning).json["code"] == "STATEMENT_CREATING"
    assert ask(morning).status_code == 200


def unsealed(till: Till, part: dict[str, Any]) -> bytes:
    """As the provider opens it: key by RSA-OAEP, file by AES-GCM, then GZIP; the hash is that of the plain text."""
    sha1 = hashes.SHA1()
    key = till.key.decrypt(base64.b64decode(part["encrypt_key"]), padding.OAEP(padding.MGF1(sha1), sha1, None))
    plain = gzip.decompress(AESGCM(key).decrypt(part["nonce"].encode(), fetch(till, part), None))
    assert hashlib.sha1(plain).hexdigest() == part["hash_value"]
    return plain


def merchant_bill(till: Till, **query: str) -> Any:
    return ask(
        till,
        "sub-merchant-fundflowbill",
        **{
            "sub_mchid": till.given["sub_mchid"],
            "account_type": "BASIC",
            "algorithm": "AEAD_AES_256_GCM",
            "tar_type": "GZIP",
        }
        | query,
    )


def test_a_sub_merchants_account_adds_up_and_is_paid_out_the_next_morning(morning: Till) -> None:
    answer = merchant_bill(morning)
    [part] = answer.json["download_bill_list"]
    assert (answer.json["download_bill_count"], part["bill_sequence"], part["hash_type"]) == (1, 1, "SHA1")
    lines, summary = parsed(unsealed(morning, part))
    kinds = [(line["业务类型"], line["收支类型"], line["收支金额(元)"]) for line in lines]
    assert kinds[:2] == [("交易", "收入", "20.00"), ("扣除交易手续费", "支出", "0.08")]
    assert ("退款", "支出", "10.00") in kinds
    assert ("退还交易手续费", "收入", "0.04") in kinds
    left = Decimal(summary["收入金额"]) - Decimal(summary["支出金额"])
    assert Decimal(lines[-1]["账户结余(元)"]) == left == Decimal("21.91")
    morning.move(to="next_morning")
    next_day = f"{datetime.fromisoformat(DAY) + timedelta(days=1):%Y-%m-%d}"
    [paid_out], _ = parsed(unsealed(morning, merchant_bill(morning, bill_date=next_day).json["download_bill_list"][0]))
    assert (paid_out["业务类型"], paid_out["收支金额(元)"], paid_out["账户结余(元)"]) == ("提现", "21.91", "0.00")
    assert paid_out["记账时间"] == f"{next_day} 06:00:00"
    assert "0123" in paid_out["备注"]


def test_a_long_bill_comes_in_several_files(morning: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bill_files, "PART_LINES", 3)
    parts = merchant_bill(morning).json["download_bill_list"]
    assert [part["bill_sequence"] for part in parts] == list(range(1, len(parts) + 1))
    assert len(parts) > 2
    lines, summary = parsed(b"".join(unsealed(morning, part) for part in parts))
    assert summary["资金流水总笔数"] == str(len(lines))


def test_without_the_product_there_is_no_sub_merchants_bill(morning: Till) -> None:
    morning.knob("products", FUND_BILL=False)
    assert (merchant_bill(morning).status_code, merchant_bill(morning).json["code"]) == (403, "NO_AUTH")
    morning.knob("products", FUND_BILL=True)
    assert merchant_bill(morning, sub_mchid="1600000000").json["code"] == "NO_AUTH"
    assert merchant_bill(morning, account_type="FEES").json["code"] == "NO_STATEMENT_EXIST"
    assert merchant_bill(morning, algorithm="SM4_GCM").json["code"] == "PARAM_ERROR"


def test_money_waits_while_the_bank_does_not_take_it(till: Till) -> None:
    till.knob(f"merchants/{till.given['sub_mchid']}", account_verified=False)
    trade(till)
    till.move(to="next_morning")
    assert merchant_bill(till).status_code == 200
    till.knob(f"merchants/{till.given['sub_mchid']}", account_verified=True)
    till.move(advance_seconds=2 * 86_400)
    day_after = f"{datetime.fromisoformat(DAY) + timedelta(days=2):%Y-%m-%d}"
    answer = merchant_bill(till, bill_date=day_after)
    [paid_out], _ = parsed(unsealed(till, answer.json["download_bill_list"][0]))
    assert paid_out["收支金额(元)"] == "21.91"


def test_the_providers_own_accounts_have_their_flows(till: Till) -> None:
    till.move(to="next_morning")
    lines, summary = parsed(fetch(till, ask(till, "fundflowbill", account_type="OPERATION").json))
    assert [(line["业务类型"], line["收支金额(元)"]) for line in lines] == [("充值", "100000.00")]
    assert summary["收入笔数"] == "1"
    assert ask(till, "fundflowbill", account_type="FEES").json["code"] == "NO_STATEMENT_EXIST"


def test_a_closed_refund_comes_back_to_the_account(till: Till) -> None:
    till.paid(total=2000)
    till.arm("refund_closed")
    till.call("POST", "/v3/refund/domestic/refunds", till.refund("R1", 1000, 2000))
    path = f"/v3/refund/domestic/refunds/R1?sub_mchid={till.given['sub_mchid']}"
    till.until(lambda: till.call("GET", path).json["status"], "CLOSED")
    till.move(to="next_morning")
    lines, _ = parsed(unsealed(till, merchant_bill(till).json["download_bill_list"][0]))
    assert [line["业务类型"] for line in lines][-2:] == ["退款关闭", "扣除交易手续费"]
    assert lines[-1]["账户结余(元)"] == "19.92"
    assert read(till)[0][1]["退款状态"] == "FAIL"
