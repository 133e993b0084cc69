"""The errors a rule may raise. Each carries a stable reason; the page turns it into the user's words."""


class DomainError(Exception):
    """A business rule said no. `reason` is a stable lower-case word, never shown to a person as it is."""

    def __init__(self, reason: str, **facts: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.facts = facts


class InvalidAmount(DomainError):
    """What was typed is not an amount of money we accept."""


class InvalidReference(DomainError):
    """A number or code that nobody here has issued: wrong shape, wrong check character or wrong seal."""


class NotAllowedNow(DomainError):
    """The thing exists but its state does not allow this step."""


class Refused(DomainError):
    """The request is understood and refused, with a reason the user can act on."""
