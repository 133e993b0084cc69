"""The owner's pages about codes: the list, one code with its plate, its life, and linking a code he already has."""

from portal.codes.views import life, linking, plates, shelf
from portal.codes.views.blueprint import blueprint

__all__ = ["blueprint", "life", "linking", "plates", "shelf"]
