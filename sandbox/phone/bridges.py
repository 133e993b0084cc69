"""The bridge element of a page: what its script hands to the wallet, readable without running any script."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.phone import markup

_PREPAY = "prepay_id="


@dataclass(frozen=True)
class PageBridge:
    """`params` go to `getBrandWCPayRequest` as they are; `done` is where the page goes afterwards."""

    params: Mapping[str, str]
    done: str

    @property
    def prepay_id(self) -> str:
        return self.params.get("package", "").removeprefix(_PREPAY)


def find(content: bytes, charset: str | None) -> PageBridge | None:
    """`<script type="application/json" id="bridge" data-done="...">` of a page, None where there is none."""
    return read(markup.read(content, charset)) if b"bridge" in content else None


def read(page: markup.Element) -> PageBridge | None:
    """The same, of a page already parsed."""
    element = markup.find(page, "script", id="bridge", type="application/json")
    if element is None:
        return None
    try:
        params = json.loads(element.text or "")
    except ValueError:
        return None
    if not isinstance(params, dict) or not all(isinstance(value, str) for value in params.values()):
        return None
    return PageBridge(params, element.get("data-done", ""))
