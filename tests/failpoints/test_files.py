"""Killed in the middle of a file of receipts: the next run ends what it began."""

from typing import Any

from portal.audit.rules import Actor
from portal.plumbing import clock
from portal.plumbing.storage import documents
from portal.receipts.exports import operations as exports
from portal.receipts.exports import queries as export_queries
from portal.receipts.exports.rules import Form, Period, Subject
from portal.values.day import business_date
from tests.failpoints.conftest import Mortal
from tests.failpoints.selling import sold
from tests.machine.world import World
from tests.portal.receipts.exports.test_exports import words


def _file(world: World) -> tuple[str, list[str]]:
    """The newest file's state and its lines, without the numbers."""
    with world.tools.database.transaction(merchant=world.merchant_id) as session:
        (row,) = export_queries.newest(session, world.merchant_id, most=1)
    store = documents(world.tools.settings, world.keyring)
    text = b"".join(store.get(name) for name in row.parts).decode("utf-8-sig")
    return row.state, sorted(line.split(",")[1] for line in text.splitlines())


def test_a_file_is_whole_wherever_its_first_run_died(world: World, mortal: Mortal) -> None:
    def begin() -> tuple[int, str, dict[str, Any]]:
        world.begin()
        moment = clock.now()
        for amount in (1000, 2000):
            sold(world, amount, moment)
        with world.parties.database.transaction(merchant=world.merchant_id) as session:
            exports.ask(
                session,
                merchant_id=world.merchant_id,
                subject=Subject.RECEIPTS,
                form=Form.CSV,
                chosen=Period(business_date(moment), business_date(moment)),
                words=words(Subject.RECEIPTS),
                form_key="file",
                actor=Actor("merchant", 1, "周建国"),
                now=moment,
            )
        return next(job for job in world.jobs() if job[1] == exports.BUILD)

    job = begin()
    _, trips = mortal.live("job", {"task": job[1], "arguments": job[2]})
    wanted = _file(world)
    assert (wanted[0], len(wanted[1])) == ("ready", 3)
    different = {}
    for last in range(1, trips + 2):
        job = begin()
        mortal.die("job", {"task": job[1], "arguments": job[2]}, before=last)
        world.work(job)
        if (found := _file(world)) != wanted:
            different[last] = found
    assert different == {}, f"of {trips} trips; as if it had lived: {wanted}"
