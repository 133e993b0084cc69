"""The one-time key a form carries, so that a double tap is one deed."""

import secrets

FORM_KEY_MOST = 64


def new_form_key() -> str:
    """192 random bits; the database keeps it unique with the deed it belongs to."""
    return secrets.token_urlsafe(24)
