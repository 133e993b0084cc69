"""What `./dev run` is told from outside, and the environment that each process gets from it."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.trouble import Trouble

ROOT = Path(__file__).resolve().parent.parent
MARKER = ".yima"
RUN_LOCK = "run.lock"
# The sandbox writes it, the portal reads it: how far a demonstration's business is ahead of real time.
BUSINESS_CLOCK = "business-clock.json"
_PORTALS_OWN = ("DATABASE_", "PORTAL_SECRETS_FILE", "WALLETS_FILE")


@dataclass(frozen=True)
class Settings:
    """Ports, addresses and places of one run. `database` is empty when the embedded server is to be used."""

    mode: str
    addresses: tuple[str, ...]
    port: int
    events_port: int
    notices_port: int
    sandbox_port: int
    portal_url: str
    events_url: str | None
    notices_url: str
    data_dir: Path
    secrets_file: Path
    wallets_file: Path
    database: Mapping[str, str]

    @property
    def demo(self) -> bool:
        return self.mode == "demo"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    def ports(self) -> dict[str, int]:
        ports = {"PORT": self.port, "EVENTS_PORT": self.events_port, "NOTICES_PORT": self.notices_port}
        return {**ports, "SANDBOX_PORT": self.sandbox_port} if self.demo else ports

    def portal_environment(self, environ: Mapping[str, str], database: Mapping[str, str]) -> dict[str, str]:
        ours = {
            "PORT": str(self.port),
            "PORTAL_MODE": self.mode,
            "PORTAL_URL": self.portal_url,
            "NOTICES_URL": self.notices_url,
            "PORTAL_DATA_DIR": str(self.data_dir),
            "PORTAL_SECRETS_FILE": str(self.secrets_file),
            "WALLETS_FILE": str(self.wallets_file),
            "PYTHONUNBUFFERED": "1",
        }
        if self.demo:
            ours |= {
                "SANDBOX_PORT": str(self.sandbox_port),
                "SANDBOX_URL": self.sandbox_url,
                "BUSINESS_CLOCK_FILE": str(self.data_dir / BUSINESS_CLOCK),
            }
        if self.events_url:
            ours["EVENTS_URL"] = self.events_url
        return {**environ, **ours, **database}

    def sandbox_environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The other side knows where the portal is and nothing of its database or keys."""
        shared = {name: value for name, value in environ.items() if not name.startswith(_PORTALS_OWN)}
        return {
            **shared,
            "PORTAL_MODE": self.mode,
            "PORTAL_URL": self.portal_url,
            "NOTICES_URL": self.notices_url,
            "PORTAL_DATA_DIR": str(self.data_dir),
            "SANDBOX_PORT": str(self.sandbox_port),
            "PYTHONUNBUFFERED": "1",
        }


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Raises Trouble naming the variable that cannot be used."""
    mode = environ.get("PORTAL_MODE", "demo")
    if mode not in ("demo", "production"):
        raise Trouble(f"PORTAL_MODE 只能是 demo 或 production:{mode}", f"PORTAL_MODE is demo or production, not {mode}")
    port = _port(environ, "PORT", 8000)
    sandbox_port = _port(environ, "SANDBOX_PORT", 8001)
    events_port = _port(environ, "EVENTS_PORT", port + 2)
    notices_port = _port(environ, "NOTICES_PORT", _next_free(events_port, port, sandbox_port))
    portal_url = environ.get("PORTAL_URL", f"http://127.0.0.1:{port}").rstrip("/")
    data_dir = data_directory(environ)
    settings = Settings(
        mode=mode,
        addresses=_addresses(environ.get("BIND", "127.0.0.1")),
        port=port,
        events_port=events_port,
        notices_port=notices_port,
        sandbox_port=sandbox_port,
        portal_url=portal_url,
        events_url=environ.get("EVENTS_URL") or _beside(portal_url, port, events_port),
        notices_url=environ.get("NOTICES_URL", "").rstrip("/") or _beside(portal_url, port, notices_port) or portal_url,
        data_dir=data_dir,
        secrets_file=Path(environ.get("PORTAL_SECRETS_FILE", data_dir / "secrets.json")).resolve(),
        wallets_file=Path(environ.get("WALLETS_FILE", data_dir / "wallets.json")).resolve(),
        database=_database(environ),
    )
    _all_different(settings.ports())
    if not settings.demo and environ.get("BUSINESS_CLOCK_FILE"):
        raise Trouble("BUSINESS_CLOCK_FILE 只能用于演示", "BUSINESS_CLOCK_FILE is for PORTAL_MODE=demo only")
    if not settings.demo and "WALLETS_FILE" not in environ:
        raise Trouble("生产模式需要 WALLETS_FILE(商户密钥文件)", "PORTAL_MODE=production needs WALLETS_FILE")
    return settings


def data_directory(environ: Mapping[str, str]) -> Path:
    """A relative PORTAL_DATA_DIR counts from where the command was given (`./dev` keeps that in YIMA_CALLED_FROM)."""
    called_from = Path(environ.get("YIMA_CALLED_FROM", os.curdir))
    given = environ.get("PORTAL_DATA_DIR")
    return (called_from / given if given else ROOT / ".data").resolve()


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "").strip() or str(default)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise Trouble(f"{name}={text} 不是可用的端口号(1 到 65535)", f"{name}={text} is no port number (1 to 65535)")
    return int(text)


def _addresses(bind: str) -> tuple[str, ...]:
    """Loopback always answers too: that is where portal and sandbox find each other."""
    try:
        address = ipaddress.ip_address(bind)
    except ValueError:
        raise Trouble(f"BIND={bind} 不是 IP 地址", f"BIND={bind} is no IP address") from None
    return (bind,) if address.is_unspecified or bind == "127.0.0.1" else (bind, "127.0.0.1")


def _all_different(ports: Mapping[str, int]) -> None:
    for name, port in ports.items():
        twins = [other for other, number in ports.items() if number == port]
        if len(twins) > 1:
            names = " = ".join(twins)
            raise Trouble(f"端口重复:{names} = {port}", f"the same port twice: {names} = {port} (first: {name})")


def _next_free(after: int, *taken: int) -> int:
    return next(port for port in range(after + 1, after + len(taken) + 2) if port not in taken)


def _beside(portal_url: str, port: int, other_port: int) -> str | None:
    """Beside the portal where that is addressed directly; behind a reverse proxy the proxy brings both together."""
    parts = urlsplit(portal_url)
    return f"http://{parts.hostname}:{other_port}" if parts.scheme == "http" and parts.port == port else None


def _database(environ: Mapping[str, str]) -> dict[str, str]:
    if not environ.get("DATABASE_URL"):
        return {}
    missing = [name for name in ("DATABASE_OWNER_URL", "DATABASE_STAFF_URL") if not environ.get(name)]
    if missing:
        names = ", ".join(missing)
        raise Trouble(f"设置了 DATABASE_URL,还需要 {names}", f"with DATABASE_URL, {names} must be set too")
    known = {name: value for name, value in environ.items() if name.startswith("DATABASE_")}
    return {"DATABASE_DIRECT_URL": known["DATABASE_URL"], **known}
