"""The slice's blueprint; each module beside this one hangs its routes on it."""

from flask import Blueprint
from flask_babel import gettext as _

from portal.merchants.rules import masked_account, masked_id_number

blueprint = Blueprint("merchants", __name__)

blueprint.add_app_template_filter(masked_id_number, "masked_id")
blueprint.add_app_template_filter(masked_account, "masked_card")


@blueprint.app_template_filter("browser_words")
def browser_words(browser: str) -> str:
    """A User-Agent as its owner would say it."""
    inside = next((word for sign, word in _apps() if sign in browser), _("浏览器"))
    device = next((word for sign, word in _devices() if sign in browser), "")
    return _("%(device)s上的%(app)s", device=device, app=inside) if device else inside


def _apps() -> tuple[tuple[str, str], ...]:
    # WeChat and JD call themselves Safari and Chrome too, and Edge calls itself Chrome: the first match counts.
    return (
        ("MicroMessenger", _("微信")),
        ("jdapp", _("京东")),
        ("Edg", "Edge"),
        ("Firefox", "Firefox"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
    )


def _devices() -> tuple[tuple[str, str], ...]:
    return (
        ("HarmonyOS", _("华为手机")),
        ("iPhone", "iPhone "),
        ("iPad", "iPad "),
        ("Android", _("安卓手机")),
        ("Windows", _("电脑")),
        ("Macintosh", _("电脑")),
        ("Linux", _("电脑")),
    )
