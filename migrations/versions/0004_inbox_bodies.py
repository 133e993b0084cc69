"""What a wallet has told stays as it was told: only what became of a notice may be written later."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("REVOKE UPDATE ON inbox_notices FROM portal_app, portal_staff")
    op.execute("GRANT UPDATE (state, reason) ON inbox_notices TO portal_app, portal_staff")


def downgrade() -> None:
    op.execute("REVOKE UPDATE (state, reason) ON inbox_notices FROM portal_app, portal_staff")
    op.execute("GRANT UPDATE ON inbox_notices TO portal_app, portal_staff")
