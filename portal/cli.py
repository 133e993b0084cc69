"""The operator's commands: `flask --app app <command>`."""

import secrets
import sys
from collections.abc import Callable
from datetime import date, datetime

import click
from flask import Flask
from flask.cli import AppGroup

from portal import demo, doctor, worker
from portal.audit import queries as audit
from portal.config import owner_url, secret_files
from portal.events import queries as feed
from portal.events.operations import RELAY
from portal.identity import operations as identity
from portal.identity.rules import StaffRole, check_password, phone_place, read_phone
from portal.ledger import queries as ledger
from portal.plumbing import schema_upgrade
from portal.plumbing.clock import now, real_now
from portal.plumbing.crypto import hash_password
from portal.plumbing.web import database, interconnect, keyring, settings, sms_gateway, staff_database, wallets
from portal.plumbing.work import Tools
from portal.reconciliation import flows as reconciliation
from portal.reconciliation import queries as bill_queries
from portal.reconciliation.queries import BatchKey, BatchRow
from portal.reconciliation.rules import SETTLED
from portal.settlement import verifying as sheets
from portal.settlement.flows import SEALS_FOLDER
from portal.values.errors import Refused


def install(app: Flask) -> None:
    """Add every command to `app`."""
    for command in (migrate, load_demo, create_staff, work, carry, verify_ledger, verify_audit, bills, examine):
        app.cli.add_command(command)


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    schema_upgrade.upgrade(owner_url())
    click.echo(f"schema {schema_upgrade.newest_revision()}")


@click.command("demo")
def load_demo() -> None:
    """Load the demonstration shop into an empty database (demo mode only)."""
    if not settings().demo:
        raise click.ClickException("demo data is only for PORTAL_MODE=demo")
    demo.load(tools(), say=click.echo)


@click.command("create-staff")
@click.option("--phone", required=True, help="mobile number, +86 or plain")
@click.option("--name", required=True)
@click.option("--role", type=click.Choice([role.value for role in StaffRole]), required=True)
@click.option("--password", help="left out: one is made and shown once")
def create_staff(phone: str, name: str, role: str, password: str | None) -> None:
    """Add a staff member."""
    word = password or secrets.token_urlsafe(12)
    try:
        number = read_phone(phone)
        check_password(word)
    except Refused as problem:
        raise click.ClickException(problem.reason) from problem
    add_staff(phone=number, name=name, role=role, password=word)
    click.echo(f"{name} ({role}) may sign in with {number}" + ("" if password else f" and {word}"))


def add_staff(*, phone: str, name: str, role: str, password: str) -> int:
    """A staff member with an E.164 number. Answers his id."""
    blind = keyring().blind(phone, kind="phone")
    with staff_database().transaction() as session:
        return identity.create_user(
            session,
            kind="staff",
            staff_role=role,
            phone_blind=blind,
            phone_sealed=keyring().seal(phone, place=phone_place(blind)),
            phone_tail=phone[-4:],
            name=name,
            password_hash=hash_password(password),
            locale="zh",
            now=now(),
        )


@click.command("worker")
def work() -> None:
    """Run jobs and carry events until stopped."""
    worker.run(tools(), direct_url=settings().database_staff_url)


@click.command("carry-events")
def carry() -> None:
    """Hand on by hand what the relay has not carried yet, in order; exit 1 while a merchant's feed is still behind."""
    carried = 0
    while found := worker.carry_events(tools()):
        carried += found
    with staff_database().transaction() as session:
        behind = feed.merchants_behind(session, relay=RELAY)
    click.echo(f"{carried} events carried, {len(behind)} merchants behind")
    if behind:
        raise SystemExit(1)


