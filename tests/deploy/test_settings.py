"""What `./dev run` is told, and what each process may know."""

from pathlib import Path

import pytest

from deploy.settings import ROOT, read_settings
from deploy.trouble import Trouble


def test_everything_has_a_default_on_loopback() -> None:
    settings = read_settings({})
    assert settings.addresses == ("127.0.0.1",)
    assert settings.ports() == {"PORT": 8000, "EVENTS_PORT": 8002, "NOTICES_PORT": 8003, "SANDBOX_PORT": 8001}
    assert settings.portal_url == "http://127.0.0.1:8000"
    assert settings.events_url == "http://127.0.0.1:8002"
    assert settings.notices_url == "http://127.0.0.1:8003"
    assert settings.data_dir == ROOT / ".data"


def test_a_relative_data_directory_counts_from_where_the_command_was_given(tmp_path: Path) -> None:
    environ = {"YIMA_CALLED_FROM": str(tmp_path), "PORTAL_DATA_DIR": "here"}
    assert read_settings(environ).data_dir == tmp_path / "here"


def test_behind_a_proxy_the_event_stream_keeps_the_portals_own_address() -> None:
    assert read_settings({"PORTAL_URL": "https://yima.example"}).events_url is None


def test_behind_a_proxy_the_wallets_are_told_the_portals_own_address() -> None:
    assert read_settings({"PORTAL_URL": "https://yima.example"}).notices_url == "https://yima.example"


def test_the_notices_take_the_next_port_that_is_free() -> None:
    assert read_settings({"EVENTS_PORT": "7999"}).notices_port == 8002
    assert read_settings({"PORT": "9000"}).notices_port == 9003


def test_only_a_demonstrations_clock_can_be_moved(tmp_path: Path) -> None:
    place = {"PORTAL_DATA_DIR": str(tmp_path), "WALLETS_FILE": str(tmp_path / "wallets.json")}
    demo = read_settings(place).portal_environment({}, {})
    assert demo["BUSINESS_CLOCK_FILE"] == str(tmp_path / "business-clock.json")
    production = read_settings({**place, "PORTAL_MODE": "production"}).portal_environment({}, {})
    assert "BUSINESS_CLOCK_FILE" not in production


def test_another_address_still_leaves_loopback_open_for_the_processes_themselves() -> None:
    assert read_settings({"BIND": "192.0.2.7"}).addresses == ("192.0.2.7", "127.0.0.1")
    assert read_settings({"BIND": "0.0.0.0"}).addresses == ("0.0.0.0",)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"PORT": "eighty"}, "PORT=eighty"),
        ({"PORT": "０８"}, "PORT="),
        ({"SANDBOX_PORT": "70000"}, "SANDBOX_PORT=70000"),
        ({"SANDBOX_PORT": "8000"}, "PORT = SANDBOX_PORT"),
        ({"BIND": "everywhere"}, "BIND=everywhere"),
        ({"PORTAL_MODE": "test"}, "PORTAL_MODE"),
        ({"DATABASE_URL": "postgresql://x"}, "DATABASE_OWNER_URL, DATABASE_STAFF_URL"),
        ({"PORTAL_MODE": "production"}, "WALLETS_FILE"),
        ({"NOTICES_PORT": "8002"}, "EVENTS_PORT = NOTICES_PORT"),
        ({"PORTAL_MODE": "production", "BUSINESS_CLOCK_FILE": "/x", "WALLETS_FILE": "/y"}, "BUSINESS_CLOCK_FILE"),
    ],
)
def test_an_impossible_setting_is_named_in_one_line(environ: dict[str, str], named: str) -> None:
    with pytest.raises(Trouble, match=named) as caught:
        read_settings(environ)
    assert "\n" not in str(caught.value)


def test_the_sandbox_never_hears_of_the_portals_database_or_keys() -> None:
    database = {"DATABASE_URL": "a", "DATABASE_OWNER_URL": "b", "DATABASE_STAFF_URL": "c", "PORTAL_SECRETS_FILE": "d"}
    environment = read_settings(database).sandbox_environment(database)
    assert not [name for name in environment if name.startswith(("DATABASE_", "PORTAL_SECRETS", "WALLETS"))]


def test_an_external_database_gets_a_direct_address_of_its_own_by_default() -> None:
    database = {"DATABASE_URL": "a", "DATABASE_OWNER_URL": "b", "DATABASE_STAFF_URL": "c"}
    assert read_settings(database).database["DATABASE_DIRECT_URL"] == "a"
