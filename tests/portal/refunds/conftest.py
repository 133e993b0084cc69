"""One shop with its owner."""

from tests.portal.stall import owner, owners_browser, strangers_browser

__all__ = ["owner", "owners_browser", "strangers_browser"]
