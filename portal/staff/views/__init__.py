"""The console: the queue, one application, the search, one merchant, what he may not do."""

from portal.staff.views import application, merchant, queue, restriction, search
from portal.staff.views.blueprint import blueprint

__all__ = ["application", "blueprint", "merchant", "queue", "restriction", "search"]
