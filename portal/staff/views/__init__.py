"""The console: the queue, one application, the search, one merchant, his limits, the bills, what was put aside."""

from portal.staff.views import application, difference, merchant, queue, reconciliation, restriction, search, suspense
from portal.staff.views.blueprint import blueprint

__all__ = [
    "application",
    "blueprint",
    "difference",
    "merchant",
    "queue",
    "reconciliation",
    "restriction",
    "search",
    "suspense",
]
