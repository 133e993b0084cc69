"""The whole road: register, apply, approve, print, pay with both wallets, refund, rebate; and both sides' books agree.

Expected totals are literals. The institutions' books come from their own process with their own store.
"""

from collections.abc import Callable

import requests
from playwright.sync_api import Page

from portal.plumbing.clock import now
from portal.values.day import business_date
from tests.journeys import ledger, road
from tests.journeys.ledger import Owed
from tests.journeys.running import Running

PHONE = "13712345678"
SHOP = "小巷口水果店"


def test_a_stall_gets_paid_by_both_wallets_and_the_books_agree_to_the_fen(
    running: Running, window: Callable[..., Page], sign_in: Callable[..., Page]
) -> None:
    today = business_date(now()).isoformat()
    owner = window()
    road.register(owner, running, phone=PHONE, shop=SHOP)
    road.apply(owner, shop=SHOP, person=road.invented_person("林小巷", 7))
    road.approve(sign_in("reviewer", width=1280, height=800), running, shop=SHOP)
    road.wait_until_open(owner, running)
    plate = road.open_code(owner, running, name="柜台")
    assert plate.startswith(b"%PDF")

    road.pay_with_wechat(window(width=1280, height=800), running, plate, yuan="12.34")
    by_jd = running.pay("jdpay", 500, picture=plate)
    assert (by_jd["result"], by_jd["amount"]) == ("paid", 500)

    shop = ledger.merchant_named(running, SHOP)
    numbers = ledger.sub_merchants(running, shop)
    paid = "SELECT wallet, acquirer, amount, payment_no FROM payments WHERE merchant_id = %s AND state = 'success'"
    road.eventually(lambda: len(ledger.rows(running, paid, shop)) == 2, "both payments booked")
    booked = {(wallet, acquirer, amount) for wallet, acquirer, amount, _ in ledger.rows(running, paid, shop)}
    assert booked == {("wechat", "wechat", 1234), ("jdpay", "jdpay", 500)}
    by_wallet = {wallet: number for wallet, _, _, number in ledger.rows(running, paid, shop)}

    owner.goto(f"{running.portal}/receipts")
    assert "¥12.34" in owner.locator("main").inner_text()
    assert "¥5.00" in owner.locator("main").inner_text()
    owner.goto(f"{running.portal}/receipts/{by_wallet['jdpay']}")
    two_dimensions = owner.locator("main").inner_text()
    assert "付款钱包" in two_dimensions
    assert "收单机构" in two_dimensions
    assert "京东支付" in two_dimensions

    road.refund(owner, running, payment_no=by_wallet["wechat"], yuan="2.34")
    assert "已受理" in owner.locator("main").inner_text() or "已退" in owner.locator("main").inner_text()
    arrived = "SELECT state FROM refunds WHERE merchant_id = %s"
    road.eventually(lambda: ledger.rows(running, arrived, shop) == [("success",)], "the refund arrived")

    expected = {"wechat": Owed(1234, 234, 4, 996), "jdpay": Owed(500, 0, 2, 498)}
    assert ledger.ledger_of(running, shop) == expected
    assert ledger.books_of(running, numbers, today) == expected

    _alter_the_books_by_one_fen(running, today)
    assert ledger.books_of(running, numbers, today) != ledger.ledger_of(running, shop)


def test_a_payment_through_a_sharing_page_earns_a_rebate_and_its_refund_takes_it_back(
    running: Running, sign_in: Callable[..., Page]
) -> None:
    shop = running.demo["shops"][0]
    paid = running.pay("wechat", 6000, text=f"{running.portal}/r/{shop['rebate_tokens'][0]}")
    assert (paid["result"], paid["amount"]) == ("paid", 6000)
    lines = "SELECT kind, amount FROM rebate_entries WHERE merchant_id = %s ORDER BY at, kind"
    road.eventually(lambda: ledger.rows(running, lines, shop["id"]) == [("accrual", 60)], "the rebate accrued")
    owner = sign_in("owner")
    owner.goto(f"{running.portal}/rebates")
    assert "0.60" in owner.locator("main").inner_text()

    road.refund(owner, running, payment_no=paid["order"], yuan="30.00")
    both = [("accrual", 60), ("clawback", -30)]
    road.eventually(lambda: ledger.rows(running, lines, shop["id"]) == both, "half of it taken back")
    payable = "SELECT credits - debits FROM accounts WHERE merchant_id = %s AND code = 'rebate_payable'"
    assert ledger.rows(running, payable, shop["id"]) == [(30,)]


def test_the_plate_pays_the_shop_whose_code_it_carries(running: Running, window: Callable[..., Page]) -> None:
    """Give the phone the bytes of shop B's plate instead of A's, and shop B is paid: the plate alone decides."""
    shop_b = running.demo["shops"][1]
    owner_b = window()
    road.sign_in(owner_b, running, [login for login in running.demo["logins"] if login["role"] == "owner"][1])
    plate = road.fetch(owner_b, f"{running.portal}/codes/1/plate.pdf")
    before = ledger.ledger_of(running, shop_b["id"])["wechat"].received
    paid = running.pay("wechat", 100, picture=plate)
    assert (paid["result"], paid["text"]) == ("paid", f"{running.portal}/c/{shop_b['codes'][0]}")
    road.eventually(
        lambda: ledger.ledger_of(running, shop_b["id"])["wechat"].received == before + 100, "shop B was paid"
    )


def test_a_payer_who_refuses_pays_nothing(running: Running) -> None:
    shop = running.demo["shops"][1]
    answer = requests.post(
        f"{running.sandbox}/phone/api/pay",
        json={
            "wallet": "wechat",
            "text": f"{running.portal}/c/{shop['codes'][0]}",
            "amount": 777,
            "outcome": "refuse",
        },
        timeout=60,
    ).json()
    assert answer["result"] == "refused"
    asked = "SELECT state FROM payments WHERE merchant_id = %s AND amount = 777"
    assert ledger.rows(running, asked, shop["id"]) == [("paying",)]


def _alter_the_books_by_one_fen(running: Running, day: str) -> None:
    entry = next(line for line in running.books(day)["wechat"] if line["kind"] == "payment" and line["total"] == 1234)
    answer = requests.post(
        f"{running.sandbox}/control/books/alter",
        json={"institution": "wechat", "number": entry["transaction_id"], "amount": 1233},
        timeout=10,
    )
    assert answer.status_code == requests.codes.ok, answer.text
