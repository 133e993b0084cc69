"""Security headers of every answer, and the nonce that lets our own inline parts run."""

import secrets

from flask import Flask, Response, g, request

from portal.config import Settings

_ONE_YEAR = 31_536_000


def csp_nonce() -> str:
    """One nonce for each request."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def install(app: Flask, settings: Settings) -> None:
    """Put the headers on every answer of `app`, errors and files included."""
    # A payer's form is answered with a redirect to the wallet, which the browser counts as a form action.
    form_action = "'self' https:" if settings.secure else "'self' http: https:"
    connect = f"'self' {settings.events_url}" if settings.events_url else "'self'"

    @app.after_request
    def add_headers(response: Response) -> Response:
        nonce = f" 'nonce-{csp_nonce()}'" if "csp_nonce" in g else ""
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'self'{nonce}; style-src 'self'{nonce}; img-src 'self' data:; "
            f"font-src 'self'; media-src 'self'; connect-src {connect}; manifest-src 'self'; worker-src 'self'; "
            f"form-action {form_action}; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "geolocation=(), microphone=(), payment=()"
        if settings.secure:
            response.headers["Strict-Transport-Security"] = f"max-age={_ONE_YEAR}; includeSubDomains"
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        return response
