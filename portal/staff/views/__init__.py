"""The console: the queue, one application, the search, one merchant, what he may not do, the bills."""

from portal.staff.views import application, merchant, queue, reconciliation, restriction, search
from portal.staff.views.blueprint import blueprint

__all__ = ["application", "blueprint", "merchant", "queue", "reconciliation", "restriction", "search"]
