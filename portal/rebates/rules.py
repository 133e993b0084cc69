"""What a payment through a sharing page earns the merchant."""

from datetime import datetime

from portal.values.money import BASIS_POINTS, Fen, share

# A merchant's slice of a programme's budget, in fen: small enough that an unused one is no loss.
LEASE_SLICE = 50_00


def earned(*, amount: int, rate_bp: int) -> Fen:
    """The rebate in fen on a payment of `amount` fen at `rate_bp` basis points, rounded half up."""
    return share(amount, rate_bp, BASIS_POINTS)


def taken_back(*, accrued: int, already_back: int, refunded_now: int, amount: int) -> Fen:
    """What a refund of `refunded_now` fen takes back of `accrued`: pro rata, half up, never more than is left."""
    return Fen(min(int(share(accrued, refunded_now, amount)), accrued - already_back))


def why_not_counted(*, starts_at: datetime, ends_at: datetime, now: datetime, reward: int) -> str | None:
    """The reason a payment earns nothing, or None when it earns."""
    if now < starts_at:
        return "not_started"
    if now >= ends_at:
        return "programme_over"
    return "too_small" if reward <= 0 else None
