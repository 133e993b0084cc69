"""The sealed day of a merchant: written at its close by the worker, read by its owner, changed by nobody."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_CHECKS = {
    "position_counts_from_one": "position >= 1",
    "seals_are_whole": "length(seal) = 64 AND length(previous) = 64",
}


def upgrade() -> None:
    op.create_table(
        "day_sheets",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("figures", JSONB(), nullable=False),
        sa.Column("earlier_days", ARRAY(sa.Date()), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "day", name=op.f("pk_day_sheets")),
        sa.UniqueConstraint("merchant_id", "position", name=op.f("uq_day_sheets_merchant_id_position")),
        *(sa.CheckConstraint(condition, name=op.f(f"ck_day_sheets_{name}")) for name, condition in _CHECKS.items()),
    )
    op.execute("GRANT SELECT ON day_sheets TO portal_app, portal_ro")
    op.execute("GRANT SELECT, INSERT ON day_sheets TO portal_staff")
    op.execute("ALTER TABLE day_sheets ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE day_sheets FORCE ROW LEVEL SECURITY")
    mine = "merchant_id = nullif(current_setting('app.merchant_id', true), '')::bigint"
    op.execute(f"CREATE POLICY own_rows ON day_sheets TO portal_app USING ({mine}) WITH CHECK ({mine})")
    op.execute("CREATE POLICY all_rows ON day_sheets TO portal_staff USING (true) WITH CHECK (true)")
    op.execute("CREATE POLICY read_all_rows ON day_sheets FOR SELECT TO portal_ro USING (true)")


def downgrade() -> None:
    op.drop_table("day_sheets")
