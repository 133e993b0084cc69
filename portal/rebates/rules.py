"""What a payment through a sharing page earns the merchant."""

from datetime import datetime

from portal.values.money import BASIS_POINTS, Fen, share

# A merchant's slice of a programme's budget, in fen: small enough that an unused one is no loss.
LEASE_SLICE = 50_00


def earned(*, amount: int, rate_bp: int) -> Fen:
    """The rebate in fen on a payment of `amount` fen at `rate_bp` basis points, rounded half up."""
    return share(amount, rate_bp, BASIS_POINTS)


def taken_back(*, accrued: int, already_back: int, refunded_in_all: int, amount: int) -> Fen:
    """What is to be taken back of `accrued` once `refunded_in_all` of a payment's `amount` fen went back to the payer.

    Reckoned from the sum of all refunds, so that many small ones take back what one large one would; a full refund
    takes back everything.
    """
    due = min(int(share(accrued, refunded_in_all, amount)), accrued)
    return Fen(max(due - already_back, 0))


def lease_to_take(*, need: int, left_of_budget: int) -> Fen:
    """How many fen of a programme's budget to lease when `need` are missing: a whole slice while there is one.

    0 when the budget does not cover the need: a merchant never takes the last of a budget without using it.
    """
    if need > left_of_budget:
        return Fen(0)
    return Fen(min(max(need, LEASE_SLICE), left_of_budget))


def why_not_counted(
    *, starts_at: datetime, ends_at: datetime, paid_at: datetime, restricted_since: datetime | None, reward: int
) -> str | None:
    """The reason a payment earns nothing, or None when it earns."""
    if paid_at < starts_at:
        return "not_started"
    if paid_at >= ends_at:
        return "programme_over"
    if restricted_since is not None and paid_at >= restricted_since:
        return "restricted"
    return "too_small" if reward <= 0 else None
