"""The content security policy of a page shown inside the phone.

The portal's own policy names its own origin, so it cannot be passed on as it is. What it allowed its pages to run
(nonces, hashes, its own files) stays allowed, nothing more, and the phone's bridge is added under a nonce of its own.
"""

import re

_SOURCE = re.compile(r"'(?:nonce-[A-Za-z0-9+/_=-]+|sha(?:256|384|512)-[A-Za-z0-9+/_=-]+|self|unsafe-inline)'")
_UNRESTRICTED = "'self' 'unsafe-inline'"
ASSET_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def page_policy(upstream: str | None, nonce: str) -> str:
    """The header for one page. `upstream` is the page's own policy, None when it had none; `nonce` is the bridge's."""
    given = _directives(upstream or "")
    scripts = _sources(given, "script-src")
    if "'unsafe-inline'" not in scripts:  # beside a nonce browsers would ignore it
        scripts.append(f"'nonce-{nonce}'")
    styles = _sources(given, "style-src")
    if "'self'" not in styles:
        styles.append("'self'")
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(scripts)}",
            f"style-src {' '.join(styles)}",
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        )
    )


def _directives(text: str) -> dict[str, str]:
    pairs = (part.strip().partition(" ") for part in text.split(";") if part.strip())
    return {name.lower(): value for name, _, value in pairs}


def _sources(given: dict[str, str], name: str) -> list[str]:
    text = given.get(name, given.get("default-src", _UNRESTRICTED))
    return [source for source in text.split() if _SOURCE.fullmatch(source)]
