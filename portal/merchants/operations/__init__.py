"""Write merchants: open one, apply, decide, restrict."""

from portal.merchants.operations.application import save_answers, save_picture, start_application, submit
from portal.merchants.operations.decision import approve_application, return_application
from portal.merchants.operations.opening import create_merchant, new_merchant_id
from portal.merchants.operations.restriction import lift, restrict
from portal.merchants.operations.wallet import claim_sub_merchant, conclude, note_answer, start_sending

__all__ = [
    "approve_application",
    "claim_sub_merchant",
    "conclude",
    "create_merchant",
    "lift",
    "new_merchant_id",
    "note_answer",
    "restrict",
    "return_application",
    "save_answers",
    "save_picture",
    "start_application",
    "start_sending",
    "submit",
]
