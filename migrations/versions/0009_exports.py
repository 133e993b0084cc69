"""Files of receipts and refunds that owners asked for."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_CHECKS = {
    "subject_known": "subject IN ('receipts', 'refunds')",
    "form_known": "form IN ('csv', 'xlsx')",
    "state_known": "state IN ('queued', 'running', 'ready', 'failed', 'expired')",
    "days_in_order": "last_day >= first_day",
    "ready": "state <> 'ready' OR (finished_at IS NOT NULL AND expires_at IS NOT NULL)",
}


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("export_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("form", sa.String(8), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger()),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("parts", JSONB(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("form_key", sa.String(64), nullable=False),
        sa.Column("asked_by", sa.BigInteger()),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("finished_at", _MOMENT),
        sa.Column("expires_at", _MOMENT),
        sa.PrimaryKeyConstraint("merchant_id", "export_id", name=op.f("pk_exports")),
        sa.UniqueConstraint("merchant_id", "form_key", name=op.f("uq_exports_merchant_id_form_key")),
        *(sa.CheckConstraint(condition, name=op.f(f"ck_exports_{name}")) for name, condition in _CHECKS.items()),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON exports TO portal_app, portal_staff")
    op.execute("GRANT SELECT ON exports TO portal_ro")
    op.execute("ALTER TABLE exports ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE exports FORCE ROW LEVEL SECURITY")
    mine = "merchant_id = nullif(current_setting('app.merchant_id', true), '')::bigint"
    op.execute(f"CREATE POLICY own_rows ON exports TO portal_app USING ({mine}) WITH CHECK ({mine})")
    op.execute("CREATE POLICY all_rows ON exports TO portal_staff USING (true) WITH CHECK (true)")
    op.execute("CREATE POLICY read_all_rows ON exports FOR SELECT TO portal_ro USING (true)")


def downgrade() -> None:
    op.drop_table("exports")
