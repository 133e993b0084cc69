"""A notice may wait until the wallet was asked about it; and every notice is counted, whatever became of it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Marked as whole names where they are used: this file is also read outside of a migration, where `op` knows nothing.
_STATE = "ck_inbox_notices_state_known"
_ABOUT = "ck_inbox_notices_about_known"


def upgrade() -> None:
    op.drop_constraint(op.f(_STATE), "inbox_notices")
    op.create_check_constraint(
        op.f(_STATE), "inbox_notices", "state IN ('applied', 'ignored', 'waiting', 'orphan', 'quarantined')"
    )
    op.add_column("inbox_notices", sa.Column("about", sa.String(16), server_default="nothing", nullable=False))
    op.create_check_constraint(
        op.f(_ABOUT), "inbox_notices", "about IN ('payment', 'refund', 'transfer', 'routed', 'nothing')"
    )
    op.add_column("inbox_notices", sa.Column("sub_merchant_no", sa.String(32), server_default="", nullable=False))
    op.add_column("inbox_notices", sa.Column("transaction_no", sa.String(64)))
    op.create_table(
        "notice_counts",
        sa.Column("sender", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sender", "outcome", name=op.f("pk_notice_counts")),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON notice_counts TO portal_app, portal_staff")
    op.execute("GRANT SELECT ON notice_counts TO portal_ro")


def downgrade() -> None:
    op.drop_table("notice_counts")
    for column in ("transaction_no", "sub_merchant_no"):
        op.drop_column("inbox_notices", column)
    op.drop_constraint(op.f(_ABOUT), "inbox_notices")
    op.drop_column("inbox_notices", "about")
    op.drop_constraint(op.f(_STATE), "inbox_notices")
    op.create_check_constraint(
        op.f(_STATE), "inbox_notices", "state IN ('applied', 'ignored', 'orphan', 'quarantined')"
    )
