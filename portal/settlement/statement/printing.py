"""Statements for a web request: the drawing happens in a warm process beside this one, with limits and a deadline."""

import atexit
from collections.abc import Mapping
from typing import Any

from portal.plumbing.press import Press

# A statement has three faces and tables, a plate one face: on a busy machine it takes longer.
_press = Press("portal.settlement.statement.child", deadline=20.0)
atexit.register(_press.close)


def render_statement(paper: Mapping[str, Any]) -> bytes:
    """The statement that `paper.paper_of` describes, as a PDF of A4 pages. Raises PressFailed if no print came."""
    return _press.ask(paper)
