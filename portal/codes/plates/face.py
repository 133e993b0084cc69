"""What one plate says. Making a face checks it; a face that exists can be laid out."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from urllib.parse import urlsplit

from portal.codes.plates.coverage import missing_glyphs
from portal.codes.plates.errors import PlateUnfit
from portal.codes.plates.themes import THEMES
from portal.values.errors import InvalidReference
from portal.values.references import read_code

MOST_SIGNS = {"shop_name": 60, "shop_name_en": 60, "place": 40, "plate_name": 20}
# Version 10 at level Q holds more; beyond this the modules of an A5 plate would shrink without need.
MOST_URL = 110
_URL = re.compile(r"[!-~]+")


class Locale(StrEnum):
    """The languages printed on the plate itself, whatever language its owner reads."""

    CHINESE = "zh"
    ENGLISH = "en"
    BILINGUAL = "bilingual"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateFace:
    """Everything printed on a plate. Text is normalised (NFC, single spaces). Raises PlateUnfit for the unprintable.

    `code` is the plate's number without hyphens, `url` the absolute address in the QR code. It must end in `/<code>`:
    the number people read and the address phones read can never be two plates.
    """

    shop_name: str
    code: str
    url: str
    changed_on: date
    shop_name_en: str = ""
    place: str = ""
    plate_name: str = ""
    locale: str = Locale.CHINESE
    theme: str = "azurite"

    def __post_init__(self) -> None:
        for field, most in MOST_SIGNS.items():
            object.__setattr__(self, field, _printable(field, getattr(self, field), most))
        if not self.shop_name:
            raise PlateUnfit("name_missing")
        _check_address(self.code, self.url)
        if self.locale not in tuple(Locale):
            raise PlateUnfit("locale", locale=self.locale)
        if self.theme not in THEMES:
            raise PlateUnfit("theme", theme=self.theme)

    def as_message(self) -> dict[str, str]:
        """The face as plain JSON values, for the process that prints."""
        return {**asdict(self), "changed_on": self.changed_on.isoformat()}

    @classmethod
    def from_message(cls, message: Mapping[str, str]) -> "PlateFace":
        """The face a message carries, checked again on this side."""
        facts = {**message, "changed_on": date.fromisoformat(message["changed_on"])}
        return cls(**facts)  # type: ignore[arg-type]


def _printable(field: str, text: str, most: int) -> str:
    tidy = re.sub(" {2,}", " ", unicodedata.normalize("NFC", text)).strip(" \u3000")
    if len(tidy) > most:
        raise PlateUnfit("too_long", field=field, most=most)
    if signs := missing_glyphs(tidy):
        raise PlateUnfit("glyphs", field=field, signs=signs)
    return tidy


def _check_address(code: str, url: str) -> None:
    try:
        canonical = read_code(code)
    except InvalidReference as error:
        raise PlateUnfit("code", code=code) from error
    if canonical != code:
        raise PlateUnfit("code", code=code)
    parts = urlsplit(url)
    plain = _URL.fullmatch(url) and parts.scheme in ("http", "https") and parts.hostname
    if not plain or len(url) > MOST_URL or not parts.path.endswith(f"/{code}") or parts.query or parts.fragment:
        raise PlateUnfit("url", url=url)
