"""The upright arrangement (A5 and its relatives): header, code and one sentence, wallet band, foot."""

from portal.codes.plates.errors import PlateUnfit
from portal.codes.plates.face import Locale, PlateFace
from portal.codes.plates.formats import BLEED, LEAST_MODULE, QUIET_MODULES, Format
from portal.codes.plates.header import OUTDENT, lay_header
from portal.codes.plates.layout import EM_CENTRE, EM_TOP, Box, CodeBox, Finder, Layout, Text
from portal.codes.plates.lines import Measure, is_latin
from portal.codes.plates.themes import INK, THEMES, Theme
from portal.codes.plates.wording import BRAND, WORDS, Words
from portal.values.references import spoken_code

_STEP = 0.05
_FINDER = 0.81
_FINDER_GAP = 0.29
# The full-width space: one em between two facts, where a middle dot would look like a hanzi.
_EM_SPACE = "\u3000"


def lay_out(face: PlateFace, sizes: Format, measure: Measure, *, modules: int) -> Layout:
    """Every shape of the plate in mm, for a QR symbol of `modules` a side. `measure` gives a line's width in em.

    Raises PlateUnfit("crowded") where the module would fall under its floor.
    """
    theme, words = THEMES[face.theme], WORDS[Locale(face.locale)]
    name, second = _names(face)
    header = lay_header(name, second, sizes, theme, measure)
    band_top = sizes.height - sizes.foot - sizes.band
    sentence, sentence_top = _sentence(words, sizes, band_top, measure)
    boxes, finders, wallets = _band(words, sizes, theme, band_top, measure)
    return Layout(
        width=sizes.width,
        height=sizes.height,
        boxes=(Box(-BLEED, -BLEED, sizes.width + 2 * BLEED, header.height + BLEED, theme.header), *boxes),
        texts=(*header.texts, *sentence, *wallets, *_foot(face, words, sizes, measure)),
        stroke=header.stroke,
        finders=finders,
        code=_place_code(sizes, header.height, sentence_top, modules),
    )


def _names(face: PlateFace) -> tuple[str, str]:
    if not face.shop_name_en or face.locale == Locale.CHINESE:
        return face.shop_name, ""
    if face.locale == Locale.ENGLISH:
        return face.shop_name_en, face.shop_name
    return face.shop_name, face.shop_name_en


def _place_code(sizes: Format, top: float, bottom: float, modules: int) -> CodeBox:
    across = min(bottom - top, sizes.width)
    module = int(across / (modules + 2 * QUIET_MODULES) / _STEP + 1e-9) * _STEP
    if module < LEAST_MODULE - 1e-9:
        raise PlateUnfit("crowded", module=round(module, 2), floor=LEAST_MODULE)
    side = module * modules
    return CodeBox((sizes.width - side) / 2, top + (bottom - top - side) / 2, module, modules)


def _sentence(words: Words, sizes: Format, bottom: float, measure: Measure) -> tuple[list[Text], float]:
    main, below = words.sentence
    size = min(sizes.sentence, sizes.measure / measure(main))
    em_bottom = bottom - 0.54 * sizes.sentence
    if below:
        em_bottom = bottom - 0.83 * sizes.sentence_below
        baseline = em_bottom - (1 - EM_TOP) * sizes.sentence_below
        second = Text(below, sizes.width / 2, baseline, sizes.sentence_below, INK, "middle", latin=True)
        em_bottom -= 1.44 * sizes.sentence_below
    baseline, latin = em_bottom - (1 - EM_TOP) * size, is_latin(main)
    if latin:
        line = Text(main, sizes.width / 2, baseline, size, INK, "middle", latin=True)
    else:
        spacing = (sizes.measure - (measure(main) - 2 * OUTDENT) * size) / (len(main) - 1)
        line = Text(main, sizes.margin - OUTDENT * size, baseline, size, INK, spacing=spacing)
    return ([line, second] if below else [line]), em_bottom - size


def _band(
    words: Words, sizes: Format, theme: Theme, top: float, measure: Measure
) -> tuple[tuple[Box, ...], tuple[Finder, ...], list[Text]]:
    inset = sizes.margin
    boxes = (Box(-BLEED, top, sizes.width + 2 * BLEED, sizes.band, theme.band),)
    if theme.outlined:
        inset += 0.3 * sizes.band
        frame = sizes.stroke / 2
        boxes = (Box(sizes.margin, top, sizes.measure, sizes.band, theme.band_text, frame),)
    centre, size = top + sizes.band / 2, sizes.wallet
    square = _FINDER * size
    lead = square + _FINDER_GAP * size
    widths = [max(measure(main) * size, measure(below) * sizes.wallet_below) for main, below in words.wallets]
    size *= min(1.0, (sizes.width - 2 * inset - 2 * lead - 0.5 * size) / sum(widths))
    starts = (inset, sizes.width - inset - lead - widths[1])
    finders = tuple(Finder(x, centre - square / 2, square, theme.band_text) for x in starts)
    texts = []
    for x, (main, below) in zip(starts, words.wallets, strict=True):
        lift = 0.31 * size if below else 0.0
        baseline = centre - lift + EM_CENTRE * size
        texts.append(Text(main, x + lead, baseline, size, theme.band_text, latin=is_latin(main)))
        if below:
            baseline = centre + 0.71 * size
            texts.append(Text(below, x + lead, baseline, sizes.wallet_below, theme.band_text, latin=True))
    return boxes, finders, texts


def _foot(face: PlateFace, words: Words, sizes: Format, measure: Measure) -> list[Text]:
    top, right = sizes.height - sizes.foot, sizes.width - sizes.margin
    first, second = top + 0.318 * sizes.foot, top + 0.707 * sizes.foot
    upper, lower = first + EM_CENTRE * sizes.small, second + EM_CENTRE * sizes.smaller
    number = spoken_code(face.code)
    label_right = right - measure(number) * sizes.small - 0.45 * sizes.smaller
    room = label_right - measure(words.number) * sizes.smaller - sizes.small - sizes.margin
    check, check_below = words.check
    check_size = min(sizes.small, room / measure(check))
    imprint = f"{BRAND}{_EM_SPACE}{words.changed} {face.changed_on.isoformat()}"
    room = sizes.measure - measure(imprint) * sizes.smaller - sizes.small
    place = check_below or _place(face, room / sizes.smaller, measure)
    texts = [
        Text(check, sizes.margin, upper, check_size, INK, latin=is_latin(check)),
        Text(words.number, label_right, upper, sizes.smaller, INK, "right", latin=is_latin(words.number)),
        Text(number, right, upper, sizes.small, INK, "right", latin=True),
        Text(imprint, right, lower, sizes.smaller, INK, "right"),
    ]
    if place:
        texts.append(Text(place, sizes.margin, lower, sizes.smaller, INK, latin=is_latin(place)))
    return texts


def _place(face: PlateFace, room: float, measure: Measure) -> str:
    """Stall and plate name in `room` em. A long stall is cut short; the plate's name tells plates apart and stays."""
    whole = _EM_SPACE.join(part for part in (face.place, face.plate_name) if part)
    stall = face.place
    while stall and measure(whole) > room:
        stall = stall[:-1]
        whole = _EM_SPACE.join(part for part in (f"{stall.rstrip()}…", face.plate_name) if part)
    return whole
