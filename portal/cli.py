"""The operator's commands: `flask --app app <command>`."""

import secrets

import click
from flask import Flask

from portal import demo, worker
from portal.audit import queries as audit
from portal.config import owner_url
from portal.identity import operations as identity
from portal.identity.rules import StaffRole, check_password, phone_place, read_phone
from portal.ledger import queries as ledger
from portal.plumbing import schema_upgrade
from portal.plumbing.clock import now
from portal.plumbing.crypto import hash_password
from portal.plumbing.web import interconnect, keyring, settings, sms_gateway, staff_database, wallets
from portal.plumbing.work import Tools
from portal.values.errors import Refused


def install(app: Flask) -> None:
    """Add every command to `app`."""
    for command in (migrate, load_demo, create_staff, work, verify_ledger, verify_audit):
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


@click.command("verify-ledger")
def verify_ledger() -> None:
    """Check that every cached balance is the sum of its transfers; exit 1 when one is not."""
    with staff_database().transaction() as session:
        wrong = ledger.accounts_that_disagree(session)
    for merchant_id, code in wrong:
        click.echo(f"merchant {merchant_id} account {code} disagrees with its transfers")
    if wrong:
        raise SystemExit(1)
    click.echo("every account is the sum of its transfers")


@click.command("verify-audit")
def verify_audit() -> None:
    """Check every chain of acts; exit 1 and name the first broken link of each broken chain."""
    broken = []
    with staff_database().transaction() as session:
        for merchant_id in audit.chains(session):
            place = audit.first_break(session, merchant_id)
            if place is not None:
                broken.append((merchant_id, place))
    for merchant_id, place in broken:
        click.echo(f"chain of {merchant_id} is broken at entry {place}")
    if broken:
        raise SystemExit(1)
    click.echo("every chain holds")


def tools() -> Tools:
    """What jobs are given, from this application's services."""
    return Tools(settings(), staff_database(), keyring(), wallets(), sms_gateway(), interconnect())
