"""The operator's commands: `flask --app app <command>`."""

import click
from flask import Flask

from portal.config import owner_url
from portal.plumbing import schema_upgrade


def install(app: Flask) -> None:
    """Add every command to `app`."""
    app.cli.add_command(migrate)


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    schema_upgrade.upgrade(owner_url())
    click.echo(f"schema {schema_upgrade.newest_revision()}")
