"""The account a sub-merchant is paid to: shown masked, changed once, and never sent in the clear."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP

from portal.wallets.errors import WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.payouts import AccountKind, PayoutAccount, Verification
from portal.wallets.port import Acquirer, Contract
from portal.wallets.transport import Budget
from portal.wallets.wechat import payouts
from tests.portal.wallets.conftest import KEY_ID, SP_MCHID, SUB_MCHID, WechatSide
from tests.portal.wallets.recorded import refused, sent_by, signed, wechat_client

CONTRACT = Contract(Acquirer.WECHAT, SUB_MCHID)
ACCOUNT = PayoutAccount(AccountKind.PERSONAL, "工商银行", "王小明", "6222021234567890123")
IN_USE = {
    "account_type": "ACCOUNT_TYPE_PRIVATE",
    "account_bank": "工商银行",
    "account_number": "622202*********0123",
    "verify_result": "VERIFY_SUCCESS",
}


def unsealed(side: WechatSide, sealed: str) -> str:
    padding = OAEP(mgf=MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)
    return side.key.decrypt(base64.b64decode(sealed), padding).decode()


def test_the_account_in_use_is_shown_masked(sections: dict[str, Any], wechat_side: WechatSide) -> None:
    client = wechat_client(sections, signed(wechat_side, IN_USE))
    found = payouts.payout_account(client, CONTRACT, budget=Budget(1))
    assert (found.kind, found.bank_name, found.masked_number) == (
        AccountKind.PERSONAL,
        "工商银行",
        "622202*********0123",
    )
    assert (found.verification, found.reason) == (Verification.VERIFIED, None)
    assert sent_by(client)[0][1] == (
        f"https://api.mch.example/v3/apply4sub/sub_merchants/{SUB_MCHID}/settlement"
        "?account_number_rule=ACCOUNT_NUMBER_RULE_MASK_V2"
    )


@pytest.mark.parametrize(
    ("said", "word", "reason"),
    [("VERIFYING", Verification.VERIFYING, None), ("VERIFY_FAIL", Verification.FAILED, "户名不符")],
)
def test_a_reason_is_told_when_the_account_is_wrong(
    sections: dict[str, Any], wechat_side: WechatSide, said: str, word: Verification, reason: str | None
) -> None:
    answer = IN_USE | {"verify_result": said, "verify_fail_reason": "户名不符"}
    found = payouts.payout_account(wechat_client(sections, signed(wechat_side, answer)), CONTRACT, budget=Budget(1))
    assert (found.verification, found.reason) == (word, reason)


@pytest.mark.parametrize(
    "change",
    [
        {"account_number": "6222021234567890123"},
        {"account_type": "ACCOUNT_TYPE_SECRET"},
        {"verify_result": "AUDIT_SUCCESS"},
        {"verify_result": "MAYBE"},
        {"account_bank": None},
    ],
)
def test_an_account_of_another_shape_is_not_kept(
    sections: dict[str, Any], wechat_side: WechatSide, change: dict[str, Any]
) -> None:
    client = wechat_client(sections, signed(wechat_side, IN_USE | change))
    with pytest.raises(WalletUnknown) as found:
        payouts.payout_account(client, CONTRACT, budget=Budget(1))
    assert found.value.request_id == "08F-0"
    assert "6222021234567890123" not in str(found.value)


def test_a_change_travels_sealed_for_wechat_alone(sections: dict[str, Any], wechat_side: WechatSide) -> None:
    client = wechat_client(sections, signed(wechat_side, {"application_no": "102329389"}))
    assert payouts.change_payout_account(client, CONTRACT, ACCOUNT, budget=Budget(1)) == "102329389"
    method, url, headers, body = sent_by(client)[0]
    assert (method, url) == (
        "POST",
        f"https://api.mch.example/v3/apply4sub/sub_merchants/{SUB_MCHID}/modify-settlement",
    )
    assert headers["Wechatpay-Serial"] == KEY_ID
    assert b"6222021234567890123" not in (body or b"")
    sent = json.loads(body or b"")
    assert unsealed(wechat_side, sent.pop("account_number")) == "6222021234567890123"
    assert unsealed(wechat_side, sent.pop("account_name")) == "王小明"
    assert sent == {"account_type": "ACCOUNT_TYPE_PRIVATE", "account_bank": "工商银行"}


def test_too_many_changes_a_day_took_nothing(sections: dict[str, Any]) -> None:
    client = wechat_client(sections, refused(429, "FREQENCY_LIMIT"))
    with pytest.raises(WalletUnavailable):
        payouts.change_payout_account(client, CONTRACT, ACCOUNT, budget=Budget(1))


@pytest.mark.parametrize(
    ("said", "word", "reason"),
    [
        ("AUDIT_SUCCESS", Verification.VERIFIED, None),
        ("AUDITING", Verification.VERIFYING, None),
        ("AUDIT_FAIL", Verification.FAILED, "卡号有误"),
    ],
)
def test_how_a_change_stands(
    sections: dict[str, Any], wechat_side: WechatSide, said: str, word: Verification, reason: str | None
) -> None:
    answer = IN_USE | {
        "account_name": "王*",
        "verify_result": said,
        "verify_fail_reason": "卡号有误",
        "verify_finish_time": "2026-11-21T12:31:05+08:00",
    }
    client = wechat_client(sections, signed(wechat_side, answer))
    found = payouts.ask_payout_change(client, CONTRACT, "10/23", budget=Budget(1))
    assert (found.application_no, found.verification, found.reason) == ("10/23", word, reason)
    assert found.finished_at is not None
    assert "/application/10%2F23?" in sent_by(client)[0][1]


def test_a_change_nobody_asked_for_is_refused(sections: dict[str, Any]) -> None:
    client = wechat_client(sections, refused(404, "ORDER_NOT_EXIST"))
    with pytest.raises(WalletRefused) as found:
        payouts.ask_payout_change(client, CONTRACT, "1", budget=Budget(1))
    assert found.value.code == "ORDER_NOT_EXIST"


def test_the_providers_own_account_is_out_of_reach(sections: dict[str, Any]) -> None:
    contract = Contract(Acquirer.WECHAT, SP_MCHID)
    for call in (
        lambda: payouts.payout_account(wechat_client(sections), contract, budget=Budget(1)),
        lambda: payouts.change_payout_account(wechat_client(sections), contract, ACCOUNT, budget=Budget(1)),
        lambda: payouts.ask_payout_change(wechat_client(sections), contract, "1", budget=Budget(1)),
    ):
        with pytest.raises(WalletRefused):
            call()
