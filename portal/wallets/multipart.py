"""A multipart/form-data body with a boundary that its own header names (RFC 7578)."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Part:
    """One field of a form. With a `filename` it is a file; without a media type it is plain text."""

    name: str
    content: bytes = field(repr=False)
    media_type: str | None = None
    filename: str | None = None


def form_data(parts: Sequence[Part]) -> tuple[bytes, str]:
    """The body and the Content-Type header that goes with it."""
    boundary = f"yima-{secrets.token_hex(16)}"
    lines: list[bytes] = []
    for part in parts:
        disposition = f'Content-Disposition: form-data; name="{part.name}"'
        if part.filename is not None:
            disposition += f'; filename="{part.filename}"'
        lines += [f"--{boundary}".encode(), disposition.encode("ascii")]
        if part.media_type is not None:
            lines.append(f"Content-Type: {part.media_type}".encode("ascii"))
        lines += [b"", part.content]
    lines += [f"--{boundary}--".encode(), b""]
    return b"\r\n".join(lines), f"multipart/form-data; boundary={boundary}"


def plain_filename(name: str) -> str:
    """A file name that needs no quoting and gives nothing away but its ending."""
    return re.sub(r"[^0-9A-Za-z._-]", "_", name)[-64:] or "picture"
