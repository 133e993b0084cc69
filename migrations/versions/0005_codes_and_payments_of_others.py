"""Linked codes remember whose they are and who tells of their payments; payments remember where we know them from."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_CODES = {
    "holding_known": "holding IN ('own_sub_merchant', 'other_contract', 'personal')",
    "told_by_known": "told_by IN ('acquirer', 'interconnect', 'nobody')",
    "told_by_of_linked_codes": "(kind = 'portal') = (told_by IS NULL)",
    "holding_of_linked_codes": "kind <> 'portal' OR holding IS NULL",
}
_PAYMENTS = {
    "source_known": "source IN ('order', 'static_code', 'interconnect')",
    "told_payments_are_paid": "source = 'order' OR state = 'success'",
    "orders_keep_their_own_number": "source = 'static_code' OR acquirer_order_no IS NULL",
    "not_ours_to_refund": "source <> 'interconnect' OR (fee = 0 AND refunded + refund_reserved = 0)",
}


def upgrade() -> None:
    op.add_column("codes", sa.Column("holding", sa.String(20)))
    op.add_column("codes", sa.Column("told_by", sa.String(16)))
    op.add_column("codes", sa.Column("holder_sealed", sa.Text()))
    # Codes linked before there was a directory: nobody has told whose they are. The tables' own owner is held to the
    # row-level rules too, so they rest while he writes.
    op.execute("ALTER TABLE codes NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE codes SET told_by = 'nobody' WHERE kind <> 'portal'")
    op.execute("ALTER TABLE codes FORCE ROW LEVEL SECURITY")
    op.add_column("payments", sa.Column("source", sa.String(16), nullable=False, server_default="order"))
    op.add_column("payments", sa.Column("acquirer_order_no", sa.String(64)))
    for table, rules in (("codes", _CODES), ("payments", _PAYMENTS)):
        for name, condition in rules.items():
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def downgrade() -> None:
    for table, rules in (("codes", _CODES), ("payments", _PAYMENTS)):
        for name in rules:
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    for table, columns in (
        ("codes", ("holding", "told_by", "holder_sealed")),
        ("payments", ("source", "acquirer_order_no")),
    ):
        for column in columns:
            op.drop_column(table, column)
