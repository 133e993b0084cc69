"""A run of pytest on one server whose databases are emptied and used again: `python -m tests.proofs.lent_run ARGS`."""

import os
import sys
import tempfile

import pytest

from tests import conftest
from tests.proofs.lending import Lent, server_to_lend


def main(arguments: list[str]) -> int:
    """Pytest's own exit code."""
    with tempfile.TemporaryDirectory(prefix="yima-run-") as place:
        # Runs beside this one sweep up what they take for leftovers in the usual place.
        os.environ["TMPDIR"], tempfile.tempdir = place, None
        with server_to_lend() as server:
            lent = Lent(server, migrated=True)
            conftest.EmbeddedPostgres = lambda *_, **__: lent  # type: ignore[assignment,misc]
            conftest.upgrade = lambda _url: None  # type: ignore[assignment]
            # Imported before pytest could look into it: that is meant.
            quiet = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
            return int(pytest.main([*quiet, *arguments]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
