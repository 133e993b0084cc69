"""Every table of the portal in one place, for migrations and for the tests that read the metadata."""

from portal.audit import models as audit
from portal.codes import models as codes
from portal.events import models as events
from portal.identity import models as identity
from portal.ledger import models as ledger
from portal.merchants import models as merchants
from portal.notices import models as notices
from portal.payments import models as payments
from portal.plumbing.db import METADATA
from portal.rebates import models as rebates
from portal.receipts.exports import models as exports
from portal.reconciliation import models as reconciliation
from portal.refunds import models as refunds
from portal.settlement import models as settlement
from portal.suspense import models as suspense

SLICES_WITH_TABLES = (
    *(audit, codes, events, exports, identity, ledger, merchants, notices, payments, rebates),
    *(reconciliation, refunds, settlement, suspense),
)

__all__ = ["METADATA", "SLICES_WITH_TABLES"]
