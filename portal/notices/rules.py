"""What becomes of a signed notice."""

from enum import StrEnum


class State(StrEnum):
    """`applied` changed something, `ignored` said nothing new, `orphan` fits nothing of ours, `quarantined` is real
    but does not fit: somebody must look."""

    APPLIED = "applied"
    IGNORED = "ignored"
    ORPHAN = "orphan"
    QUARANTINED = "quarantined"


# The scope of what nothing can attribute to a merchant.
PLATFORM = 0
BODY_MOST = 64 * 1024
# A wallet's own word for the kind of a notice is kept to this length.
KIND_MOST = 40
