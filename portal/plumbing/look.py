"""What a browser chose: language, theme and type size. Kept in cookies, so it works before anybody signs in."""

from flask import Response, request

LOCALES = ("zh", "en")
THEMES = ("", "light", "dark")
_YEAR = 365 * 24 * 3600


def chosen_locale() -> str:
    """`zh` unless the visitor asked for English, by the switch or else by his browser."""
    asked = request.cookies.get("lang", "")
    if asked in LOCALES:
        return asked
    return request.accept_languages.best_match(["zh", "zh-CN", "zh-Hans", "en"], default="zh")[:2]


def theme() -> str:
    """`light`, `dark`, or empty to follow the device."""
    asked = request.cookies.get("theme", "")
    return asked if asked in THEMES else ""


def large_type() -> bool:
    """Whether the visitor asked for large letters."""
    return request.cookies.get("type", "") == "large"


def remember(response: Response, *, secure: bool, **choices: str) -> Response:
    """Keep what was chosen for a year."""
    for name, value in choices.items():
        response.set_cookie(name, value, max_age=_YEAR, secure=secure, httponly=True, samesite="Lax")
    return response
