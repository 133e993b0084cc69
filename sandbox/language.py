"""The sandbox's pages speak Chinese first and English on request (`?lang=en`, kept in a cookie).

In a template: `{{ say("手机", "Phone") }}`. Both texts stand side by side, so none can be missing.
"""

from flask import Flask, Response, request

COOKIE = "sandbox_lang"
# The phone fetches JD's cashier and WeChat's pages itself, with jars of its own: so it says what its owner reads.
HEADER = "X-Sandbox-Language"
LANGUAGES = ("zh", "en")


def language() -> str:
    """`zh` or `en`, from the address, else from the phone or the cookie, else Chinese."""
    for wish in (request.args.get("lang"), request.headers.get(HEADER), request.cookies.get(COOKIE)):
        if wish in LANGUAGES:
            return str(wish)
    return LANGUAGES[0]


def say(chinese: str, english: str) -> str:
    """The text of the page's language."""
    return english if language() == "en" else chinese


def set_up(app: Flask) -> None:
    """Give every template `say` and `lang`, and keep a chosen language."""

    @app.context_processor
    def words() -> dict[str, object]:
        return {"say": say, "lang": "en" if language() == "en" else "zh-CN"}

    @app.after_request
    def keep(response: Response) -> Response:
        wish = request.args.get("lang")
        if wish in LANGUAGES:
            response.set_cookie(COOKIE, str(wish), samesite="Lax", httponly=True)
        return response
