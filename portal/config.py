"""Settings: read once from the environment at start, then never again. See docs/settings.md for the list."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Which part of the portal a process serves; the worker and the commands count as web.
PROCESSES = ("web", "events", "notices")


class SettingsError(Exception):
    """A setting is missing or impossible. The message names it and is shown to the operator as it is."""


@dataclass(frozen=True)
class Secrets:
    """Keys that never reach the database. `field_keys` are 32-byte keys by id; `field_key` names the writing one."""

    secret_key: str = field(repr=False)
    reference_key: bytes = field(repr=False)
    blind_index_key: bytes = field(repr=False)
    field_keys: Mapping[str, str] = field(repr=False)
    field_key: str


@dataclass(frozen=True)
class Settings:
    """Everything the portal is told from outside."""

    portal_url: str
    data_dir: Path
    database_url: str
    database_staff_url: str
    database_direct_url: str
    secrets: Secrets
    wallets: Mapping[str, Any] = field(repr=False)
    demo: bool = False
    events_url: str | None = None
    notices_url: str | None = None
    process: str = "web"
    clock_file: Path | None = None

    @property
    def secure(self) -> bool:
        """Whether cookies may demand HTTPS."""
        return self.portal_url.startswith("https://")

    @property
    def notify_base(self) -> str:
        """The address that `/notify/…` is put behind: the notices' own process, else the portal."""
        return self.notices_url or self.portal_url


def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read every setting. Raises SettingsError naming the first that is missing."""
    demo = environ.get("PORTAL_MODE", "production") == "demo"
    portal_url = environ.get("PORTAL_URL", f"http://127.0.0.1:{environ.get('PORT', '8000')}").rstrip("/")
    process = environ.get("PROCESS", "web")
    if process not in PROCESSES:
        raise SettingsError(f"PROCESS is one of {', '.join(PROCESSES)}, not {process}")
    database_url = _needed(environ, "DATABASE_URL")
    return Settings(
        portal_url=portal_url,
        data_dir=Path(environ.get("PORTAL_DATA_DIR", ".data")),
        database_url=database_url,
        database_staff_url=environ.get("DATABASE_STAFF_URL", database_url),
        database_direct_url=environ.get("DATABASE_DIRECT_URL", database_url),
        secrets=_secrets(Path(_needed(environ, "PORTAL_SECRETS_FILE"))),
        wallets=_json(Path(_needed(environ, "WALLETS_FILE"))),
        demo=demo,
        events_url=environ.get("EVENTS_URL") if process != "events" else None,
        notices_url=environ.get("NOTICES_URL", "").rstrip("/") or None,
        process=process,
        clock_file=_clock_file(environ, demo=demo),
    )


def secret_files(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """The files that hold keys; nobody but the portal's own user should be able to read them."""
    return [Path(_needed(environ, name)) for name in ("PORTAL_SECRETS_FILE", "WALLETS_FILE")]


def owner_url(environ: Mapping[str, str] = os.environ) -> str:
    """The connection that may change the schema; only the migrations use it."""
    return _needed(environ, "DATABASE_OWNER_URL")


def _clock_file(environ: Mapping[str, str], *, demo: bool) -> Path | None:
    given = environ.get("BUSINESS_CLOCK_FILE")
    if given and not demo:
        raise SettingsError("BUSINESS_CLOCK_FILE moves the clock and is for PORTAL_MODE=demo only")
    return Path(given) if given else None


def _needed(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def _json(path: Path) -> Mapping[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error


def _secrets(path: Path) -> Secrets:
    raw = _json(path)
    try:
        return Secrets(
            secret_key=raw["secret_key"],
            reference_key=raw["reference_key"].encode(),
            blind_index_key=raw["blind_index_key"].encode(),
            field_keys=dict(raw["field_keys"]),
            field_key=raw["field_key"],
        )
    except KeyError as error:
        raise SettingsError(f"{path} lacks {error}") from error
