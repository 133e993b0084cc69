"""Put a world together."""

from collections.abc import Mapping
from pathlib import Path

import psycopg

from portal.config import Settings
from portal.factory import Services, create_app
from portal.payments.flows import Parties
from portal.plumbing import clock
from portal.plumbing.crypto import Keyring
from portal.plumbing.work import Tools
from portal.values.references import new_code
from portal.wallets.port import Acquirer
from tests.factories.merchants import add_merchant
from tests.machine.telling import Teller
from tests.machine.wallet import AdversaryWallet
from tests.machine.world import OTHER, World
from tests.portal.conftest import SECRETS


def opened(urls: Mapping[str, str], teller: Teller, wallets: Mapping[Acquirer, AdversaryWallet], folder: Path) -> World:
    """A world on this database, with eyes that see everything and another merchant."""
    world = built(urls, wallets, folder)
    world.teller = teller
    world.eyes = psycopg.connect(urls["DATABASE_STAFF_URL"], autocommit=True)
    add_merchant(world.parties.database, world.keyring, merchant_id=OTHER, name="老周", code=new_code())
    return world


def closed(world: World) -> None:
    """Give everything back."""
    world.eyes.close()
    for database in (world.parties.database, world.tools.database):
        database.close()
    clock.follow(None)


def built(urls: Mapping[str, str], wallets: Mapping[Acquirer, AdversaryWallet], folder: Path) -> World:
    """The portal of a world. Opens no connection, so that a process may have forks."""
    clock_file = folder / "clock.json"
    settings = Settings(
        portal_url="http://127.0.0.1:8000",
        data_dir=folder,
        database_url=urls["DATABASE_URL"],
        database_staff_url=urls["DATABASE_STAFF_URL"],
        database_direct_url=urls["DATABASE_STAFF_URL"],
        secrets=SECRETS,
        wallets={},
        demo=True,
        process="notices",
        clock_file=clock_file,
    )
    app = create_app(Services(settings=settings, wallets=wallets))
    staff, keyring = app.extensions["staff_database"], Keyring(SECRETS)
    return World(
        app=app,
        wallets=wallets,
        tools=Tools(settings=settings, database=staff, keyring=keyring, wallets=wallets, sms=None),
        parties=Parties(app.extensions["database"], keyring, wallets, "http://127.0.0.1:8000"),
        keyring=keyring,
        clock_file=clock_file,
    )
