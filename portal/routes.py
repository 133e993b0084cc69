"""Every slice's blueprint, in one list."""

from portal.identity.views import blueprint as identity

BLUEPRINTS = (identity,)
# Their requests carry a wallet's signature instead of a form token.
SIGNED_BY_WALLETS = ()
