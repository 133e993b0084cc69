"""Who may do what to which table: grants for the four roles, and forced row-level security."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("transfers", "audit_entries", "events", "rebate_entries")
MERCHANT_OWNED = (
    "accounts",
    "applications",
    "audit_heads",
    "codes",
    "contracts",
    "day_totals",
    "event_cursors",
    "event_heads",
    "inbox_notices",
    "members",
    "merchants",
    "payments",
    "rebate_leases",
    "refunds",
    "restrictions",
    "share_links",
    "shops",
    "wallet_applications",
    *APPEND_ONLY,
)
# Found before a merchant is known. The app may add a line and read one, never change whose it is.
LOOKUPS = ("code_lookups", "contract_lookups", "user_merchants")
PERSON_OWNED = ("sign_in_sessions", "sms_codes", "users")
PLATFORM_READ = ("fee_terms", "rebate_programmes")


def upgrade() -> None:
    op.execute("GRANT USAGE ON SCHEMA public TO portal_app, portal_staff, portal_ro")
    op.execute("GRANT SELECT ON alembic_version TO portal_app, portal_staff, portal_ro")
    for table in MERCHANT_OWNED:
        rights = "SELECT, INSERT" if table in APPEND_ONLY else "SELECT, INSERT, UPDATE"
        op.execute(f"GRANT {rights} ON {table} TO portal_app, portal_staff")
        op.execute(f"GRANT SELECT ON {table} TO portal_ro")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        mine = "merchant_id = nullif(current_setting('app.merchant_id', true), '')::bigint"
        op.execute(f"CREATE POLICY own_rows ON {table} TO portal_app USING ({mine}) WITH CHECK ({mine})")
        op.execute(f"CREATE POLICY all_rows ON {table} TO portal_staff USING (true) WITH CHECK (true)")
        op.execute(f"CREATE POLICY read_all_rows ON {table} FOR SELECT TO portal_ro USING (true)")
    for table in LOOKUPS:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO portal_app, portal_staff")
    for table in PERSON_OWNED:
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO portal_app, portal_staff")
    op.execute("GRANT SELECT, INSERT ON acceptances TO portal_app, portal_staff")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON throttles TO portal_app, portal_staff")
    for table in PLATFORM_READ:
        op.execute(f"GRANT SELECT ON {table} TO portal_app, portal_ro")
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO portal_staff")
    # What serves merchants cannot even see that staff exist, let alone their password hashes.
    op.execute("ALTER TABLE users ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE users FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY merchants_people ON users TO portal_app USING (kind = 'merchant') WITH CHECK (kind = 'merchant')"
    )
    op.execute("CREATE POLICY everybody ON users TO portal_staff USING (true) WITH CHECK (true)")


def downgrade() -> None:
    for table in (*MERCHANT_OWNED, "users"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        for policy in ("own_rows", "all_rows", "read_all_rows", "merchants_people", "everybody"):
            op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
    op.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM portal_app, portal_staff, portal_ro")
