"""What the views about codes share."""

from flask import Blueprint, abort
from flask_login import current_user

from portal.codes import queries
from portal.codes.queries import CodeRow
from portal.plumbing.web import database

blueprint = Blueprint("codes", __name__)

# What the column holds; a larger number in an address is a number we never gave out.
_MOST_ID = 2**31 - 1


def own_code(code_id: int) -> CodeRow:
    """The visitor's own code, or 404: somebody else's code and none at all look the same."""
    if code_id > _MOST_ID:
        abort(404)
    with database().transaction(merchant=current_user.merchant_id) as open_transaction:
        found = queries.code(open_transaction, current_user.merchant_id, code_id)
    if found is None:
        abort(404)
    return found


def own_portal_code(code_id: int) -> CodeRow:
    """The same for what only a plate of ours has."""
    found = own_code(code_id)
    if found.number is None:
        abort(404)
    return found


def is_owner() -> bool:
    """Whether to offer what only the owner may do."""
    return bool(current_user.role == "owner")
