"""Which pages the phone may open, and under which address of its own it shows each of them.

The phone's browser lives at `/phone/web/<wallet>/`. Below it stand the portal's paths as they are, and, after
`@sandbox/`, the few pages of the sandbox that a payer meets. Every address that is ever fetched is put together from
one of these two origins, so no page can send the phone anywhere else.
"""

from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

WALLETS = ("wechat", "jdpay")
HOME = "/phone/web"
SANDBOX_MARK = "@sandbox/"
# The authorize page of WeChat, the cashier of JD and what leads to it, and what these load.
OPEN_SANDBOX_PAGES = ("/wechat/open/", "/jd/cashier/", "/jd/payx/scan/", "/jd/h5pay/", "/jd/wepay/", "/static/")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"http": 80, "https": 443}
_PATH_SIGNS = "/!$&'()*+,;=:@-._~"


class Foreign(ValueError):
    """The address leads away from the portal and from the sandbox's payer pages."""


@dataclass(frozen=True)
class Places:
    """The phone's map for one wallet. `portal` and `sandbox` are origins without a final slash."""

    portal: str
    sandbox: str
    wallet: str

    @property
    def base(self) -> str:
        """The phone's own path that stands for the portal's root, without a final slash."""
        return f"{HOME}/{self.wallet}"

    def upstream(self, path: str, query: str = "") -> str:
        """The address behind `<base>/<path>` (path unquoted, without its first slash). Raises Foreign."""
        origin, real = self.portal, f"/{path}"
        if path.startswith(SANDBOX_MARK):
            origin, real = self.sandbox, f"/{path.removeprefix(SANDBOX_MARK)}"
        return self._built(origin, quote(real, safe=_PATH_SIGNS), query)

    def checked(self, url: str) -> str:
        """`url` as it may be fetched: one of the two origins as configured, no fragment. Raises Foreign."""
        parts = _split(url)
        path = parts.path or "/"
        if _same_origin(url, self.portal):
            return self._built(self.portal, path, parts.query)
        if _same_origin(url, self.sandbox):
            return self._built(self.sandbox, path, parts.query)
        raise Foreign(url)

    def shown(self, url: str) -> str:
        """The phone's own path for an absolute address, fragment kept. Raises Foreign."""
        checked = self.checked(url)
        mark = f"/{SANDBOX_MARK}" if self.site(checked) == "sandbox" else "/"
        parts = urlsplit(checked)
        query = f"?{parts.query}" if parts.query else ""
        fragment = urlsplit(url).fragment
        return f"{self.base}{mark}{parts.path.removeprefix('/')}{query}{'#' + fragment if fragment else ''}"

    def site(self, url: str) -> str:
        """`portal` or `sandbox`, for a checked address."""
        return "portal" if _same_origin(url, self.portal) else "sandbox"

    def _built(self, origin: str, path: str, query: str) -> str:
        if any(segment.lower().replace("%2e", ".") in (".", "..") for segment in path.split("/")):
            raise Foreign(path)
        if origin == self.sandbox and not path.startswith(OPEN_SANDBOX_PAGES):
            raise Foreign(f"{origin}{path}")
        return f"{origin}{path}{'?' + query if query else ''}"


def is_portal(url: str, portal: str) -> bool:
    """Does the address belong to the portal? Malformed ones do not."""
    try:
        return _same_origin(url, portal)
    except Foreign:
        return False


def _same_origin(url: str, origin: str) -> bool:
    return _origin(url) == _origin(origin)


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; the names of this machine count as one, since people type either."""
    parts = _split(url)
    host = parts.hostname or ""
    return parts.scheme, "127.0.0.1" if host in _LOOPBACK else host, parts.port or _PORTS.get(parts.scheme)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # a port that is no number shows only here
    except ValueError as problem:
        raise Foreign(url) from problem
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc or "\\" in url:
        raise Foreign(url)
    return parts
