"""The portal in one process: real database, scripted wallets, an SMS gateway that remembers."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.config import Secrets, Settings
from portal.factory import Services, create_app
from portal.plumbing.clock import now
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.plumbing.work import Tools
from portal.wallets.port import Acquirer
from tests.conftest import TestDatabase
from tests.factories.merchants import open_session
from tests.factories.wallets import ScriptedWallet
from tests.portal.inspection import InspectingClient

SECRETS = Secrets(
    secret_key="test-secret-key",
    reference_key=b"test-reference-key",
    blind_index_key=b"test-blind-index-key",
    field_keys={"k1": base64.b64encode(bytes(32)).decode()},
    field_key="k1",
)


@dataclass
class RememberedSms:
    """An SMS gateway that only remembers: `sent` holds (phone, code)."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    def send_code(self, *, phone: str, code: str, minutes: int, locale: str) -> str:
        self.sent.append((phone, code))
        return str(len(self.sent))


@pytest.fixture
def settings(database: TestDatabase, tmp_path: Path) -> Settings:
    return Settings(
        portal_url="http://127.0.0.1:8000",
        data_dir=tmp_path,
        database_url=database.app,
        database_staff_url=database.staff,
        database_direct_url=database.staff,
        secrets=SECRETS,
        wallets={},
        demo=True,
    )


@pytest.fixture
def keyring() -> Keyring:
    return Keyring(SECRETS)


@pytest.fixture
def db(database: TestDatabase) -> Iterator[Database]:
    """Connections as `portal_app`."""
    opened = Database(database.app, pool_size=4)
    yield opened
    opened.close()


@pytest.fixture
def staff_db(database: TestDatabase) -> Iterator[Database]:
    """Connections as `portal_staff`."""
    opened = Database(database.staff, pool_size=4)
    yield opened
    opened.close()


@pytest.fixture
def wallets() -> dict[Acquirer, ScriptedWallet]:
    return {acquirer: ScriptedWallet(acquirer) for acquirer in Acquirer}


@pytest.fixture
def sms() -> RememberedSms:
    return RememberedSms()


@pytest.fixture
def app(settings: Settings, wallets: dict[Acquirer, ScriptedWallet], sms: RememberedSms) -> Iterator[Flask]:
    made = create_app(Services(settings=settings, wallets=wallets, sms=sms))
    made.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    # An unforeseen error must fail the test, not become an error page.
    made.config["PROPAGATE_EXCEPTIONS"] = True
    made.test_client_class = InspectingClient
    yield made
    for name in ("database", "staff_database"):
        made.extensions[name].close()


@pytest.fixture
def tools(
    settings: Settings,
    staff_db: Database,
    keyring: Keyring,
    wallets: dict[Acquirer, ScriptedWallet],
    sms: RememberedSms,
) -> Tools:
    """What jobs are given."""
    return Tools(settings=settings, database=staff_db, keyring=keyring, wallets=wallets, sms=sms)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser nobody has signed in with; every page it gets is inspected."""
    return app.test_client()


@pytest.fixture
def client_of(app: Flask, db: Database, staff_db: Database) -> Callable[..., FlaskClient]:
    """A signed-in browser: `client_of(user_id, merchant_id)` or `client_of(user_id, staff=True)`."""

    def make(user_id: int, merchant_id: int | None = None, *, staff: bool = False) -> FlaskClient:
        token = open_session(
            staff_db if staff else db, user_id=user_id, merchant_id=merchant_id, staff=staff, now=now()
        )
        browser = app.test_client()
        with browser.session_transaction() as cookie:
            cookie["_user_id"] = token
            cookie["_fresh"] = True
        return browser

    return make
