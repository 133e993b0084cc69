"""WeChat codes that hang at stalls already: which ones the sandbox knows, and payments on them."""

import secrets
from typing import Any

import requests

from tests.journeys import ledger, road
from tests.journeys.running import Running

HEADS = {"personal": "wxp://f2f0", "other_contract": "https://payapp.weixin.qq.com/materialqr/entry/home?id="}


def code_of(running: Running, holding: str, holder: str) -> str:
    """The text of a static code that the sandbox knows."""
    known = requests.get(f"{running.sandbox}/control/codes", timeout=10).json()
    return next(code["text"] for code in known if (code["holding"], code["holder_name"]) == (holding, holder))


def open_code(running: Running, holding: str, holder: str) -> str:
    """One more code in the directory: `personal`, or `other_contract`."""
    wish = {"text": HEADS[holding] + secrets.token_hex(12), "holding": holding, "holder_name": holder}
    answer = requests.post(f"{running.sandbox}/control/codes", json=wish, timeout=10)
    answer.raise_for_status()
    return str(answer.json()["text"])


def give_reduction(running: Running, payer: str, fen: int) -> None:
    """JD takes this off the person's next payment."""
    wish = {"next_reduction": fen}
    requests.post(f"{running.sandbox}/payers/{payer}/jdpay", json=wish, timeout=10).raise_for_status()


def pay_unseen(running: Running, text: str, amount: int, *, wallet: str, payer: str) -> None:
    """Somebody pays, for a journey that does not look at his phone."""
    wish = {"text": text, "amount": amount, "wallet": wallet, "payer": payer}
    requests.post(f"{running.sandbox}/control/interconnect/pay", json=wish, timeout=10).raise_for_status()


def receipt_of(running: Running, merchant: int, amount: int, *, wallet: str) -> str:
    """The receipt's number, once the portal knows the payment and the wallet that paid it."""
    found = "SELECT payment_no FROM payments WHERE merchant_id = %s AND amount = %s AND wallet = %s AND acquirer = %s"
    wanted = (merchant, amount, wallet, "wechat")
    road.eventually(lambda: len(ledger.rows(running, found, *wanted)) == 1, "the payment and its wallet are known")
    return str(ledger.rows(running, found, *wanted)[0][0])


def used(running: Running, shop: dict[str, Any]) -> dict[str, str]:
    """For looking at pages: a code of each kind, one receipt with a reduction, one that only the stand-in tells of."""
    own, linked = code_of(running, "own_sub_merchant", shop["name"]), code_of(running, "personal", "**珍")
    give_reduction(running, "pages", 300)
    pay_unseen(running, own, 2000, wallet="jdpay", payer="pages")
    pay_unseen(running, linked, 660, wallet="jdpay", payer="pages")
    return {
        "own_code": own,
        "other_code": open_code(running, "other_contract", shop["name"]),
        "personal_code": open_code(running, "personal", "陈珍珍"),
        "reduced": receipt_of(running, shop["id"], 2000, wallet="jdpay"),
        "reported": receipt_of(running, shop["id"], 660, wallet="jdpay"),
    }
