"""Every slice's blueprint, in one list."""

from portal.codes.views import blueprint as codes
from portal.identity.views import blueprint as identity
from portal.merchants.views import blueprint as merchants
from portal.notices.views import blueprint as notices
from portal.notices.views import meter
from portal.payments.views import blueprint as payments
from portal.payments.views import returns
from portal.rebates.views import blueprint as rebates
from portal.receipts.exports.views import blueprint as exports
from portal.receipts.views import blueprint as receipts
from portal.refunds.views import blueprint as refunds
from portal.settlement.views import blueprint as settlement
from portal.staff.views import blueprint as staff
from portal.today.views import blueprint as today

BLUEPRINTS = (
    *(codes, identity, merchants, notices, payments, returns, rebates, refunds, receipts, exports, settlement),
    *(staff, today),
)
# Their requests carry a wallet's signature instead of a form token.
SIGNED_BY_WALLETS = (notices, returns)
# All that the notices' own process serves.
ONLY_NOTICES = (notices, meter)
