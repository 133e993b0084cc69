"""Orders in WeChat Pay's three ways, the question by its own number, and payments without an order of ours."""

import json
from typing import Any

import pytest

from portal.wallets.applications import ApplicationState, ApplicationToSend
from portal.wallets.errors import WalletRefused, WalletUnknown
from portal.wallets.port import Acquirer, Contract, OpeningKind, OpeningWay, PaymentState, RefundState, Wallet
from portal.wallets.registry import connectors
from portal.wallets.transport import Budget
from portal.wallets.wechat import applyments, orders, refunds
from tests.portal.wallets.conftest import KEY_ID, NOW, SUB_MCHID, WechatSide, paid_order
from tests.portal.wallets.recorded import refused, sent_by, signed, wechat_client
from tests.portal.wallets.test_untrusted_answers import order_to

CONTRACT = Contract(Acquirer.WECHAT, SUB_MCHID)
H5_URL = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx20&package=1037687096"


def test_a_browser_is_sent_to_the_cashier_with_the_payers_address(
    sections: dict[str, Any], wechat_side: WechatSide
) -> None:
    client = wechat_client(sections, signed(wechat_side, {"h5_url": H5_URL}))
    order = order_to(CONTRACT, way=OpeningWay.BROWSER, payer_id=None, return_url="https://yima.example/o/Y1?a=1")
    opening = orders.open_payment(client, order, budget=Budget(1))
    assert opening.kind is OpeningKind.REDIRECT
    assert opening.url == f"{H5_URL}&redirect_url=https%3A%2F%2Fyima.example%2Fo%2FY1%3Fa%3D1"
    method, url, _, body = sent_by(client)[0]
    assert (method, url) == ("POST", "https://api.mch.example/v3/pay/partner/transactions/h5")
    sent = json.loads(body or b"")
    assert sent["scene_info"] == {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}
    assert "payer" not in sent


def test_a_browser_may_stay_where_the_cashier_leaves_it(sections: dict[str, Any], wechat_side: WechatSide) -> None:
    client = wechat_client(sections, signed(wechat_side, {"h5_url": H5_URL}))
    opening = orders.open_payment(client, order_to(CONTRACT, way=OpeningWay.BROWSER), budget=Budget(1))
    assert opening.url == H5_URL


def test_a_screen_shows_a_code(sections: dict[str, Any], wechat_side: WechatSide) -> None:
    client = wechat_client(sections, signed(wechat_side, {"code_url": "weixin://wxpay/bizpayurl?pr=p4lpSuK"}))
    opening = orders.open_payment(client, order_to(CONTRACT, way=OpeningWay.SCREEN, payer_id=None), budget=Budget(1))
    assert (opening.kind, opening.url) == (OpeningKind.CODE, "weixin://wxpay/bizpayurl?pr=p4lpSuK")
    _, url, _, body = sent_by(client)[0]
    assert url.endswith("/transactions/native")
    assert {"payer", "scene_info"} & json.loads(body or b"").keys() == set()


@pytest.mark.parametrize(
    ("way", "answer"),
    [
        (OpeningWay.BROWSER, {"h5_url": "javascript:alert(1)"}),
        (OpeningWay.BROWSER, {"prepay_id": "wx20"}),
        (OpeningWay.SCREEN, {"code_url": ""}),
        (OpeningWay.IN_APP, {"code_url": "weixin://wxpay/bizpayurl?pr=p4lpSuK"}),
    ],
)
def test_an_opening_of_another_way_is_unknown(
    sections: dict[str, Any], wechat_side: WechatSide, way: OpeningWay, answer: dict[str, str]
) -> None:
    client = wechat_client(sections, signed(wechat_side, answer))
    with pytest.raises(WalletUnknown) as found:
        orders.open_payment(client, order_to(CONTRACT, way=way), budget=Budget(1))
    assert found.value.request_id == "08F-0"


def test_a_payment_is_found_by_wechats_own_number(sections: dict[str, Any], wechat_side: WechatSide) -> None:
    plain = paid_order(out_trade_no="7012026112000000000000000002", trade_type="NATIVE", payer=None)
    client = wechat_client(sections, signed(wechat_side, plain))
    found = orders.ask_transaction(client, CONTRACT, plain["transaction_id"], budget=Budget(1))
    assert (found.order_no, found.trade_type, found.bank_type) == ("7012026112000000000000000002", "NATIVE", "OTHERS")
    assert (found.state, found.wallet) == (PaymentState.SUCCESS, Wallet.UNKNOWN)
    assert sent_by(client)[0][1] == (
        "https://api.mch.example/v3/pay/partner/transactions/id/4200000000000000000000000001"
        f"?sp_mchid=1900000001&sub_mchid={SUB_MCHID}"
    )


@pytest.mark.parametrize(
    "change", [{"transaction_id": "4299"}, {"sub_mchid": "1600000099"}, {"sp_mchid": "1900000099"}]
)
def test_an_answer_about_another_payment_is_unknown(
    sections: dict[str, Any], wechat_side: WechatSide, change: dict[str, str]
) -> None:
    client = wechat_client(sections, signed(wechat_side, paid_order(**change)))
    with pytest.raises(WalletUnknown):
        orders.ask_transaction(client, CONTRACT, "4200000000000000000000000001", budget=Budget(1))


def test_a_number_wechat_does_not_know_is_refused(sections: dict[str, Any]) -> None:
    with pytest.raises(WalletRefused):
        orders.ask_transaction(
            wechat_client(sections, refused(404, "ORDER_NOT_EXIST")), CONTRACT, "42", budget=Budget(1)
        )


