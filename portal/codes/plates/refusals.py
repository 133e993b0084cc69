"""What an owner reads when a plate is not printed."""

from flask_babel import gettext as _

from portal.codes.plates.errors import PlateUnfit


def sentence(unfit: PlateUnfit) -> str:
    """One sentence in the reader's language: what is wrong, and what to do."""
    match unfit.reason:
        case "name_missing":
            return _("码牌上要印店名，请先填写店名。")
        case "too_long":
            return _("%(field)s最多 %(most)s 个字，请缩短后再打印。", field=_field(unfit), most=unfit.facts["most"])
        case "glyphs":
            signs = unfit.facts["signs"]
            shown = " ".join(signs) if isinstance(signs, list) else ""
            return _("%(field)s里的这些字印不出来：%(signs)s。请换成常用字。", field=_field(unfit), signs=shown)
        case "crowded":
            return _("店名太长，二维码会小得难以扫描。请缩短店名或英文店名。")
        case "proof":
            return _("打印前的检查没有通过，这张码牌不能使用。请稍后再试，仍不行请联系客服。")
        case _:
            return _("这张码牌的资料有误，没有打印。请刷新页面后再试。")


def press_down() -> str:
    """The sentence for PressFailed: no print came in time."""
    return _("码牌暂时生成不了，请过一会儿再试。")


def _field(unfit: PlateUnfit) -> str:
    names = {
        "shop_name": _("店名"),
        "shop_name_en": _("英文店名"),
        "place": _("摊位"),
        "plate_name": _("码牌名称"),
    }
    return names[str(unfit.facts["field"])]
