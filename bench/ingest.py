"""Verify, decrypt and post: notices a second of the portal's real path, with one writer.

Against the same effects written by an idiomatic ORM application; and as a share of two ceilings, the commits this
machine can do and the signatures it can verify. Rounds are interleaved, so that a slow minute hits everybody alike.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from bench.figures import Figure, median, save
from bench.peers import commits
from bench.peers.orm_ingest import OrmIngest
from bench.stand import AMOUNT, FEE_RATE_BP, Stand, add_merchants, add_orders, stand, sub_merchant_no
from bench.wechat_side import SignedNotice, WechatSide
from portal.notices import flows
from portal.payments.flows import Parties
from portal.plumbing.db import Database
from portal.values.money import fee_of
from portal.wallets.port import Acquirer, WalletPort
from portal.wallets.registry import connectors

ROUNDS = 7
NOTICES = 300
PGBENCH_SECONDS = 2
OURS, PEERS = range(1, 21), range(101, 121)
GOAL = 5.0

Receive = Callable[[Mapping[str, str], bytes], int]
Contender = tuple[str, Receive, Sequence[int]]


def run(rounds: int = ROUNDS, notices: int = NOTICES) -> Sequence[Figure]:
    """Measure; raises AssertionError when either side did not leave exactly the effects both must leave."""
    with stand() as place:
        measured = _rounds(place, rounds, notices)
    middle = {name: median(values) for name, values in measured.items()}
    unit = "notices/s"
    ours = middle["portal"]
    figures = [
        Figure("ingest, one writer", unit, ours, "SQLAlchemy ORM, same effects", middle["orm"], GOAL),
        Figure("ingest, share of commits", unit, ours, "pgbench commits, one client", middle["commits"], None),
        Figure("ingest, share of crypto", unit, ours, "verify + decrypt alone", middle["crypto"], None),
    ]
    save("ingest", measured, figures)
    return figures


def _rounds(place: Stand, rounds: int, notices: int) -> dict[str, list[float]]:
    owner = place.postgres.url("portal_owner", place.database)
    commits.prepare(owner)
    side, database = WechatSide(), Database(place.url)
    wallets = connectors({"wechat": side.section()})
    peer = OrmIngest(place.url, place.keyring, wallets[Acquirer.WECHAT])
    portal = _portal(Parties(database, place.keyring, wallets, "https://portal.example"))
    add_merchants(place, [*OURS, *PEERS], now=datetime.now(UTC))
    measured: dict[str, list[float]] = {"portal": [], "orm": [], "crypto": [], "commits": []}
    told = {"portal": 0, "orm": 0}
    for turn in range(rounds + 1):
        speeds = {}
        for name, receive, owners in _in_turn(turn, ("portal", portal, OURS), ("orm", peer.receive, PEERS)):
            letters = _letters(place, database, side, owners, notices)
            speeds[name] = _speed(letters, receive)
            told[name] += len(letters)
            if name == "portal":
                speeds["crypto"] = _crypto_speed(letters, wallets[Acquirer.WECHAT])
            receive(letters[0].headers, letters[0].body)  # told twice, booked once
        speeds["commits"] = commits.commits_per_second(owner, seconds=PGBENCH_SECONDS)
        if turn:  # the first one warms up
            for name, speed in speeds.items():
                measured[name].append(speed)
    for name, owners in (("portal", OURS), ("orm", PEERS)):
        check_effects(place.postgres.url("portal_staff", place.database), owners, told[name])
    peer.close()
    database.close()
    return measured


def check_effects(url: str, merchant_ids: Sequence[int], count: int) -> None:
    """What `count` payments of AMOUNT fen must have left behind, to the fen, whoever wrote it."""
    fee = fee_of(AMOUNT, FEE_RATE_BP)
    engine = sa.create_engine(url)
    with engine.connect() as connection:

        def one(statement: str) -> tuple[int, ...]:
            scope = {"first": min(merchant_ids), "last": max(merchant_ids)}
            row = connection.execute(sa.text(statement + " WHERE merchant_id BETWEEN :first AND :last"), scope).one()
            return tuple(int(value or 0) for value in row)

        paid = "count(*) FILTER (WHERE state = 'success'), sum(amount) FILTER (WHERE state = 'success')"
        assert one(f"SELECT {paid}, sum(fee) FROM payments") == (count, count * AMOUNT, count * fee)
        assert one("SELECT count(*), sum(amount) FROM transfers") == (2 * count, count * (AMOUNT + fee))
        assert one("SELECT sum(debits), sum(credits) FROM accounts") == (count * (AMOUNT + fee),) * 2
        owed = "sum(debits - credits) FILTER (WHERE code = 'clearing:wechat')"
        assert one(f"SELECT {owed} FROM accounts") == (count * (AMOUNT - fee),)
        assert one("SELECT sum(count), sum(received) FROM day_totals") == (count, count * AMOUNT)
        assert one("SELECT count(*) FILTER (WHERE state = 'applied'), count(*) FROM inbox_notices") == (count, count)
        assert one("SELECT count(*) FILTER (WHERE kind = 'payment.success'), max(seq) FROM events")[0] == count
        assert one("SELECT sum(seq) FROM event_heads") == one("SELECT count(*) FROM events")
    engine.dispose()


def _portal(parties: Parties) -> Receive:
    def receive(headers: Mapping[str, str], body: bytes) -> int:
        return flows.receive(parties, acquirer=Acquirer.WECHAT, headers=headers, body=body, now=datetime.now(UTC))[0]

    return receive


def _letters(
    place: Stand, database: Database, side: WechatSide, owners: Sequence[int], count: int
) -> list[SignedNotice]:
    orders = add_orders(database, place.keyring, owners, count)
    at = datetime.now(UTC)
    return [
        side.paid(order_no=number, sub_mchid=sub_merchant_no(owner), amount=AMOUNT, at=at) for owner, number in orders
    ]


def _speed(letters: Sequence[SignedNotice], receive: Receive) -> float:
    started = time.perf_counter()
    for letter in letters:
        status = receive(letter.headers, letter.body)
        assert status == 204, status
    return len(letters) / (time.perf_counter() - started)


def _crypto_speed(letters: Sequence[SignedNotice], wallet: WalletPort) -> float:
    now = datetime.now(UTC)
    started = time.perf_counter()
    for letter in letters:
        wallet.read_notice(headers=letter.headers, body=letter.body, now=now, keys_of=lambda number: None)
    return len(letters) / (time.perf_counter() - started)


def _in_turn(
    turn: int, *contenders: tuple[str, Receive, Sequence[int]]
) -> Sequence[tuple[str, Receive, Sequence[int]]]:
    """Who goes first changes from round to round."""
    return contenders if turn % 2 else contenders[::-1]
