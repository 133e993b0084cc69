"""The judge finds every kind of wrong: one right world, spoilt in one way at a time."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.judging import Ours, Theirs, Verdict, judge

World = dict[str, Any]


def world() -> World:
    """One payment of 1000 fen by WeChat Pay with a fee of 4, 300 of it refunded with 1 of the fee."""
    paid = {"kind": "payment", "sub_mchid": "16", "out_trade_no": "O1", "transaction_id": "T1", "total": 1000, "fee": 4}
    back = {
        **paid,
        "kind": "refund",
        "out_refund_no": "R1",
        "refund": 300,
        "fee": 1,
        "state": "SUCCESS",
    }
    transfers = [
        _transfer("payment", "O1", "clearing:wechat", "merchant_payable", 1000),
        _transfer("fee", "O1", "fee:wechat", "clearing:wechat", 4),
        _transfer("refund_requested", "R1", "merchant_payable", "refund_in_flight:wechat", 300),
        _transfer("refund_arrived", "R1", "refund_in_flight:wechat", "clearing:wechat", 300),
        _transfer("fee_returned", "R1", "clearing:wechat", "fee:wechat", 1),
    ]
    sums = {"clearing:wechat": (1001, 304), "merchant_payable": (300, 1000), "fee:wechat": (4, 1)}
    sums["refund_in_flight:wechat"] = (300, 300)
    return {
        "entries": {"wechat": [paid, back], "jd": []},
        "reported": {"T9": 50},
        "delivered": {("wechat", "payment", "O1"), ("wechat", "refund", "R1")},
        "payments": [_payment("O1", "T1", 1000, "order", refunded=300), _payment("P9", "T9", 50, "interconnect")],
        "refunds": [{"merchant_id": 1, "refund_no": "R1", "state": "success", "amount": 300}],
        "transfers": transfers,
        "accounts": [{"merchant_id": 1, "code": c, "debits": d, "credits": e} for c, (d, e) in sums.items()],
        "events": [
            {"merchant_id": 1, "seq": n, "kind": kind, "subject": subject}
            for n, (kind, subject) in enumerate(
                [("payment.success", "O1"), ("payment.success", "P9"), ("refund.success", "R1")], start=1
            )
        ],
        "inbox": {("wechat", "payment", "O1"), ("wechat", "refund", "R1")},
    }


def _transfer(kind: str, ref: str, debit: str, credit: str, amount: int) -> dict[str, Any]:
    return {"merchant_id": 1, "kind": kind, "ref": ref, "debit": debit, "credit": credit, "amount": amount}


def _payment(number: str, transaction: str, amount: int, source: str, refunded: int = 0) -> dict[str, Any]:
    return {
        "merchant_id": 1,
        "payment_no": number,
        "transaction_no": transaction,
        "amount": amount,
        "source": source,
        "acquirer": "wechat",
        "state": "success",
        "refunded": refunded,
        "refund_reserved": 0,
    }


def judged(found: World) -> Verdict:
    tables = ("payments", "refunds", "transfers", "accounts", "events")
    return judge(
        Theirs(found["entries"], found["reported"], frozenset(found["delivered"])),
        Ours(*(found[name] for name in tables), frozenset(found["inbox"]), {("wechat", "16"): 1}),
        shown_refunds=["R1"],
    )


def test_it_finds_nothing_where_nothing_is_wrong() -> None:
    verdict = judged(world())
    assert verdict.good, verdict.words
    assert (verdict.payments, verdict.refunds, verdict.fen) == (2, 1, 1350)


def _lose_payment(found: World) -> None:
    found["payments"].pop(0)


def _lose_booking(found: World) -> None:
    found["transfers"].pop(0)


def _book_twice(found: World) -> None:
    found["transfers"].append(dict(found["transfers"][0]))


def _book_what_nobody_received(found: World) -> None:
    found["transfers"].append(_transfer("payment", "O2", "clearing:wechat", "merchant_payable", 5))


def _count_as_paid_what_nobody_received(found: World) -> None:
    found["payments"].append(_payment("O2", "T2", 5, "order"))


def _book_a_fen_less(found: World) -> None:
    found["transfers"][0]["amount"] = 999


def _take_a_fen_of_fee_too_much(found: World) -> None:
    found["transfers"][1]["amount"] = 5


def _lose_what_was_reported(found: World) -> None:
    found["payments"].pop(1)


def _keep_what_was_reported_twice(found: World) -> None:
    found["payments"].append(_payment("P8", "T9", 50, "interconnect"))


def _lose_refund(found: World) -> None:
    found["refunds"].clear()


def _never_book_refund(found: World) -> None:
    found["transfers"].pop(3)


def _book_refund_twice(found: World) -> None:
    found["transfers"].append(dict(found["transfers"][3]))


def _call_a_refund_arrived_that_was_not(found: World) -> None:
    found["refunds"].append({"merchant_id": 1, "refund_no": "R2", "state": "success", "amount": 9})


def _refund_more_than_came_in(found: World) -> None:
    more = {**found["entries"]["wechat"][1], "out_refund_no": "R2", "refund": 800}
    found["entries"]["wechat"].append(more)


def _promise_more_than_came_in(found: World) -> None:
    found["payments"][0]["refund_reserved"] = 701


def _forget_a_notice(found: World) -> None:
    found["inbox"].discard(("wechat", "payment", "O1"))


def _break_a_balance(found: World) -> None:
    found["accounts"][0]["debits"] += 1


def _tell_twice(found: World) -> None:
    found["events"].append({"merchant_id": 1, "seq": 4, "kind": "payment.success", "subject": "O1"})


def _leave_a_gap(found: World) -> None:
    found["events"][2]["seq"] = 4


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (_lose_payment, "lost"),
        (_lose_booking, "lost"),
        (_book_twice, "double"),
        (_book_what_nobody_received, "double"),
        (_count_as_paid_what_nobody_received, "double"),
        (_book_a_fen_less, "fen_off"),
        (_take_a_fen_of_fee_too_much, "fen_off"),
        (_lose_what_was_reported, "lost"),
        (_keep_what_was_reported_twice, "double"),
        (_lose_refund, "lost"),
        (_never_book_refund, "lost"),
        (_book_refund_twice, "double"),
        (_call_a_refund_arrived_that_was_not, "double"),
        (_refund_more_than_came_in, "over_refunded"),
        (_promise_more_than_came_in, "over_refunded"),
        (_forget_a_notice, "forgotten"),
        (_break_a_balance, "broken"),
        (_tell_twice, "broken"),
        (_leave_a_gap, "broken"),
    ],
)
def test_it_finds_what_is_wrong(spoil: Callable[[World], None], what: str) -> None:
    found = copy.deepcopy(world())
    spoil(found)
    verdict = judged(found)
    assert getattr(verdict, what) > 0, verdict.words
    assert not verdict.good


def test_a_shown_refund_that_is_gone_is_forgotten() -> None:
    found = world()
    verdict = judge(
        Theirs(found["entries"], found["reported"], frozenset()),
        Ours(
            *(found[name] for name in ("payments", "refunds", "transfers", "accounts", "events")),
            frozenset(found["inbox"]),
            {("wechat", "16"): 1},
        ),
        shown_refunds=["R1", "R7"],
    )
    assert verdict.forgotten == 1
