"""Read bills, their differences, their sums, and what was proposed about them."""

from portal.reconciliation.queries.bills import (
    BatchKey,
    BatchRow,
    DayRow,
    batch,
    batches,
    days,
    of,
    unfinished_days,
)
from portal.reconciliation.queries.items import (
    ITEMS_MOST,
    ItemRow,
    Wish,
    at_stake,
    counts,
    item,
    items,
    open_by_merchant,
    open_count,
    open_items,
    side_of,
)
from portal.reconciliation.queries.proposals import ProposalRow, proposal, proposal_of, proposals, waiting
from portal.reconciliation.queries.sums import SumRow, merchant_sums, sums
from portal.reconciliation.standings import Paid, Standing, paid_of_day, standing_of_day

__all__ = [
    "ITEMS_MOST",
    "BatchKey",
    "BatchRow",
    "DayRow",
    "ItemRow",
    "Paid",
    "ProposalRow",
    "Standing",
    "SumRow",
    "Wish",
    "at_stake",
    "batch",
    "batches",
    "counts",
    "days",
    "item",
    "items",
    "merchant_sums",
    "of",
    "open_by_merchant",
    "open_count",
    "open_items",
    "paid_of_day",
    "proposal",
    "proposal_of",
    "proposals",
    "side_of",
    "standing_of_day",
    "sums",
    "unfinished_days",
    "waiting",
]
