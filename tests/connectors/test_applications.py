"""One contract for every wallet: an individual business applies, is followed to the end, and can collect."""

import dataclasses
import secrets
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import requests

from portal.wallets.applications import ApplicationAnswer, ApplicationState, ApplicationToSend, Document, Picture
from portal.wallets.errors import WalletError
from portal.wallets.port import Acquirer, Contract, PaymentState
from portal.wallets.registry import connectors
from tests.connectors.conftest import Side, jdpay_side
from tests.connectors.server import Ear

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 50


def application(**changes: object) -> ApplicationToSend:
    values: dict[str, object] = {
        "reference": f"A{secrets.token_hex(8).upper()}",
        "shop_name": "老王包子铺🥟",
        "licence_name": "海淀区老王包子铺",
        "licence_number": "92110108MA00000000",
        "licence_address": "北京市海淀区一号",
        "legal_person": "王包子",
        "id_number": "11010119900307123X",
        "id_valid_from": date(2020, 1, 1),
        "id_valid_until": None,
        "mobile": "+8613800138000",
        "email": "wang@example.com",
        "bank_name": "招商银行",
        "bank_account_name": "王包子",
        "bank_account_number": "6214830000000000",
        "store_address": "北京市海淀区一号铺",
        "region_code": "110108",
        "fee_rate_bp": 38,
        "pictures": {
            document: Picture(f"{document}.jpg", JPEG + document.encode())
            for document in (
                Document.LICENCE,
                Document.ID_FRONT,
                Document.ID_BACK,
                Document.STOREFRONT,
                Document.INTERIOR,
            )
        },
    }
    values["id_number"] = _with_check(str(values["id_number"]))
    return ApplicationToSend(**values | changes)  # type: ignore[arg-type]


def followed(side: Side, sent: ApplicationToSend, answer: ApplicationAnswer) -> ApplicationAnswer:
    """Ask again and again, handing back `progress`, until the application stands still."""
    deadline = time.monotonic() + 30
    still = (ApplicationState.FINISHED, ApplicationState.REJECTED, ApplicationState.CANCELED)
    while answer.state not in still:
        assert time.monotonic() < deadline, answer.state
        time.sleep(0.1)
        answer = side.port.application_status(dataclasses.replace(sent, progress=answer.progress))
    return answer


def test_a_business_is_taken_on_and_can_collect(side: Side) -> None:
    sent = application()
    first = side.port.apply(sent)
    assert first.state in (ApplicationState.AUDITING, ApplicationState.SENDING)
    assert first.progress
    finished = followed(side, sent, first)
    assert finished.state is ApplicationState.FINISHED
    assert finished.sub_merchant_no
    assert finished.sub_merchant_no != side.contract.sub_merchant_no
    contract = Contract(side.acquirer, finished.sub_merchant_no, finished.keys)
    order = side.order(contract=contract)
    side.accept_notices(order.order_no)
    side.pay(side.port.open_payment(order))
    assert side.port.ask_payment(contract, order.order_no).state is PaymentState.SUCCESS


def test_sending_an_application_again_gives_no_second_merchant(side: Side) -> None:
    sent = application()
    first = side.port.apply(sent)
    again = side.port.apply(sent)
    assert again.state not in (ApplicationState.REJECTED, ApplicationState.NOT_SENT)
    one, other = followed(side, sent, first), followed(side, sent, again)
    assert one.sub_merchant_no == other.sub_merchant_no


def test_an_application_nobody_sent_is_not_sent(side: Side) -> None:
    assert side.port.application_status(application()).state is ApplicationState.NOT_SENT


def test_neither_answer_nor_application_prints_what_is_private(side: Side) -> None:
    sent = application()
    finished = followed(side, sent, side.port.apply(sent))
    printed = repr(sent) + repr(finished)
    for private in (sent.id_number, sent.mobile, sent.bank_account_number, *finished.keys.values()):
        assert private not in printed


def test_wechat_rejects_with_reasons_and_takes_the_corrected_one(wechat: Side) -> None:
    wrong = application(bank_account_name="张三")
    rejected = followed(wechat, wrong, wechat.port.apply(wrong))
    assert rejected.state is ApplicationState.REJECTED
    assert any("开户名称" in reason for reason in rejected.reasons)
    right = dataclasses.replace(wrong, bank_account_name="王包子", progress=rejected.progress)
    assert followed(wechat, right, wechat.port.apply(right)).state is ApplicationState.FINISHED


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sent: dataclasses.replace(sent, bank_account_number=""),
        lambda sent: dataclasses.replace(sent, licence_number=""),
    ],
)
def test_an_incomplete_application_is_refused(
    side: Side, spoil: Callable[[ApplicationToSend], ApplicationToSend]
) -> None:
    with pytest.raises(WalletError):
        side.port.apply(spoil(application()))


def test_jd_goes_on_where_it_stopped(jdpay: Side) -> None:
    sent = application()
    finished = followed(jdpay, sent, jdpay.port.apply(sent))
    stopped = {"merchant_no": finished.progress["merchant_no"]}
    again = dataclasses.replace(sent, progress=stopped)
    assert jdpay.port.application_status(again).state is ApplicationState.AUDITING
    assert followed(jdpay, again, jdpay.port.apply(again)).sub_merchant_no == finished.sub_merchant_no


def test_jd_rejects_with_a_reason_and_takes_the_corrected_one_under_the_same_number(movable: str, ear: Ear) -> None:
    requests.post(f"{movable}/control/settings", json={"auto_sign": 0}, timeout=10).raise_for_status()
    credentials = requests.get(f"{movable}/credentials", timeout=10).json()
    side = jdpay_side(movable, ear, credentials, connectors({"jd": credentials["jd"]}, budget=20)[Acquirer.JDPAY])
    sent = application()
    first = side.port.apply(sent)
    number = first.progress["merchant_no"]
    requests.post(
        f"{movable}/jd/merchants/{number}/reject", json={"reason": "门头照片看不清"}, timeout=10
    ).raise_for_status()
    rejected = followed(side, sent, first)
    assert (rejected.state, rejected.reasons) == (ApplicationState.REJECTED, ("门头照片看不清",))
    right = dataclasses.replace(sent, shop_name="老王的包子铺", progress=rejected.progress)
    again = side.port.apply(right)
    assert again.progress["merchant_no"] == number
    requests.post(f"{movable}/jd/merchants/{number}/confirm", json={}, timeout=10).raise_for_status()
    assert followed(side, right, again).sub_merchant_no == number


def test_jd_that_refuses_the_product_is_asked_for_it_again_and_not_for_the_merchant(
    jdpay: Side, credentials: dict[str, Any]
) -> None:
    wrong = connectors({"jd": credentials["jd"] | {"product_id": "36"}}, budget=20)[Acquirer.JDPAY]
    sent = application()
    refused = wrong.apply(sent)
    assert refused.state is ApplicationState.REJECTED
    assert refused.reasons
    held = dataclasses.replace(sent, progress=refused.progress)
    assert jdpay.port.application_status(held).state is ApplicationState.REJECTED
    finished = followed(jdpay, held, jdpay.port.apply(held))
    assert finished.sub_merchant_no == refused.progress["merchant_no"]


def _with_check(id_number: str) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    rest = sum(int(digit) * weight for digit, weight in zip(id_number[:17], weights, strict=True)) % 11
    return id_number[:17] + "10X98765432"[rest]
