"""Every table of the first road."""

# ruff: noqa: E501 - conditions as the database prints them

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("debits", sa.BigInteger(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "code <> 'rebate_payable' OR credits >= debits", name=op.f("ck_accounts_rebate_not_overdrawn")
        ),
        sa.CheckConstraint(
            "code NOT LIKE 'refund_in_flight:%' OR credits >= debits", name=op.f("ck_accounts_in_flight_not_overdrawn")
        ),
        sa.CheckConstraint("debits >= 0 AND credits >= 0", name=op.f("ck_accounts_sums_not_negative")),
        sa.PrimaryKeyConstraint("merchant_id", "code", name=op.f("pk_accounts")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("facts", JSONB(), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "seq", name=op.f("pk_audit_entries")),
    )
    op.create_table(
        "audit_heads",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "code_lookups",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("code_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_code_lookups")),
    )
    op.create_table(
        "contract_lookups",
        sa.Column("acquirer", sa.String(length=16), nullable=False),
        sa.Column("sub_merchant_no", sa.String(length=32), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("acquirer", "sub_merchant_no", name=op.f("pk_contract_lookups")),
    )
    op.create_table(
        "day_totals",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("count >= 0 AND received >= 0 AND refunded >= 0", name=op.f("ck_day_totals_not_negative")),
        sa.PrimaryKeyConstraint("merchant_id", "business_date", name=op.f("pk_day_totals")),
    )
    op.create_table(
        "event_cursors",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("relay", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "relay", name=op.f("pk_event_cursors")),
    )
    op.create_table(
        "event_heads",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_event_heads")),
    )
    op.create_table(
        "events",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("facts", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "seq", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_merchant_id_subject"), "events", ["merchant_id", "subject"], unique=False)
    op.create_table(
        "fee_terms",
        sa.Column("acquirer", sa.String(length=16), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("fee_rate_bp", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("acquirer", "valid_from", name=op.f("pk_fee_terms")),
    )
    op.create_table(
        "inbox_notices",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("acquirer", sa.String(length=16), nullable=False),
        sa.Column("notice_id", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("body_sealed", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('applied', 'ignored', 'orphan', 'quarantined')", name=op.f("ck_inbox_notices_state_known")
        ),
        sa.PrimaryKeyConstraint("merchant_id", "acquirer", "notice_id", name=op.f("pk_inbox_notices")),
    )
    op.create_table(
        "merchants",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('pending', 'active', 'closed')", name=op.f("ck_merchants_status_known")),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_merchants")),
    )
    op.create_table(
        "rebate_leases",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("programme_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("leased", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used BETWEEN 0 AND leased", name=op.f("ck_rebate_leases_never_over_lease")),
        sa.PrimaryKeyConstraint("merchant_id", "programme_id", name=op.f("pk_rebate_leases")),
    )
    op.create_table(
        "rebate_programmes",
        sa.Column("programme_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.Column("budget", sa.BigInteger(), nullable=False),
        sa.Column("leased", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("leased BETWEEN 0 AND budget", name=op.f("ck_rebate_programmes_never_over_budget")),
        sa.CheckConstraint("rate_bp BETWEEN 1 AND 10000", name=op.f("ck_rebate_programmes_rate_sane")),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_rebate_programmes")),
    )
    op.create_table(
        "sms_codes",
        sa.Column("sms_code_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("phone_blind", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sms_code_id", name=op.f("pk_sms_codes")),
    )
    op.create_index(op.f("ix_sms_codes_phone_blind_purpose"), "sms_codes", ["phone_blind", "purpose"], unique=False)
    op.create_table(
        "throttles",
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "window_start", name=op.f("pk_throttles")),
    )
    op.create_table(
        "users",
        sa.Column("user_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("staff_role", sa.String(length=16), nullable=True),
        sa.Column("phone_blind", sa.String(length=64), nullable=False),
        sa.Column("phone_sealed", sa.Text(), nullable=False),
        sa.Column("phone_tail", sa.String(length=4), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("locale", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('merchant', 'staff')", name=op.f("ck_users_kind_known")),
        sa.CheckConstraint("locale IN ('zh', 'en')", name=op.f("ck_users_locale_known")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
        sa.UniqueConstraint("phone_blind", name=op.f("uq_users_phone_blind")),
    )
    op.create_table(
        "acceptances",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.String(length=32), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_acceptances_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "document", "version", name=op.f("pk_acceptances")),
    )
    op.create_table(
        "applications",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("application_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("subject_type", sa.String(length=16), nullable=False),
        sa.Column("plain", JSONB(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'approved', 'returned')", name=op.f("ck_applications_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.merchant_id"], name=op.f("fk_applications_merchant_id_merchants")
        ),
        sa.PrimaryKeyConstraint("merchant_id", "application_id", name=op.f("pk_applications")),
    )
    op.create_index(
        "uq_applications_one_open",
        "applications",
        ["merchant_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('draft', 'submitted', 'returned')"),
    )
    op.create_table(
        "contracts",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("acquirer", sa.String(length=16), nullable=False),
        sa.Column("sub_merchant_no", sa.String(length=32), nullable=False),
        sa.Column("keys_sealed", sa.Text(), nullable=True),
        sa.Column("fee_rate_bp", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("fee_rate_bp BETWEEN 0 AND 1000", name=op.f("ck_contracts_fee_rate_sane")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.merchant_id"], name=op.f("fk_contracts_merchant_id_merchants")
        ),
        sa.PrimaryKeyConstraint("merchant_id", "acquirer", name=op.f("pk_contracts")),
    )
    op.create_table(
        "members",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('owner', 'manager', 'clerk')", name=op.f("ck_members_role_known")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.merchant_id"], name=op.f("fk_members_merchant_id_merchants")
        ),
        sa.PrimaryKeyConstraint("merchant_id", "user_id", name=op.f("pk_members")),
    )
    op.create_table(
        "restrictions",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("restriction_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("function", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("way_out", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("placed_by", sa.BigInteger(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.BigInteger(), nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "function IN ('receive', 'refund', 'rebate', 'payout')", name=op.f("ck_restrictions_function_known")
        ),
        sa.CheckConstraint(
            "length(reason) >= 4 AND length(way_out) >= 4", name=op.f("ck_restrictions_reason_and_way_out")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.merchant_id"], name=op.f("fk_restrictions_merchant_id_merchants")
        ),
        sa.PrimaryKeyConstraint("merchant_id", "restriction_id", name=op.f("pk_restrictions")),
    )
    op.create_index(
        "uq_restrictions_one_alive",
        "restrictions",
        ["merchant_id", "function"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "shops",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("shop_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.merchant_id"], name=op.f("fk_shops_merchant_id_merchants")
        ),
        sa.PrimaryKeyConstraint("merchant_id", "shop_id", name=op.f("pk_shops")),
    )
    op.create_table(
        "sign_in_sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_sign_in_sessions_user_id_users")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sign_in_sessions")),
    )
    op.create_index(op.f("ix_sign_in_sessions_user_id"), "sign_in_sessions", ["user_id"], unique=False)
    op.create_table(
        "transfers",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("debit", sa.String(length=40), nullable=False),
        sa.Column("credit", sa.String(length=40), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_transfers_amount_positive")),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_transfers_two_accounts")),
        sa.ForeignKeyConstraint(
            ["merchant_id", "credit"],
            ["accounts.merchant_id", "accounts.code"],
            name=op.f("fk_transfers_merchant_id_credit_accounts"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "debit"],
            ["accounts.merchant_id", "accounts.code"],
            name=op.f("fk_transfers_merchant_id_debit_accounts"),
        ),
        sa.PrimaryKeyConstraint("merchant_id", "transfer_id", name=op.f("pk_transfers")),
        sa.UniqueConstraint("merchant_id", "kind", "ref", name=op.f("uq_transfers_merchant_id_kind_ref")),
    )
    op.create_index(
        op.f("ix_transfers_merchant_id_business_date"), "transfers", ["merchant_id", "business_date"], unique=False
    )
    op.create_table(
        "user_merchants",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_user_merchants_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "merchant_id", name=op.f("pk_user_merchants")),
    )
    op.create_table(
        "codes",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("shop_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("number", sa.String(length=9), nullable=True),
        sa.Column("printed_url", sa.Text(), nullable=True),
        sa.Column("foreign_sealed", sa.Text(), nullable=True),
        sa.Column("foreign_issuer", sa.String(length=16), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'portal') = (foreign_sealed IS NULL)", name=op.f("ck_codes_text_only_on_linked_codes")
        ),
        sa.CheckConstraint(
            "(kind = 'portal') = (number IS NOT NULL)", name=op.f("ck_codes_number_only_on_portal_codes")
        ),
        sa.CheckConstraint(
            "kind IN ('portal', 'linked_merchant', 'linked_personal')", name=op.f("ck_codes_kind_known")
        ),
        sa.CheckConstraint(
            "state IN ('printed', 'bound', 'active', 'suspended', 'suspect', 'lost', 'replaced', 'retired')",
            name=op.f("ck_codes_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "shop_id"],
            ["shops.merchant_id", "shops.shop_id"],
            name=op.f("fk_codes_merchant_id_shop_id_shops"),
        ),
        sa.PrimaryKeyConstraint("merchant_id", "code_id", name=op.f("pk_codes")),
    )
    op.create_table(
        "wallet_applications",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("application_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("acquirer", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("progress", JSONB(), nullable=False),
        sa.Column("sign_url", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('not_sent', 'sending', 'unknown', 'auditing', 'rejected', 'to_be_confirmed', 'to_be_signed', 'opening', 'finished', 'canceled')",
            name=op.f("ck_wallet_applications_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "application_id"],
            ["applications.merchant_id", "applications.application_id"],
            name=op.f("fk_wallet_applications_merchant_id_application_id_applications"),
        ),
        sa.PrimaryKeyConstraint("merchant_id", "application_id", "acquirer", name=op.f("pk_wallet_applications")),
    )
    op.create_table(
        "payments",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payment_no", sa.String(length=32), nullable=False),
        sa.Column("code_id", sa.Integer(), nullable=True),
        sa.Column("share_token", sa.String(length=32), nullable=True),
        sa.Column("wallet", sa.String(length=16), nullable=False),
        sa.Column("acquirer", sa.String(length=16), nullable=False),
        sa.Column("sub_merchant_no", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("payer_amount", sa.BigInteger(), nullable=True),
        sa.Column("promotions", JSONB(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("fee_returned", sa.BigInteger(), nullable=False),
        sa.Column("fee_rate_bp", sa.Integer(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("refund_reserved", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(length=60), nullable=False),
        sa.Column("form_key", sa.String(length=64), nullable=True),
        sa.Column("payer_blind", sa.String(length=64), nullable=True),
        sa.Column("transaction_no", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("business_date", sa.Date(), nullable=True),
        sa.Column("day_number", sa.Integer(), nullable=True),
        sa.CheckConstraint("acquirer IN ('wechat', 'jdpay')", name=op.f("ck_payments_acquirer_known")),
        sa.CheckConstraint(
            "state <> 'success' OR (transaction_no IS NOT NULL AND paid_at IS NOT NULL AND day_number IS NOT NULL)",
            name=op.f("ck_payments_success_is_complete"),
        ),
        sa.CheckConstraint(
            "state = 'success' OR refunded + refund_reserved = 0", name=op.f("ck_payments_only_paid_is_refunded")
        ),
        sa.CheckConstraint(
            "state IN ('created', 'paying', 'success', 'closed', 'failed')", name=op.f("ck_payments_state_known")
        ),
        sa.CheckConstraint("wallet IN ('wechat', 'jdpay', 'unknown')", name=op.f("ck_payments_wallet_known")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payments_amount_positive")),
        sa.CheckConstraint(
            "fee >= 0 AND fee_returned BETWEEN 0 AND fee", name=op.f("ck_payments_fee_returned_at_most_once")
        ),
        sa.CheckConstraint("payer_amount BETWEEN 0 AND amount", name=op.f("ck_payments_payer_pays_at_most_the_amount")),
        sa.CheckConstraint("refunded + refund_reserved <= amount", name=op.f("ck_payments_never_over_refunded")),
        sa.CheckConstraint("refunded >= 0 AND refund_reserved >= 0", name=op.f("ck_payments_refunds_not_negative")),
        sa.ForeignKeyConstraint(
            ["merchant_id", "code_id"],
            ["codes.merchant_id", "codes.code_id"],
            name=op.f("fk_payments_merchant_id_code_id_codes"),
        ),
        sa.PrimaryKeyConstraint("merchant_id", "payment_no", name=op.f("pk_payments")),
        sa.UniqueConstraint(
            "merchant_id", "acquirer", "transaction_no", name=op.f("uq_payments_merchant_id_acquirer_transaction_no")
        ),
        sa.UniqueConstraint("merchant_id", "form_key", name=op.f("uq_payments_merchant_id_form_key")),
    )
    op.create_index(
        "ix_payments_paid",
        "payments",
        ["merchant_id", "paid_at", "payment_no"],
        unique=False,
        postgresql_where=sa.text("state = 'success'"),
    )
    op.create_table(
        "share_links",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("code_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["merchant_id", "code_id"],
            ["codes.merchant_id", "codes.code_id"],
            name=op.f("fk_share_links_merchant_id_code_id_codes"),
        ),
        sa.PrimaryKeyConstraint("merchant_id", "token", name=op.f("pk_share_links")),
    )
    op.create_table(
        "rebate_entries",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ref", sa.String(length=32), nullable=False),
        sa.Column("payment_no", sa.String(length=32), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("base_amount", sa.BigInteger(), nullable=False),
        sa.Column("rate_bp", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'accrual' AND amount > 0) OR (kind = 'clawback' AND amount < 0) OR (kind = 'not_counted' AND amount = 0)",
            name=op.f("ck_rebate_entries_sign_fits_kind"),
        ),
        sa.CheckConstraint("kind IN ('accrual', 'clawback', 'not_counted')", name=op.f("ck_rebate_entries_kind_known")),
        sa.ForeignKeyConstraint(
            ["merchant_id", "payment_no"],
            ["payments.merchant_id", "payments.payment_no"],
            name=op.f("fk_rebate_entries_merchant_id_payment_no_payments"),
        ),
        sa.PrimaryKeyConstraint("merchant_id", "ref", name=op.f("pk_rebate_entries")),
    )
    op.create_index(
        op.f("ix_rebate_entries_merchant_id_payment_no"), "rebate_entries", ["merchant_id", "payment_no"], unique=False
    )
    op.create_table(
        "refunds",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("refund_no", sa.String(length=32), nullable=False),
        sa.Column("payment_no", sa.String(length=32), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("payer_amount", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("form_key", sa.String(length=64), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=True),
        sa.Column("wallet_refund_no", sa.String(length=64), nullable=True),
        sa.Column("received_by", sa.String(length=64), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('requested', 'pending_approval', 'approved', 'declined', 'processing', 'unknown', 'success', 'abnormal', 'closed')",
            name=op.f("ck_refunds_state_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refunds_amount_positive")),
        sa.ForeignKeyConstraint(
            ["merchant_id", "payment_no"],
            ["payments.merchant_id", "payments.payment_no"],
            name=op.f("fk_refunds_merchant_id_payment_no_payments"),
        ),
        sa.PrimaryKeyConstraint("merchant_id", "refund_no", name=op.f("pk_refunds")),
        sa.UniqueConstraint("merchant_id", "form_key", name=op.f("uq_refunds_merchant_id_form_key")),
    )
    op.create_index(op.f("ix_refunds_merchant_id_payment_no"), "refunds", ["merchant_id", "payment_no"], unique=False)


def downgrade() -> None:
    for table in (
        "refunds",
        "rebate_entries",
        "share_links",
        "payments",
        "wallet_applications",
        "codes",
        "user_merchants",
        "transfers",
        "sign_in_sessions",
        "shops",
        "restrictions",
        "members",
        "contracts",
        "applications",
        "acceptances",
        "users",
        "throttles",
        "sms_codes",
        "rebate_programmes",
        "rebate_leases",
        "merchants",
        "inbox_notices",
        "fee_terms",
        "events",
        "event_heads",
        "event_cursors",
        "day_totals",
        "contract_lookups",
        "code_lookups",
        "audit_heads",
        "audit_entries",
        "accounts",
    ):
        op.drop_table(table)
