"""Scanning for a web request: the file lies in a private temporary file as long as the scanning process reads it."""

import atexit
import json
import tempfile

from portal.plumbing.press import Press, PressRefused
from portal.values.errors import Refused

FILE_MOST_BYTES = 10 * 1024 * 1024

_scanner = Press("portal.codes.scanning.child")
atexit.register(_scanner.close)


def codes_in(file: bytes) -> list[str]:
    """The texts of the codes in a picture or PDF, from top to bottom.

    Raises Refused(`empty`, `large`, `kind`, `pixels`, `none`), and PressFailed when the file could not be looked at in
    time.
    """
    if not file:
        raise Refused("empty")
    if len(file) > FILE_MOST_BYTES:
        raise Refused("large")
    with tempfile.NamedTemporaryFile(prefix="yima-scan-") as kept:
        kept.write(file)
        kept.flush()
        try:
            return list(json.loads(_scanner.ask({"path": kept.name})))
        except PressRefused as refusal:
            raise Refused(refusal.reason, **refusal.facts) from None


def warm_up() -> None:
    """Begin to load the scanning process; for the page on which a photo is chosen."""
    _scanner.warm()
