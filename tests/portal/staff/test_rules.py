from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from portal.merchants.rules import Answers
from portal.staff.rules import Finding, Sign, checks, forbids, hours_and_minutes, is_late
from portal.wallets.applications import Document

TODAY = date(2026, 11, 21)
GOOD = Answers(
    licence_number="92330102MA2H1ABC1C",
    legal_person="陈珍珍",
    id_number="360426199101010071",
    id_valid_from=date(2016, 3, 1),
    id_valid_until=date(2036, 3, 1),
    account_number="6222021203008846213",
    documents=dict.fromkeys(Document, "x"),
)


def found(answers: Answers) -> set[Finding]:
    return {check.finding for check in checks(answers, today=TODAY) if check.sign is not Sign.OK}


def test_a_good_application_has_no_doubts() -> None:
    assert found(GOOD) == set()
    assert forbids(checks(GOOD, today=TODAY)) == 0


@pytest.mark.parametrize(
    ("changes", "finding", "against"),
    [
        ({"licence_number": "92330102MA2H1ABC1D"}, Finding.LICENCE_WRONG, 1),
        ({"id_number": "360426199101010072"}, Finding.ID_WRONG, 1),
        ({"id_valid_until": date(2026, 11, 20)}, Finding.ID_NOT_VALID, 1),
        ({"id_valid_until": None}, Finding.ID_NOT_VALID, 1),
        ({"id_valid_from": date(2026, 11, 22)}, Finding.ID_NOT_VALID, 1),
        ({"id_valid_until": TODAY}, Finding.ID_ENDS_SOON, 0),
        ({"id_valid_until": TODAY + timedelta(days=60)}, Finding.ID_ENDS_SOON, 0),
        ({"account_number": "6222021203008846214"}, Finding.CARD_WRONG, 1),
        ({"legal_person": ""}, Finding.HOLDER_UNKNOWN, 1),
        ({"documents": {}}, Finding.PICTURES_MISSING, 1),
    ],
)
def test_what_is_wrong_comes_first_and_forbids(changes: dict[str, object], finding: Finding, against: int) -> None:
    answers = replace(GOOD, **changes)
    assert found(answers) == {finding}
    result = checks(answers, today=TODAY)
    assert result[0].finding is finding
    assert forbids(result) == against


def test_a_card_without_end_never_ends() -> None:
    assert found(replace(GOOD, id_valid_until=None, id_forever=True)) == set()


def test_an_old_licence_wants_eyes() -> None:
    answers = replace(GOOD, licence_number="330106600123456")
    assert found(answers) == {Finding.LICENCE_OLD, Finding.NOT_INDIVIDUAL}
    assert forbids(checks(answers, today=TODAY)) == 0


def test_four_hours_are_the_patience() -> None:
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    assert not is_late(moment, moment + timedelta(hours=4))
    assert is_late(moment, moment + timedelta(hours=4, seconds=1))


@pytest.mark.parametrize(
    ("span", "words"), [(timedelta(hours=5, minutes=12), "5:12"), (timedelta(days=2), "48:00"), (timedelta(0), "0:00")]
)
def test_waiting_is_told_in_hours(span: timedelta, words: str) -> None:
    assert hours_and_minutes(span) == words
