"""The commit ceiling: PostgreSQL's own pgbench, one client, one row changed and one row added per transaction."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

import sqlalchemy as sa

from deploy.home import Home, programs

_SCRIPT = "BEGIN; UPDATE bench_row SET n = n + 1 WHERE id = 1; INSERT INTO bench_log (n) VALUES (1); COMMIT;\n"


def prepare(owner_url: str) -> None:
    """Two small tables nobody else uses."""
    engine = sa.create_engine(owner_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE bench_row (id int PRIMARY KEY, n int)"))
        connection.execute(
            sa.text("CREATE TABLE bench_log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int)")
        )
        connection.execute(sa.text("INSERT INTO bench_row VALUES (1, 0)"))
    engine.dispose()


def commits_per_second(owner_url: str, *, seconds: int) -> float:
    """Transactions a second of one client."""
    url = sa.make_url(owner_url)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(_SCRIPT)
        script.flush()
        command = [str(_pgbench()), "-n", "-c", "1", "-T", str(seconds), "-M", "prepared", "-f", script.name]
        command += ["-h", str(url.host), "-p", str(url.port), "-U", str(url.username), str(url.database)]
        environment = {**os.environ, "PGPASSWORD": str(url.password)}
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    found = re.search(r"tps = ([0-9.]+)", said)
    if found is None:
        raise RuntimeError(f"pgbench said nothing of its speed: {said}")
    return float(found[1])


def _pgbench() -> Path:
    """The wheel's own, run by whoever runs the bench (the server itself runs from a copy that belongs to its user)."""
    return programs(Home(Path(), owner=None)) / "pgbench"
