"""What the control page can turn while the sandbox runs. One row per setting, always a number."""

import sqlite3

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (
    name  TEXT PRIMARY KEY,
    value REAL NOT NULL CHECK (value >= 0)
) STRICT;
"""

DEFAULTS: dict[str, float] = {
    "retry_speed": 1,  # the waits between two deliveries of a notice are divided by this
    "refund_seconds": 1,  # how long a refund stays PROCESSING
    "audit_seconds": 2,  # how long an application is looked at
    "hold_seconds": 6,  # how long a fault holds an answer back; a client's whole budget should be shorter
    "answer_seconds": 5,  # how long a notice waits for the merchant's answer
    "auto_sign": 1,  # 1: the sandbox confirms and signs an application by itself
}
MOST = {"hold_seconds": 120, "answer_seconds": 60}  # a thread of the sandbox waits as long
NEVER_ZERO = ("retry_speed", "answer_seconds")


class UnknownSetting(ValueError):
    """There is no setting of this name, or the value makes no sense for it."""


def setting(connection: sqlite3.Connection, name: str) -> float:
    """The value in force: what was set, or the default."""
    row = connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
    return float(row["value"]) if row else DEFAULTS[name]


def every_setting(connection: sqlite3.Connection) -> dict[str, float]:
    """All settings by name."""
    return {name: setting(connection, name) for name in DEFAULTS}


def change(connection: sqlite3.Connection, name: str, value: float) -> None:
    """Set one value. Raises UnknownSetting for a name or a value that cannot be."""
    if name not in DEFAULTS:
        raise UnknownSetting(f"There is no setting {name}.")
    if not 0 <= value <= MOST.get(name, 1_000_000) or (name in NEVER_ZERO and value == 0):
        raise UnknownSetting(f"{name} cannot be {value}.")
    connection.execute(
        "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )
