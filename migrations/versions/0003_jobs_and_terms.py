"""The job queue's own tables and functions, and the rates that hold from the first day."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = "procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers, procrastinate_workers"


def upgrade() -> None:
    # The queue's schema is several statements with percent signs: handed to the driver as it is.
    op.get_bind().connection.cursor().execute(SchemaManager.get_schema())
    # Anybody may hand in a job inside his own transaction; only the workers may take one.
    op.execute("GRANT SELECT, INSERT ON procrastinate_jobs, procrastinate_events TO portal_app")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {_TABLES} TO portal_staff")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO portal_app, portal_staff")
    op.execute(
        "INSERT INTO fee_terms (acquirer, valid_from, fee_rate_bp) VALUES"
        " ('wechat', DATE '2026-01-01', 38), ('jdpay', DATE '2026-01-01', 38)"
    )


def downgrade() -> None:
    op.execute("DELETE FROM fee_terms")
    op.execute(f"DROP TABLE {_TABLES} CASCADE")
