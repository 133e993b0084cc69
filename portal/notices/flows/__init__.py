"""What wallets tell, taken in; and the questions that some of it leads to."""

from portal.notices.flows.receiving import Answered, receive
from portal.notices.flows.routed import receive_routed
from portal.notices.flows.settling import SETTLE, settle

__all__ = ["SETTLE", "Answered", "receive", "receive_routed", "settle"]
