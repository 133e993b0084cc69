"""A small Flask app that draws the parts sheet and the sample screens; the portal itself is not started.

.venv/bin/python -m tests.portal.look.demo_app        # http://127.0.0.1:8010/?screen=today&lang=en&theme=dark&type=large
"""

import os
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po
from flask import Flask, Response, g, render_template, request
from flask_babel import Babel
from flask_wtf import FlaskForm
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    FileField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Optional

from portal.plumbing import pages

ROOT = Path(__file__).resolve().parents[3]
CATALOGUE = ROOT / "portal" / "translations" / "en" / "LC_MESSAGES" / "messages.po"
SCREENS = sorted(path.stem for path in (ROOT / "templates" / "styleguide" / "screens").glob("*.html"))


KINDS = [SelectChoice("shop", "个体工商户"), SelectChoice("firm", "企业")]
BANKS = [SelectChoice("", "请选择"), SelectChoice("icbc", "工商银行")]


class SampleForm(FlaskForm):
    """One field of every kind, some of them wrong."""

    amount = StringField("退款金额", [DataRequired("最多只能退 ¥20.00")], description="最多 ¥20.00")
    note = TextAreaField("说明", [Optional()])
    password = PasswordField("密码", [DataRequired("请填密码")])
    bank = SelectField("开户银行", [DataRequired("请选开户银行")], choices=BANKS)
    kind = RadioField(
        "您是哪一种？",
        [DataRequired("请选一种")],
        choices=[SelectChoice("shop", "个体工商户"), SelectChoice("firm", "企业")],
    )
    photo = FileField("门头照", description="看得清店名，JPG 或 PNG")
    agree = BooleanField("我已看过收费规则", [DataRequired("请先看收费规则")])


class CardForm(FlaskForm):
    """The question of the settlement card."""

    number = StringField("银行卡号", [DataRequired()], description="16 到 19 位数字，在卡的正面")
    bank = SelectField("开户银行", [DataRequired("请选开户银行")], choices=BANKS)


class CodeForm(FlaskForm):
    """The second step of a staff sign-in."""

    code = StringField(
        "验证器里的 6 位数字", [DataRequired()], description="打开手机上的验证器，找“一码后台”。可以直接粘贴。"
    )


def english() -> dict[str, str]:
    """The English of the merged catalogue; empty as long as there is none."""
    if not CATALOGUE.exists():
        return {}
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file)
    return {entry.id: str(entry.string) for entry in catalogue if isinstance(entry.id, str) and entry.string}


def create_app(words: dict[str, str] | None = None) -> Flask:
    """The app; `words` maps Chinese to English and stands in for the catalogue."""
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.config.update(SECRET_KEY="only-for-pictures", WTF_CSRF_ENABLED=False, TEMPLATES_AUTO_RELOAD=True)
    Babel(app, locale_selector=lambda: "zh")
    pages.install(app)
    known = english() if words is None else words

    def gettext(text: str, **values: Any) -> Markup:
        found = known.get(text, text) if chosen("lang") == "en" else text
        return Markup(found) % values if values else Markup(found)  # noqa: S704 - our own words

    def chosen(name: str) -> str:
        return request.args.get(name, "")

    app.jinja_env.globals.update(
        _=gettext,
        gettext=gettext,
        ngettext=lambda one, many, num, **values: gettext(one if num == 1 else many, num=num, **values),
        current_locale=lambda: "en" if chosen("lang") == "en" else "zh",
        theme=lambda: chosen("theme"),
        large_type=lambda: chosen("type") == "large",
        csrf_token=lambda: "token",
    )

    @app.after_request
    def forbid_inline(response: Response) -> Response:
        """The portal's own content policy, so that a part which breaks it shows here first."""
        nonce = f" 'nonce-{g.csp_nonce}'" if "csp_nonce" in g else ""
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'self'{nonce}; style-src 'self'{nonce}; img-src 'self' data:"
        )
        return response

    @app.get("/")
    def page() -> str:
        name = chosen("screen")
        template = f"styleguide/screens/{name}.html" if name in SCREENS else "styleguide/index.html"
        return render_template(
            template,
            wrong=wrong_form(),
            card_form=card_form(),
            code_form=CodeForm(meta={"csrf": False}),
            wallet=chosen("wallet") or "wechat",
            has_errors=bool(chosen("errors")),
        )

    return app


def wrong_form() -> SampleForm:
    """A form somebody sent with several things wrong; what was typed stays."""
    form = SampleForm(MultiDict({"amount": "", "note": "两个橙子坏了"}))
    form.validate()
    return form


def card_form() -> CardForm:
    """The card question, sent with a wrong number and no bank."""
    form = CardForm(MultiDict({"number": "6222 0212 0300 8846 21", "bank": ""}))
    form.validate()
    form.number.errors = ["卡号不对，请对着卡再看一遍"]
    return form


if __name__ == "__main__":
    create_app().run(port=int(os.environ.get("PORT", "8010")))
