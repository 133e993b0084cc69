"""What every template may call: money, times, addresses of files, and the look the visitor chose."""

import hashlib
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

from flask import Flask, url_for
from flask_babel import format_date
from flask_babel import gettext as _
from markupsafe import Markup

from portal.plumbing import look
from portal.plumbing.clock import now
from portal.plumbing.headers import csp_nonce
from portal.values.day import business_date, in_shanghai

_STATIC = Path(__file__).resolve().parents[2] / "static"


def yuan(fen: int) -> str:
    """`123456` fen as `1,234.56`, with a real minus sign."""
    text = f"{Decimal(abs(fen)).scaleb(-2):,.2f}"
    return f"−{text}" if fen < 0 else text


def clock_time(moment: datetime, seconds: bool = False) -> str:
    """`14:32` or `14:32:05` by the clock in Shanghai."""
    return in_shanghai(moment).strftime("%H:%M:%S" if seconds else "%H:%M")


def day_words(day: date) -> str:
    """今天, 昨天, or `11月22日 周日`."""
    gap = (business_date(now()) - day).days
    if gap == 0:
        return _("今天")
    if gap == 1:
        return _("昨天")
    return format_date(day, _("M月d日 EEE"))


def moment_words(moment: datetime) -> str:
    """Day and time in one: `今天 14:32`."""
    return f"{day_words(business_date(moment))} {clock_time(moment)}"


def rate_words(basis_points: int) -> str:
    """38 basis points as `0.38%`."""
    return f"{Decimal(basis_points).scaleb(-2):.2f}%"


@cache
def _fingerprint(filename: str) -> str:
    return hashlib.sha256((_STATIC / filename).read_bytes()).hexdigest()[:12]


def static_url(filename: str) -> str:
    """The file's address with its fingerprint, so that it may be cached for ever."""
    return url_for("static", filename=filename, v=_fingerprint(filename))


@cache
def inline_css(filename: str) -> Markup:
    """A style sheet's text for a page that must be one response. Only files of our own are named here."""
    return Markup((_STATIC / "css" / filename).read_text(encoding="utf-8").strip())  # noqa: S704 - our own file


def install(app: Flask) -> None:
    """Hand these functions to every template of `app`."""
    app.jinja_env.globals.update(
        yuan=yuan,
        clock_time=clock_time,
        day_words=day_words,
        moment_words=moment_words,
        rate_words=rate_words,
        static_url=static_url,
        inline_css=inline_css,
        csp_nonce=csp_nonce,
        current_locale=look.chosen_locale,
        theme=look.theme,
        large_type=look.large_type,
        business_date=business_date,
    )
