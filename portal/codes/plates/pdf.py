"""A face as a PDF, in this process: laid out, drawn by the template, proofed. Web requests go through `printing`."""

import hashlib
import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from portal.codes.plates.errors import PlateUnfit
from portal.codes.plates.face import Locale, PlateFace
from portal.codes.plates.font import cut_to, width
from portal.codes.plates.formats import BILINGUAL, FORMATS
from portal.codes.plates.layout import Layout
from portal.codes.plates.proof import proof
from portal.codes.plates.qr import Symbol, symbol_for
from portal.codes.plates.upright import lay_out
from portal.plumbing.pdf import Asset, write_pdf
from portal.values.references import spoken_code

_TEMPLATES = Path(__file__).resolve().parents[3] / "templates" / "plates"
_LANGUAGES = {Locale.CHINESE: "zh-CN", Locale.ENGLISH: "en", Locale.BILINGUAL: "zh-CN"}

_pages = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
_pages.filters["mm"] = lambda length: f"{length:.4f}mm"


def plate_pdf(face: PlateFace, *, template: str = "a5") -> bytes:
    """The finished plate of that format, one page of trim size. Raises PlateUnfit if it does not fit or read back."""
    symbol = symbol_for(face.url)
    layout = _layout(face, template, symbol)
    signs = "".join(sorted({sign for line in layout.texts for sign in line.text}))
    finished = write_pdf(
        plate_html(face, layout, symbol),
        assets={"plate.ttf": Asset("font/ttf", cut_to(signs))},
        identifier=_identifier(face, template),
    )
    proof(finished, face, layout.code)
    return finished


def plate_html(face: PlateFace, layout: Layout, symbol: Symbol) -> str:
    """The page WeasyPrint draws: every value escaped, every place absolute."""
    return _pages.get_template("plate.html").render(
        layout=layout,
        code_path=symbol.path,
        lang=_LANGUAGES[Locale(face.locale)],
        title=f"{face.shop_name} {spoken_code(face.code)}",
    )


def _layout(face: PlateFace, template: str, symbol: Symbol) -> Layout:
    sizes = (BILINGUAL if face.locale == Locale.BILINGUAL else FORMATS).get(template)
    if sizes is None:
        raise PlateUnfit("format", template=template)
    return lay_out(face, sizes, width, modules=symbol.modules)


def _identifier(face: PlateFace, template: str) -> bytes:
    # A file's ID from what it says: the same face prints the same bytes.
    said = json.dumps([template, face.as_message()], sort_keys=True).encode()
    return hashlib.sha256(said).digest()[:16]
