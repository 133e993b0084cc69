"""What bills say of fees and payouts, how differences end, and what a merchant may read of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_STATES_BEFORE = "'awaiting_bill', 'parsed', 'compared', 'balanced', 'unbalanced', 'closed'"
_STATES = "'awaiting_bill', 'not_reported', 'parsed', 'compared', 'balanced', 'unbalanced', 'closed'"
_DIFFERENCES = "'amount', 'status', 'local_only', 'channel_only', 'duplicate'"
_RESOLUTIONS = {
    "way_known": "way IN ('accept', 'repost')",
    "state_known": "state IN ('proposed', 'booked', 'declined')",
    "has_a_reason": "length(reason) >= 4",
    "four_eyes": "state <> 'booked' OR decided_by <> proposed_by",
    "decided_when_over": "(state = 'proposed') = (decided_at IS NULL)",
    "decided_by_somebody": "state = 'proposed' OR decided_by IS NOT NULL",
}
_STANDINGS = {
    "bill_state_known": "bill_state IN ('awaiting_bill', 'not_reported', 'matched', 'difference')",
    "paid_state_known": "paid_state IN ('awaiting_bill', 'not_reported', 'reported')",
    "never_nothing_for_unknown": "(paid_state = 'reported') = (paid IS NOT NULL)",
    "sums_with_a_bill": "(bill_state IN ('matched', 'difference')) = (gross IS NOT NULL)",
    "matched_has_nothing_open": "bill_state <> 'matched' OR open_items = 0",
}
_TOTALS = ("bill_refunds", "bill_fee", "our_fee")
_ITEMS = ("payer_amount", "bill_fee", "our_fee")


def upgrade() -> None:
    _checks(_STATES, f"{_DIFFERENCES}, 'fee'")
    for name in _ITEMS:
        op.add_column("bill_items", sa.Column(name, sa.BigInteger()))
    for name in _TOTALS:
        # Bills compared before fees were: their sums had none. The next comparison writes them anew; a worker of the
        # release before, which knows nothing of fees, may still write some.
        op.add_column("bill_totals", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    _resolutions()
    _standings()
    _payouts()


def _checks(states: str, differences: str) -> None:
    for table, name, column, values in (
        ("bill_batches", "state_known", "state", states),
        ("bill_items", "difference_known", "difference", differences),
    ):
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, f"{column} IN ({values})")


def _resolutions() -> None:
    table = "bill_resolutions"
    op.create_table(
        table,
        sa.Column("resolution_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *(sa.Column(n, sa.BigInteger(), nullable=False) for n in ("item_id", "merchant_id")),
        *(sa.Column(n, sa.String(16), nullable=False) for n in ("way", "state")),
        sa.Column("payload", JSONB(), nullable=False),
        sa.Column("payload_sha256", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("proposer", sa.String(60), nullable=False),
        sa.Column("proposed_at", _MOMENT, nullable=False),
        sa.Column("decided_by", sa.BigInteger()),
        sa.Column("decider", sa.String(60), nullable=False),
        sa.Column("decided_at", _MOMENT),
        sa.PrimaryKeyConstraint("resolution_id", name=op.f("pk_bill_resolutions")),
        sa.ForeignKeyConstraint(["item_id"], ["bill_items.item_id"], name=op.f("fk_bill_resolutions_item")),
        *(sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}")) for name, condition in _RESOLUTIONS.items()),
    )
    op.create_index(
        "uq_bill_resolutions_one_waits", table, ["item_id"], unique=True, postgresql_where="state = 'proposed'"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO portal_staff")
    op.execute(f"GRANT SELECT ON {table} TO portal_ro")


def _standings() -> None:
    table = "day_standings"
    op.create_table(
        table,
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(n, sa.String(16), nullable=False) for n in ("acquirer", "bill_state")),
        *(sa.Column(n, sa.BigInteger()) for n in ("lines", "gross", "refunds", "fee")),
        *(sa.Column(n, sa.BigInteger(), nullable=False) for n in ("open_items", "open_amount")),
        sa.Column("compared_at", _MOMENT),
        sa.Column("paid_state", sa.String(16), nullable=False),
        sa.Column("paid", sa.BigInteger()),
        sa.PrimaryKeyConstraint("merchant_id", "day", "acquirer", name=op.f("pk_day_standings")),
        *(sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}")) for name, condition in _STANDINGS.items()),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO portal_staff")
    _read_by_its_merchant(table)


def _payouts() -> None:
    table = "bank_payouts"
    op.create_table(
        table,
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("acquirer", sa.String(16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("flow_no", sa.String(64), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("remark", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "acquirer", "day", "flow_no", name=op.f("pk_bank_payouts")),
        sa.CheckConstraint("amount > 0", name=op.f(f"ck_{table}_amount_positive")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO portal_staff")
    _read_by_its_merchant(table)


def _read_by_its_merchant(table: str) -> None:
    """Told to the merchant, written by the comparison alone."""
    op.execute(f"GRANT SELECT ON {table} TO portal_app, portal_ro")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    mine = "merchant_id = nullif(current_setting('app.merchant_id', true), '')::bigint"
    op.execute(f"CREATE POLICY own_rows ON {table} TO portal_app USING ({mine}) WITH CHECK ({mine})")
    op.execute(f"CREATE POLICY all_rows ON {table} TO portal_staff USING (true) WITH CHECK (true)")
    op.execute(f"CREATE POLICY read_all_rows ON {table} FOR SELECT TO portal_ro USING (true)")


def downgrade() -> None:
    for table in ("bank_payouts", "day_standings", "bill_resolutions"):
        op.drop_table(table)
    op.execute("DELETE FROM bill_items WHERE difference = 'fee'")
    op.execute("UPDATE bill_batches SET state = 'awaiting_bill' WHERE state = 'not_reported'")
    for name in _TOTALS:
        op.drop_column("bill_totals", name)
    for name in _ITEMS:
        op.drop_column("bill_items", name)
    _checks(_STATES_BEFORE, _DIFFERENCES)
