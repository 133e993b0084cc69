"""Transfers out of the provider's own funds: what goes out, what comes back, and how their notices are believed."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.wallets.errors import NoticeRejected, WalletError, WalletRefused, WalletSettingsError, WalletUnknown
from portal.wallets.payouts import TransferState, TransferToSend
from portal.wallets.port import Acquirer, Notice, WalletPort
from portal.wallets.registry import connectors
from portal.wallets.transport import Answer, Budget
from portal.wallets.wechat import transfers
from portal.wallets.wechat.settings import read_settings
from tests.portal.wallets.conftest import KEY_ID, NOW, SP_MCHID, WechatSide, private_pem, public_pem
from tests.portal.wallets.recorded import refused, sent_by, signed, wechat_client
from tests.portal.wallets.test_wechat_payouts import unsealed

URL = "https://yima.example/notify/wechat"
REQUEST = TransferToSend("T0001", "oUpF8uMuAJO", 8800, "邻里返现🎁", "十一月返现", URL)
WAITING = {
    "out_bill_no": "T0001",
    "transfer_bill_no": "1330000071100999991182020050700019480001",
    "create_time": "2026-11-21T12:31:05+08:00",
    "state": "WAIT_USER_CONFIRM",
    "package_info": "affffddafdfafddffda==",
}
FINISHED = {
    "out_bill_no": "T0001",
    "transfer_bill_no": "1330000071100999991182020050700019480001",
    "state": "SUCCESS",
    "mch_id": SP_MCHID,
    "transfer_amount": 8800,
    "openid": "oUpF8uMuAJO",
    "create_time": "2026-11-21T12:31:05+08:00",
    "update_time": "2026-11-21T12:33:22+08:00",
    "payment_method_type": "CFT",
}
EVENT = "MCHTRANSFER.BILL.FINISHED"


def request(**changes: Any) -> TransferToSend:
    values = {name: getattr(REQUEST, name) for name in TransferToSend.__dataclass_fields__}
    return TransferToSend(**values | changes)


def test_a_transfer_tells_its_receiver_what_it_is_for(sections: dict[str, Any], wechat_side: WechatSide) -> None:
    client = wechat_client(sections, signed(wechat_side, WAITING))
    found = transfers.transfer(client, REQUEST, budget=Budget(1))
    method, url, _, body = sent_by(client)[0]
    assert (method, url) == ("POST", "https://api.mch.example/v3/fund-app/mch-transfer/transfer-bills")
    assert json.loads(body or b"") == {
        "appid": "wx0000000000000001",
        "out_bill_no": "T0001",
        "transfer_scene_id": "1000",
        "openid": "oUpF8uMuAJO",
        "transfer_amount": 8800,
        "transfer_remark": "十一月返现",
        "notify_url": URL,
        "transfer_scene_report_infos": [
            {"info_type": "活动名称", "info_content": "邻里返现"},
            {"info_type": "奖励说明", "info_content": "十一月返现"},
        ],
    }
    assert (found.transfer_no, found.state) == ("T0001", TransferState.WAITING_FOR_OWNER)
    assert found.confirmation == "affffddafdfafddffda=="
    assert found.bridge == {"mchId": SP_MCHID, "appId": "wx0000000000000001", "package": "affffddafdfafddffda=="}
    assert "affff" not in repr(found)


def test_a_name_is_sealed_demanded_for_much_and_left_out_for_little(
    sections: dict[str, Any], wechat_side: WechatSide
) -> None:
    client = wechat_client(sections, signed(wechat_side, WAITING))
    transfers.transfer(client, request(amount=200_000, receiver_name="王小明"), budget=Budget(1))
    _, _, headers, body = sent_by(client)[0]
    assert headers["Wechatpay-Serial"] == KEY_ID
    assert unsealed(wechat_side, json.loads(body or b"")["user_name"]) == "王小明"
    client = wechat_client(sections, signed(wechat_side, WAITING))
    transfers.transfer(client, request(amount=29, receiver_name="王小明"), budget=Budget(1))
    assert "user_name" not in json.loads(sent_by(client)[0][3] or b"")
    with pytest.raises(WalletRefused) as found:
        transfers.transfer(wechat_client(sections), request(amount=200_000), budget=Budget(1))
    assert found.value.code == "RECEIVER_NAME_MISSING"


@pytest.mark.parametrize(
    "change",
    [
        {"transfer_no": "T-1"},
        {"transfer_no": "T" * 33},
        {"transfer_no": ""},
        {"activity": "🎁"},
        {"reason": " "},
        {"notify_url": "https://yima.example/notify?x=1"},
    ],
)
def test_a_transfer_wechat_could_never_take_is_not_sent(sections: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(WalletRefused):
        transfers.transfer(wechat_client(sections), request(**change), budget=Budget(1))


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("ACCEPTED", TransferState.PROCESSING),
        ("PROCESSING", TransferState.PROCESSING),
        ("TRANSFERING", TransferState.SENDING),
        ("SUCCESS", TransferState.SUCCESS),
        ("FAIL", TransferState.FAILED),
        ("CANCELING", TransferState.CANCELING),
        ("CANCELLED", TransferState.CANCELED),
    ],
)
def test_a_question_tells_where_a_transfer_stands(
    sections: dict[str, Any], wechat_side: WechatSide, said: str, word: TransferState
) -> None:
    answer = FINISHED | {"state": said, "fail_reason": "PAYEE_ACCOUNT_ABNORMAL"}
    client = wechat_client(sections, signed(wechat_side, answer))
    found = transfers.ask_transfer(client, "T0001", budget=Budget(1))
    assert (found.state, found.amount, found.confirmation) == (word, 8800, None)
    assert found.reason == ("PAYEE_ACCOUNT_ABNORMAL" if word is TransferState.FAILED else None)
    assert sent_by(client)[0][1].endswith("/transfer-bills/out-bill-no/T0001")


def test_a_transfer_that_is_over_is_asked_for(sections: dict[str, Any], wechat_side: WechatSide) -> None:
    client = wechat_client(sections, refused(400, "ALREADY_EXISTS"), signed(wechat_side, FINISHED))
    assert transfers.transfer(client, REQUEST, budget=Budget(1)).state is TransferState.SUCCESS


def test_a_transfer_nobody_sent_is_missing(sections: dict[str, Any]) -> None:
    found = transfers.ask_transfer(wechat_client(sections, refused(404, "NOT_FOUND")), "T0002", budget=Budget(1))
    assert (found.transfer_no, found.state, found.amount) == ("T0002", TransferState.MISSING, None)


def test_a_cancellation_has_no_body_and_is_signed_so(sections: dict[str, Any], wechat_side: WechatSide) -> None:
    client = wechat_client(sections, signed(wechat_side, WAITING | {"state": "CANCELING"}))
    assert transfers.cancel_transfer(client, "T0001", budget=Budget(1)).state is TransferState.CANCELING
    method, url, headers, body = sent_by(client)[0]
    assert (method, body, "Content-Type" in headers) == ("POST", b"", False)
    assert url.endswith("/out-bill-no/T0001/cancel")


@pytest.mark.parametrize(
    "answer",
    [
        refused(429, "FREQUENCY_LIMIT_EXCEED"),
        refused(429, "RATELIMIT_EXCEEDED"),
        refused(400, "BRAND_NEW"),
        refused(500, "SYSTEM_ERROR"),
        Answer(404, {}, b""),
    ],
)
def test_a_transfer_that_may_have_been_taken_is_unknown(sections: dict[str, Any], answer: Answer) -> None:
    with pytest.raises(WalletUnknown):
        transfers.transfer(wechat_client(sections, answer), REQUEST, budget=Budget(1))


@pytest.mark.parametrize(
    "change",
    [{"out_bill_no": "T0002"}, {"state": "DANCING"}, {"mch_id": "1900000099"}, {"transfer_amount": "8.8"}],
)
def test_a_signed_answer_about_something_else_is_unknown(
    sections: dict[str, Any], wechat_side: WechatSide, change: dict[str, Any]
) -> None:
    client = wechat_client(sections, signed(wechat_side, FINISHED | change))
    with pytest.raises(WalletUnknown) as found:
        transfers.ask_transfer(client, "T0001", budget=Budget(1))
    assert found.value.request_id == "08F-0"


def read(port: WalletPort, side: WechatSide, plain: object, **changes: Any) -> Notice:
    serial = changes.pop("serial", KEY_ID)
    body = side.notice(EVENT, plain, **changes)
    headers = side.headers(body, serial=serial)
    return port.read_notice(headers=headers, body=body, now=NOW, keys_of=lambda number: None)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("SUCCESS", TransferState.SUCCESS),
        ("FAIL", TransferState.FAILED),
        ("CANCELLED", TransferState.CANCELED),
    ],
)
def test_the_end_of_a_transfer_is_told(
    sections: dict[str, Any], wechat_side: WechatSide, state: str, word: TransferState
) -> None:
    notice = read(connectors(sections)[Acquirer.WECHAT], wechat_side, FINISHED | {"state": state})
    assert (notice.kind, notice.payment, notice.refund) == (EVENT, None, None)
    assert notice.transfer is not None
    assert (notice.transfer.transfer_no, notice.transfer.state, notice.transfer.amount) == ("T0001", word, 8800)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mch_id": "1900000099"}, "foreign"),
        ({"state": "WAIT_USER_CONFIRM"}, "unreadable"),
        ({"transfer_amount": None}, "unreadable"),
        ({"out_bill_no": ""}, "unreadable"),
    ],
)
def test_a_notice_that_tells_no_end_of_ours_is_rejected(
    sections: dict[str, Any], wechat_side: WechatSide, change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(NoticeRejected) as found:
        read(connectors(sections)[Acquirer.WECHAT], wechat_side, FINISHED | change)
    assert found.value.reason == reason


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    name=st.sampled_from(sorted(FINISHED)),
    value=st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.lists(st.text(), max_size=2),
)
def test_any_changed_field_is_read_or_rejected(
    sections: dict[str, Any], wechat_side: WechatSide, name: str, value: object
) -> None:
    try:
        notice = read(connectors(sections)[Acquirer.WECHAT], wechat_side, FINISHED | {name: value})
    except NoticeRejected:
        return
    assert notice.transfer is not None


@pytest.fixture(scope="module")
def direct(sections: dict[str, Any], wechat_key: RSAPrivateKey, merchant_key: RSAPrivateKey) -> dict[str, Any]:
    """A wallets' file in which a direct merchant of the provider's pays the transfers."""
    section = {
        "mchid": "1700000007",
        "private_key": private_pem(wechat_key),
        "serial_no": "AA00",
        "apiv3_key": "f" * 32,
        "public_key": public_pem(merchant_key),
        "public_key_id": "PUB_KEY_ID_7",
    }
    return sections | {"wechat": sections["wechat"] | {"transfers": section}}


def test_a_direct_merchant_pays_with_its_own_keys(
    direct: dict[str, Any], wechat_side: WechatSide, merchant_key: RSAPrivateKey
) -> None:
    payer = read_settings(direct["wechat"]).payer
    assert (payer.sp_mchid, payer.serial_no, payer.sp_appid) == ("1700000007", "AA00", "wx0000000000000001")
    port = connectors(direct)[Acquirer.WECHAT]
    theirs = WechatSide(merchant_key)
    plain = FINISHED | {"mch_id": "1700000007"}
    found = read(port, theirs, plain, serial="PUB_KEY_ID_7", apiv3_key="f" * 32)
    assert found.transfer is not None
    for side, serial, told in ((wechat_side, KEY_ID, plain), (theirs, "PUB_KEY_ID_7", FINISHED)):
        with pytest.raises(NoticeRejected) as rejected:
            read(port, side, told, serial=serial, apiv3_key="f" * 32)
        assert rejected.value.reason == "foreign"


def test_a_direct_merchants_key_proves_nothing_about_payments(
    direct: dict[str, Any], merchant_key: RSAPrivateKey
) -> None:
    theirs = WechatSide(merchant_key)
    body = theirs.notice("TRANSACTION.SUCCESS", {})
    with pytest.raises(NoticeRejected) as found:
        connectors(direct)[Acquirer.WECHAT].read_notice(
            headers=theirs.headers(body, serial="PUB_KEY_ID_7"), body=body, now=NOW, keys_of=lambda number: None
        )
    assert found.value.reason == "foreign"


@pytest.mark.parametrize(
    "change", [{"transfer_scene": "1006"}, {"transfers": "x"}, {"transfers": {"mchid": "1"}}, {"merchant_bills": "no"}]
)
def test_settings_that_cannot_work_are_refused(sections: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(WalletSettingsError):
        read_settings(sections["wechat"] | change)


def test_an_error_of_a_transfer_shows_no_receiver(sections: dict[str, Any]) -> None:
    with pytest.raises(WalletError) as found:
        transfers.transfer(wechat_client(sections, refused(403, "NOT_ENOUGH")), REQUEST, budget=Budget(1))
    assert "oUpF8" not in f"{found.value}{REQUEST!r}"
