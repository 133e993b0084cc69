"""The fixed words of a plate. They follow the plate's own language, not its reader's, so no catalogue is asked."""

from dataclasses import dataclass

from portal.codes.plates.face import Locale

BRAND = "一码 Yima"


@dataclass(frozen=True, slots=True)
class Words:
    """A pair is (main line, line below it); the second is empty on a plate in one language."""

    sentence: tuple[str, str]
    wallets: tuple[tuple[str, str], tuple[str, str]]
    check: tuple[str, str]
    number: str
    changed: str


# The sentence names the apps people open, the band the wallets that pay.
_SENTENCE_ZH = "用微信或京东金融扫码付款"
_SENTENCE_EN = "Scan with WeChat or JD Finance to pay"
_CHECK_ZH = "付款前请核对店名"
_CHECK_EN = "Check the shop name before you pay"

WORDS = {
    Locale.CHINESE: Words(
        sentence=(_SENTENCE_ZH, ""),
        wallets=(("微信支付", ""), ("京东支付", "")),
        check=(_CHECK_ZH, ""),
        number="码牌号",
        changed="更新",
    ),
    Locale.ENGLISH: Words(
        sentence=(_SENTENCE_EN, ""),
        wallets=(("WeChat Pay", ""), ("JD Pay", "")),
        check=(_CHECK_EN, ""),
        number="Plate",
        changed="Updated",
    ),
    Locale.BILINGUAL: Words(
        sentence=(_SENTENCE_ZH, _SENTENCE_EN),
        wallets=(("微信支付", "WeChat Pay"), ("京东支付", "JD Pay")),
        check=(_CHECK_ZH, _CHECK_EN),
        number="码牌号",
        changed="更新",
    ),
}
