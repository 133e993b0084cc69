"""Whatever comes to `/notify/*`: refused, nothing logged, nothing written but a counter.

`./dev prove fuzz` runs far more of it. The notices' own process is fuzzed here; the pages' process serves the same
view, and is tried with fewer cases.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.factory import Services, create_app
from tests.conftest import TestDatabase
from tests.proofs import hostile, judging
from tests.proofs.ground import WALLETS, Ground, prepared
from tests.proofs.hostile import Request
from tests.proofs.judging import Verdict

CASES = 300
FUZZ = settings(
    max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)


@pytest.fixture(scope="module")
def ground(module_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    url = module_database
    with prepared(url.app, url.staff, tmp_path_factory.mktemp("data")) as found:
        yield found


@pytest.fixture(scope="module")
def valid(ground: Ground) -> dict[str, list[Request]]:
    """The genuine notices, signed once: what Hypothesis repeats must be the same again."""
    return {wallet: ground.valid(wallet) for wallet in WALLETS}


@pytest.fixture(autouse=True)
def quiet(ground: Ground) -> None:
    ground.spoken.clear()


@pytest.fixture(autouse=True)
def shops() -> None:
    """Nothing of the neighbouring tests' own."""


@pytest.mark.parametrize("wallet", WALLETS)
def test_hostile_requests_are_refused_and_leave_nothing(ground: Ground, wallet: str) -> None:
    verdict = Verdict()
    judging.run(ground, wallet, range(CASES), 1, verdict)
    assert (verdict.cases, verdict.faults) == (CASES, [])
    assert verdict.repeated < CASES / 4, "most of them must not be the genuine notice once more"
    assert verdict.quantile_ms(0.5) < 50


@FUZZ
@given(data=st.data(), wallet=st.sampled_from(WALLETS))
def test_mutations_that_hypothesis_chooses_are_refused_too(
    ground: Ground, valid: dict[str, list[Request]], data: st.DataObject, wallet: str
) -> None:
    chance: Random = data.draw(st.randoms(use_true_random=False))
    refuse(ground, hostile.request(chance, valid[wallet]))


@FUZZ
@given(
    body=st.binary(max_size=300),
    headers=st.dictionaries(st.text("ABCdef-", min_size=1), st.text(max_size=60), max_size=6),
    wallet=st.sampled_from(WALLETS),
)
def test_any_bytes_are_refused(ground: Ground, body: bytes, headers: dict[str, str], wallet: str) -> None:
    refuse(ground, Request(f"/notify/{wallet}", body, headers))


def refuse(ground: Ground, made: Request) -> None:
    verdict = Verdict()
    judging.judge(ground, made, verdict, "case")
    assert verdict.faults == []


@pytest.mark.parametrize("wallet", WALLETS)
def test_the_genuine_notice_is_still_accepted_afterwards_and_changes_nothing(ground: Ground, wallet: str) -> None:
    before = ground.written()
    for made in ground.valid(wallet):
        assert ground.send(made).status in (200, 204)
    assert ground.written() == before


def test_what_was_refused_is_counted(ground: Ground) -> None:
    genuine = ground.valid("wechat")[0]
    probe = {**genuine.headers, "Wechatpay-Signature": "WECHATPAY/SIGNTEST/abc"}
    before = counted(ground, "wechat", "probe")
    for _ in range(3):
        assert ground.send(replace(genuine, headers=probe)).status == 401
    assert counted(ground, "wechat", "probe") == before + 3


def counted(ground: Ground, sender: str, outcome: str) -> int:
    text = ground.send(Request("/metrics", b""), method="GET").body.decode()
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return int(lines.get(f'yima_notices_total{{sender="{sender}",outcome="{outcome}"}}', 0))


def test_the_pages_process_is_as_deaf(ground: Ground) -> None:
    whole = create_app(services(ground, process="web"))
    there = replace(ground, app=whole)
    verdict = Verdict()
    try:
        for wallet in WALLETS:
            judging.run(there, wallet, range(60), 2, verdict)
    finally:
        for name in ("database", "staff_database"):
            whole.extensions[name].close()
    assert verdict.faults == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X"])
def test_no_other_way_leads_in(ground: Ground, method: str) -> None:
    before = ground.written()
    for wallet in WALLETS:
        assert ground.send(Request(f"/notify/{wallet}", b""), method=method).status in (200, 405), "OPTIONS is harmless"
    assert ground.written() == before
    assert ground.spoken == []


SIGNED_NONSENSE: list[Callable[[Random], Any]] = [
    lambda chance: chance.choice(("", "0", "-1", "9" * 30, "x", "1.5", "１２", "\x00", "FINISH", "SUCCESS")),
    lambda chance: chance.choice((0, -1, 10**18, True)),
    lambda chance: "x" * chance.choice((33, 65, 5000)),
]


@FUZZ
@given(chance=st.randoms(use_true_random=False))
def test_a_shop_that_signs_nonsense_about_itself_hurts_nobody(ground: Ground, chance: Random) -> None:
    """A shop holds its own keys with JD. What it signs may be kept, and asked about; it is never an exception."""
    told = nonsense(chance)
    heard = ground.send(ground.signed_by_shop(told))
    assert (heard.status in (200, 400, 401), ground.spoken) == (True, []), told
    with psycopg.connect(ground.staff_url) as connection:
        (others,) = connection.execute(
            "SELECT count(*) FROM transfers WHERE kind = 'unexplained' OR credit = 'suspense'"
        ).fetchone() or (0,)
    assert others == 0, "nothing was booked that JD has not confirmed"


def nonsense(chance: Random) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "outTradeNo": "Y1", "tradeNo": "T9", "piType": "JDPAY", "payStatus": "FINISH", "piAmount": 1234,
    }  # fmt: skip
    names = [*fields, "outRefundNo", "amount", "payFinishTime", "couponAmount", "resultCode"]
    for _ in range(chance.randrange(1, 4)):
        fields[chance.choice(names)] = chance.choice(SIGNED_NONSENSE)(chance)
    return fields


def services(ground: Ground, *, process: str) -> Services:
    given = ground.app.extensions
    return Services(
        settings=replace(given["settings"], process=process),
        wallets=given["wallets"],
        interconnect=given["interconnect"],
    )
