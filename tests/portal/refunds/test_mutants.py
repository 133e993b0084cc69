"""Edges that small faults drawn at random crossed unseen (docs/proof-mutants.md): each is held here."""

from datetime import timedelta

from portal.refunds import rules


def test_the_wallet_is_asked_on_the_ladder_and_then_every_hour() -> None:
    waits = [rules.seconds_until_asked_again(rules.State.PROCESSING, times) for times in range(14)]
    assert waits == [5, 5, 15, 60, 60, 60, 60, 60, 300, 600, 1200, 1800, 3600, 3600]


def test_the_limits_are_what_the_wallets_documents_say() -> None:
    assert (timedelta(days=365), 50, 40) == (rules.REFUND_WINDOW, rules.MOST_PARTS, rules.REASON_MOST)


def test_the_fee_comes_back_in_parts_but_never_more_of_it_than_was_taken() -> None:
    """A fee of 1 fen on two halves: half a fen rounds up to all of it, the first time."""
    assert rules.fee_back(fee=1, fee_returned=0, amount=50, order_amount=100) == 1
    assert rules.fee_back(fee=1, fee_returned=1, amount=50, order_amount=100) == 0
