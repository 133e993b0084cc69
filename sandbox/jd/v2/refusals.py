"""What JD Pay V2.0 answers instead of `000000`. No list is public: these numbers are the sandbox's own (unconfirmed).

A client must not branch on them beyond "refused", except where its own contract tells it the real ones.
"""

from sandbox.jd.refusals import Refusal

DONE = "000000"
CODES = {
    "MALFORMED_REQUEST": "900001",
    "MERCHANT_NOT_FOUND": "900002",
    "DECRYPT_FAILED": "900003",
    "SIGN_ERROR": "900004",
    "MERCHANT_MISMATCH": "900005",
    "VERSION_NOT_SUPPORTED": "900006",
    "SYSTEM_ERROR": "999999",
    "PARAM_ERROR": "100001",
    "ORDER_NOT_EXIST": "100002",
    "ORDER_PAID": "100003",
    "ORDER_CLOSED": "100004",
    "ORDER_REPEATED": "100005",
    "ORDER_NOT_PAID": "100006",
    "REFUND_NOT_EXIST": "100011",
    "REFUND_REPEATED": "100012",
    "REFUND_EXCEEDS": "100013",
    "BALANCE_NOT_ENOUGH": "100014",
    "REVOKE_TOO_LATE": "100015",
    "PRODUCT_NOT_OPEN": "100021",
    "RULE_LIMIT": "100099",
}
# Who sent it is not proved, so the answer is not sealed either.
UNTRUSTED = (
    *("MALFORMED_REQUEST", "MERCHANT_NOT_FOUND", "DECRYPT_FAILED", "SIGN_ERROR"),
    *("MERCHANT_MISMATCH", "VERSION_NOT_SUPPORTED", "SYSTEM_ERROR"),
)


def result(refusal: Refusal) -> dict[str, str]:
    """The `result` element of a no."""
    return {"code": CODES[refusal.code], "desc": refusal.description}
