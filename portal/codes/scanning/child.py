"""The scanning process: `python -m portal.codes.scanning.child`, started and spoken to by `asking`."""

import json
from pathlib import Path
from typing import Any

from portal.codes.scanning.reader import codes_in
from portal.plumbing.press import serve


def answer(request: dict[str, Any]) -> bytes:
    """The texts in the file {"path"} as a JSON list."""
    return json.dumps(codes_in(Path(request["path"]))).encode()


if __name__ == "__main__":
    serve(answer)