@click.command("doctor")
def examine() -> None:
    """Look at everything an installation needs, one line each; exit 1 when something must be mended first."""
    patient = doctor.Patient(database(), tools(), tuple(secret_files()), now=now(), real_now=real_now())
    findings = doctor.examine(patient)
    for finding in findings:
        click.echo(f"{finding.level:<4}  {finding.name}: {finding.says}")
    if any(finding.level is doctor.Level.FAIL for finding in findings):
        raise SystemExit(1)


@click.command("verify-ledger")
def verify_ledger() -> None:
    """Check that balances are the sums of their transfers, and sealed days what the ledger has; exit 1 otherwise."""
    with staff_database().transaction() as session:
        wrong = ledger.accounts_that_disagree(session)
        lost = [
            found for merchant_id in sheets.merchants(session) for found in sheets.against_ledger(session, merchant_id)
        ]
    for merchant_id, code in wrong:
        click.echo(f"merchant {merchant_id} account {code} disagrees with its transfers")
    _tell_wrong_sheets(lost)
    if wrong or lost:
        raise SystemExit(1)
    click.echo("every account is the sum of its transfers, every sealed day is in the ledger")


@click.command("verify-audit")
def verify_audit() -> None:
    """Check every chain of acts and of sealed days; exit 1 and name the first broken link of each broken chain."""
    broken = []
    with staff_database().transaction() as session:
        for merchant_id in audit.chains(session):
            place = audit.first_break(session, merchant_id)
            if place is not None:
                broken.append((merchant_id, place))
        wrong = [found for each in sheets.merchants(session) if (found := sheets.first_wrong(session, each))]
        wrong += sheets.against_files(session, settings().data_dir / SEALS_FOLDER)
    for merchant_id, place in broken:
        click.echo(f"chain of {merchant_id} is broken at entry {place}")
    _tell_wrong_sheets(wrong)
    if broken or wrong:
        raise SystemExit(1)
    click.echo("every chain holds, every sealed day is as it was sealed")


def _tell_wrong_sheets(wrong: list[sheets.Wrong]) -> None:
    for found in wrong:
        click.echo(f"sealed day {found.day or 'unknown'} of merchant {found.merchant_id}: {found.what}")


bills = AppGroup("bills", help="The wallets' bills of a day.")
_DAY = click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="a day in Beijing")


@bills.command("fetch")
@_DAY
def fetch_bills(day: datetime) -> None:
    """Fetch every bill of a day that is not there yet."""
    _tell_bills(_watched(reconciliation.fetch, day.date()))


@bills.command("reconcile")
@_DAY
def reconcile_bills(day: datetime) -> None:
    """Fetch what is missing, then read and compare; exit 1 while a bill is awaited or not balanced. Repeatable."""
    rows = _watched(reconciliation.reconcile, day.date())
    _tell_bills(rows)
    if any(row.state not in SETTLED for row in rows):
        raise SystemExit(1)


def _watched(work: Callable[..., list[BatchRow]], day: date) -> list[BatchRow]:
    """Run it under a bar: bills in per cent, as they are read and compared."""
    with click.progressbar(length=100, label=day.isoformat(), file=sys.stderr) as bar:

        def watch(key: BatchKey, percent: int) -> None:
            bar.label = f"{day} {key.acquirer} {key.kind} {key.sub_merchant_no}".rstrip()
            bar.update(percent - bar.pos)

        return work(tools(), day, now=now(), watch=watch)


def _tell_bills(rows: list[BatchRow]) -> None:
    with staff_database().transaction() as session:
        for row in rows:
            open_items = bill_queries.open_items(session, row.key)
            name = f"{row.key.acquirer} {row.key.kind} {row.key.sub_merchant_no}".rstrip()
            said = f"{row.state}, bill {row.answer or 'not asked for'}" + (f" ({row.trouble})" if row.trouble else "")
            click.echo(f"{row.key.day} {name}: {said}, {row.lines} lines, {open_items} differences open")


def tools() -> Tools:
    """What jobs are given, from this application's services."""
    return Tools(settings(), staff_database(), keyring(), wallets(), sms_gateway(), interconnect())
