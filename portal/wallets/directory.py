"""Whose code is this? What the clearing institution's directory tells about a foreign code.

No public message format of such a directory exists; this is the portal's own stand-in (docs/interconnect.md).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from portal.wallets.parties import Acquirer


class Holding(StrEnum):
    """Three kinds of code, which differ in what becomes known of their payments.

    `own_sub_merchant`: a sub-merchant of this provider; the acquirer tells us every payment, refunds work.
    `other_contract` and `personal`: no public interface reports or refunds their payments.
    """

    OWN_SUB_MERCHANT = "own_sub_merchant"
    OTHER_CONTRACT = "other_contract"
    PERSONAL = "personal"


@dataclass(frozen=True)
class CodeHolder:
    """Who receives what is paid to a code. `sub_merchant_no` is set for a sub-merchant of this provider only."""

    acquirer: Acquirer
    holding: Holding
    holder_name: str
    sub_merchant_no: str | None = None


class CodeDirectory(Protocol):
    """Where codes are looked up."""

    def resolve_code(self, text: str) -> CodeHolder | None:
        """The holder of the code with this text; None when nobody knows it. Raises WalletError as the port says."""
