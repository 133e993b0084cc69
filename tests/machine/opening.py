"""Put a world together."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from portal.config import Settings
from portal.factory import Services, create_app
from portal.payments.flows import Parties
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.values.references import new_code
from portal.wallets.port import Acquirer
from tests.factories.merchants import add_merchant
from tests.machine.telling import Teller
from tests.machine.wallet import AdversaryWallet
from tests.machine.world import OTHER, World
from tests.portal.conftest import SECRETS


def opened(
    urls: Mapping[str, str], teller: Teller, connectors: Mapping[Acquirer, Any], folder: Path
) -> tuple[World, list[Database]]:
    """A world on this database, and what is to be closed after it."""
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
    wallets = {acquirer: AdversaryWallet(connectors[acquirer], acquirer) for acquirer in Acquirer}
    app = create_app(Services(settings=settings, wallets=wallets))
    staff, keyring = app.extensions["staff_database"], Keyring(SECRETS)
    world = World(
        app=app,
        teller=teller,
        wallets=wallets,
        tools=Tools(settings=settings, database=staff, keyring=keyring, wallets=wallets, sms=None),
        parties=Parties(app.extensions["database"], keyring, wallets, "http://127.0.0.1:8000"),
        keyring=keyring,
        eyes=psycopg.connect(urls["DATABASE_STAFF_URL"], autocommit=True),
        clock_file=clock_file,
    )
    add_merchant(world.parties.database, keyring, merchant_id=OTHER, name="老周", code=new_code())
    return world, [app.extensions["database"], staff]
