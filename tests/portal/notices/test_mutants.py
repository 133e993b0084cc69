"""Edges that small faults drawn at random crossed unseen (docs/proof-mutants.md): each is held here."""

from datetime import timedelta

import pytest

from portal.notices import rules
from portal.wallets.port import Acquirer


@pytest.mark.parametrize(
    ("rung", "reason", "seconds"),
    [
        (0, rules.TO_CONFIRM, 2),
        (0, "wrong_amount", 2),
        (0, rules.UNKNOWN_ORDER, 10),
        (1, rules.TO_CONFIRM, 60),
        (2, "", 300),
        (3, "", 1800),
        (4, "", 7200),
        (9, "", 7200),
    ],
)
def test_a_waiting_notice_is_asked_about_on_the_ladder(rung: int, reason: str, seconds: int) -> None:
    assert rules.wait(rung, reason) == timedelta(seconds=seconds)


def test_only_the_last_rung_takes_a_no_as_final() -> None:
    assert [rules.is_last(rung) for rung in range(7)] == [False, False, False, False, True, True, True]


def test_only_the_word_of_jd_has_to_be_confirmed() -> None:
    assert {acquirer: rules.must_be_confirmed(acquirer) for acquirer in Acquirer} == {
        Acquirer.WECHAT: False,
        Acquirer.JDPAY: True,
    }


def test_the_limits_are_what_the_documents_say() -> None:
    assert (rules.BODY_MOST, rules.KIND_MOST, rules.BUDGET_SECONDS) == (65_536, 40, 4.4)
    assert (rules.PAGES_ASK_SECONDS, rules.ALONE_ASK_SECONDS, rules.PLATFORM) == (4.0, 2.4, 0)
