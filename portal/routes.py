"""Every slice's blueprint, in one list."""

from portal.codes.views import blueprint as codes
from portal.identity.views import blueprint as identity
from portal.merchants.views import blueprint as merchants
from portal.notices.views import blueprint as notices
from portal.payments.views import blueprint as payments

BLUEPRINTS = (codes, identity, merchants, notices, payments)
# Their requests carry a wallet's signature instead of a form token.
SIGNED_BY_WALLETS = (notices,)
