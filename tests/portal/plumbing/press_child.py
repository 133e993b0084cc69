"""A printing process that behaves as its request says, for the tests of the press."""

import os
import signal
import sys
import time
from typing import Any

from portal.plumbing.press import serve
from portal.values.errors import Refused


def answer(request: dict[str, Any]) -> bytes:
    """Do `request["do"]`."""
    match request["do"]:
        case "echo":
            return str(request["text"]).encode()
        case "chatter":
            sys.stdout.write("a library says hello\n")
            sys.stdout.flush()
            return b"clean"
        case "who":
            return str(os.getpid()).encode()
        case "settings":
            return "\n".join(sorted(os.environ)).encode()
        case "refuse":
            raise Refused("no_ink", colour="teal")
        case "break":
            raise RuntimeError("paper jam")
        case "sleep":
            time.sleep(30)
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "swell":
            return bytes(3 * 1024**3)
    raise AssertionError(request)


if __name__ == "__main__":
    serve(answer)