@pytest.mark.parametrize(
    ("changes", "wallet", "openid"),
    [
        ({"payer": {"sp_openid": "oUpF8"}}, Wallet.WECHAT, "oUpF8"),
        ({"payer": {"sp_openid": "", "sub_openid": "oSub1"}}, Wallet.WECHAT, "oSub1"),
        ({"payer": {}}, Wallet.UNKNOWN, None),
        ({"payer": None}, Wallet.UNKNOWN, None),
    ],
)
def test_a_static_code_tells_its_payers_wallet_only_by_his_openid(
    sections: dict[str, Any], wechat_side: WechatSide, changes: dict[str, Any], wallet: Wallet, openid: str | None
) -> None:
    coupon = {"coupon_id": "JD1", "name": "京东立减", "amount": 300, "other_contribute": 300}
    plain = paid_order(
        out_trade_no="7012026112000000000000000002",
        trade_type="NATIVE",
        bank_type="OTHERS",
        amount={"total": 2000, "payer_total": 1700, "currency": "CNY", "payer_currency": "CNY"},
        promotion_detail=[coupon],
        **changes,
    )
    body = wechat_side.notice("TRANSACTION.SUCCESS", plain)
    notice = connectors(sections)[Acquirer.WECHAT].read_notice(
        headers=wechat_side.headers(body), body=body, now=NOW, keys_of=lambda number: None
    )
    payment = notice.payment
    assert payment is not None
    assert (payment.wallet, payment.payer_id) == (wallet, openid)
    assert (payment.trade_type, payment.bank_type) == ("NATIVE", "OTHERS")
    assert [(line.amount, line.paid_by) for line in payment.promotions] == [(300, "other")]
    assert (payment.amount, payment.payer_amount) == (2000, 1700)


def test_what_of_a_coupon_nobody_claims_was_given_by_somebody_else(
    sections: dict[str, Any], wechat_side: WechatSide
) -> None:
    coupons = [
        {"coupon_id": "1", "amount": 300, "wechatpay_contribute": 200, "merchant_contribute": 50},
        {"coupon_id": "2", "wechatpay_contribute": 10},
    ]
    client = wechat_client(sections, signed(wechat_side, paid_order(promotion_detail=coupons)))
    found = orders.ask_payment(client, CONTRACT, "Y123456", budget=Budget(1))
    assert [(line.promotion_id, line.amount, line.paid_by) for line in found.promotions] == [
        ("1", 200, "wallet"),
        ("1", 50, "merchant"),
        ("1", 50, "other"),
        ("2", 10, "wallet"),
    ]


def test_a_coupon_worth_less_than_its_givers_gave_makes_no_sense(
    sections: dict[str, Any], wechat_side: WechatSide
) -> None:
    coupons = [{"coupon_id": "1", "amount": 100, "wechatpay_contribute": 200}]
    client = wechat_client(sections, signed(wechat_side, paid_order(promotion_detail=coupons)))
    with pytest.raises(WalletUnknown):
        orders.ask_payment(client, CONTRACT, "Y123456", budget=Budget(1))


REFUND = {"out_refund_no": "R1", "refund_id": "50/30", "status": "ABNORMAL", "amount": {"refund": 5}}


def test_a_stuck_refund_goes_to_the_merchants_bank(sections: dict[str, Any], wechat_side: WechatSide) -> None:
    client = wechat_client(
        sections, signed(wechat_side, REFUND), signed(wechat_side, REFUND | {"status": "PROCESSING"})
    )
    assert refunds.send_stuck_refund(client, CONTRACT, "R1", budget=Budget(1)).state is RefundState.PROCESSING
    method, url, _, body = sent_by(client)[1]
    assert (method, url) == (
        "POST",
        "https://api.mch.example/v3/refund/domestic/refunds/50%2F30/apply-abnormal-refund",
    )
    assert json.loads(body or b"") == {"sub_mchid": SUB_MCHID, "out_refund_no": "R1", "type": "MERCHANT_BANK_CARD"}


@pytest.mark.parametrize("status", ["PROCESSING", "SUCCESS", "CLOSED"])
def test_a_refund_that_is_not_stuck_is_left_alone(
    sections: dict[str, Any], wechat_side: WechatSide, status: str
) -> None:
    client = wechat_client(sections, signed(wechat_side, REFUND | {"status": status}))
    found = refunds.send_stuck_refund(client, CONTRACT, "R1", budget=Budget(1))
    assert (found.state.value, len(sent_by(client))) == (status.lower(), 1)


def test_an_application_is_asked_for_by_both_numbers(
    sections: dict[str, Any], wechat_side: WechatSide, application: ApplicationToSend
) -> None:
    state = {
        "business_code": application.reference,
        "applyment_id": 2000002124775691,
        "applyment_state": "APPLYMENT_STATE_AUDITING",
    }
    client = wechat_client(sections, refused(404, "APPLYMENT_NOT_EXIST"), signed(wechat_side, state))
    found = applyments.application_status(client, application, budget=Budget(1))
    assert found.state is ApplicationState.AUDITING
    assert [sent[1].rpartition("/v3/applyment4sub/applyment/")[2] for sent in sent_by(client)] == [
        f"business_code/{application.reference}",
        "applyment_id/2000002124775691",
    ]
    client = wechat_client(sections, *[refused(404, "APPLYMENT_NOT_EXIST")] * 2)
    assert applyments.application_status(client, application, budget=Budget(1)).state is ApplicationState.NOT_SENT


def test_each_request_names_the_key_its_secrets_are_sealed_for(
    sections: dict[str, Any], wechat_side: WechatSide
) -> None:
    client = wechat_client(sections, signed(wechat_side, {"prepay_id": "wx20"}))
    orders.open_payment(client, order_to(CONTRACT), budget=Budget(1))
    assert sent_by(client)[0][2]["Wechatpay-Serial"] == KEY_ID
