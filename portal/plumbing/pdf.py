"""The one place that calls WeasyPrint: a page of HTML and the assets it may use become a PDF.

Importing this takes about a second, so only printing processes do (`press.py` starts them); a test holds the web
process to that.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from weasyprint import HTML
from weasyprint.logger import LOGGER
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse


class PdfRefused(Exception):
    """WeasyPrint complained, or the page asked for something outside its assets. Carries what it said."""


@dataclass(frozen=True, slots=True)
class Asset:
    """Bytes a page may name as `asset:<name>`."""

    media_type: str
    body: bytes


class OnlyAssets(URLFetcher):
    """Serves the given assets and nothing else: no file, no network, no data URL. Other addresses stop the printing."""

    def __init__(self, assets: Mapping[str, Asset]) -> None:
        super().__init__(allowed_protocols=("asset",), allow_redirects=False, fail_on_errors=True)
        self._assets = {f"asset:{name}": asset for name, asset in assets.items()}

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        """The asset of that address. Raises FatalURLFetchingError for any other."""
        if url not in self._assets:
            raise FatalURLFetchingError(f"not an asset of this page: {url[:80]}")
        asset = self._assets[url]
        return URLFetcherResponse(url, asset.body, {"Content-Type": asset.media_type})


def write_pdf(html: str, *, assets: Mapping[str, Asset], identifier: bytes) -> bytes:
    """The page as PDF bytes, the same for the same input. `identifier` becomes the file's ID.

    Raises PdfRefused for any warning (an ignored property is a plate that looks different from its design) and for any
    address that is not in `assets`.
    """
    complaints = _Complaints()
    LOGGER.addHandler(complaints)
    try:
        page = HTML(string=html, base_url="asset:", url_fetcher=OnlyAssets(assets))
        document = page.write_pdf(font_config=FontConfiguration(), pdf_identifier=identifier)
    except FatalURLFetchingError as error:
        raise PdfRefused(str(error)) from error
    finally:
        LOGGER.removeHandler(complaints)
    if complaints.heard:
        raise PdfRefused("; ".join(complaints.heard))
    return bytes(document)


class _Complaints(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())
