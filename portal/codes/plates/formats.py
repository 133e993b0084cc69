"""The sizes of each plate on offer, in millimetres. Another format is another row here."""

from dataclasses import dataclass, replace

# Below this a phone camera at arm's length begins to miss codes on a soft, tilted, compressed picture.
LEAST_MODULE = 1.25
QUIET_MODULES = 4
BLEED = 3.0


@dataclass(frozen=True, slots=True)
class Format:
    """One format of the upright arrangement: header, code with sentence, wallet band, foot."""

    width: float
    height: float
    margin: float
    header_least: float
    header_most: float
    band: float
    foot: float
    name_most: float
    name_least: float
    name_below: float
    sentence: float
    sentence_below: float
    wallet: float
    wallet_below: float
    small: float
    smaller: float
    stroke: float

    @property
    def measure(self) -> float:
        """The width between the margins."""
        return self.width - 2 * self.margin


_A5 = Format(
    width=148,
    height=210,
    margin=12,
    header_least=48.6,
    header_most=60,
    band=17.5,
    foot=15.7,
    name_most=27,
    name_least=9,
    name_below=7.4,
    sentence=9.6,
    sentence_below=5.4,
    wallet=10,
    wallet_below=4.4,
    small=4.6,
    smaller=3.5,
    stroke=1.35,
)

FORMATS = {"a5": _A5}

# What changes when a plate speaks two languages.
BILINGUAL = {"a5": replace(_A5, header_most=66, band=20.5, name_most=24, sentence=8.8, wallet=9.6)}
