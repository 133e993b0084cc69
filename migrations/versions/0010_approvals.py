"""Refunds above a clerk's limit wait for the owner; a second payment of one order has a refund of its own; and a late
payment opens its order again by an event of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_DECIDED = "ck_refunds_decisions_have_a_time"
_SECOND = "uq_refunds_second_payment"
_MINE = "merchant_id = nullif(current_setting('app.merchant_id', true), '')::bigint"

# Nothing is written unless the order is as the caller believes: unpaid, of this contract, amount and rate.
_PAYMENT_BOOK = """
CREATE OR REPLACE FUNCTION payment_book(
    p_merchant bigint, p_order text, p_acquirer text, p_sub_merchant_no text, p_amount bigint, p_rate integer,
    p_paid jsonb, p_fee bigint, p_paid_at timestamptz, p_day date,
    p_kinds text[], p_refs text[], p_debits text[], p_credits text[], p_amounts bigint[], p_dates date[],
    p_now timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    before text;
    place integer;
BEGIN
    WITH due AS (
        SELECT state FROM payments
        WHERE merchant_id = p_merchant AND payment_no = p_order AND state <> 'success' AND acquirer = p_acquirer
            AND sub_merchant_no = p_sub_merchant_no AND amount = p_amount AND fee_rate_bp = p_rate
        FOR UPDATE
    ), day AS (
        INSERT INTO day_totals AS d (merchant_id, business_date, count, received, refunded)
        SELECT p_merchant, p_day, 1, p_amount, 0 FROM due
        ON CONFLICT (merchant_id, business_date)
        DO UPDATE SET count = d.count + 1, received = d.received + excluded.received
        RETURNING count
    )
    UPDATE payments SET
        state = 'success',
        transaction_no = p_paid ->> 'transaction_no',
        wallet = p_paid ->> 'wallet',
        payer_amount = (p_paid ->> 'payer_amount')::bigint,
        promotions = p_paid -> 'promotions',
        payer_blind = p_paid ->> 'payer_blind',
        fee = p_fee,
        paid_at = p_paid_at,
        business_date = p_day,
        day_number = day.count
    FROM due, day
    WHERE merchant_id = p_merchant AND payment_no = p_order
    RETURNING due.state, day.count INTO before, place;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM ledger_post(p_merchant, p_kinds, p_refs, p_debits, p_credits, p_amounts, p_dates, p_now, false);
    {late_payment}PERFORM event_append(
        p_merchant, 'payment.success', p_order, p_now,
        jsonb_build_object(
            'amount', p_amount, 'wallet', p_paid ->> 'wallet', 'number', place, 'late', before {ended}
        )
    );
    RETURN true;
END $$
"""
# As the table of states has it (portal/payments/rules.py): paid after it had ended unpaid.
_LATE = """IF before IN ('closed', 'failed') THEN
        PERFORM event_append(
            p_merchant, 'payment.late_payment', p_order, p_now, jsonb_build_object('amount', p_amount, 'was', before)
        );
    END IF;
    """


def upgrade() -> None:
    op.execute(_PAYMENT_BOOK.format(late_payment=_LATE, ended="IN ('closed', 'failed')"))
    op.add_column("refunds", sa.Column("transaction_no", sa.String(64)))
    op.add_column("refunds", sa.Column("decided_by", sa.BigInteger()))
    op.add_column("refunds", sa.Column("decided_at", _MOMENT))
    op.create_unique_constraint(op.f(_SECOND), "refunds", ["merchant_id", "payment_no", "transaction_no"])
    op.create_check_constraint(
        op.f(_DECIDED), "refunds", "state NOT IN ('approved', 'declined') OR decided_at IS NOT NULL"
    )
    op.create_table(
        "refund_limits",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("clerk_limit", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.CheckConstraint("clerk_limit >= 0", name=op.f("ck_refund_limits_limit_not_negative")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.merchant_id"], name=op.f("fk_refund_limits_merchant_id_merchants")
        ),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_refund_limits")),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON refund_limits TO portal_app, portal_staff")
    op.execute("GRANT SELECT ON refund_limits TO portal_ro")
    op.execute("ALTER TABLE refund_limits ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE refund_limits FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_rows ON refund_limits TO portal_app USING ({_MINE}) WITH CHECK ({_MINE})")
    op.execute("CREATE POLICY all_rows ON refund_limits TO portal_staff USING (true) WITH CHECK (true)")
    op.execute("CREATE POLICY read_all_rows ON refund_limits FOR SELECT TO portal_ro USING (true)")


def downgrade() -> None:
    op.drop_table("refund_limits")
    op.drop_constraint(op.f(_DECIDED), "refunds")
    op.drop_constraint(op.f(_SECOND), "refunds")
    for column in ("decided_at", "decided_by", "transaction_no"):
        op.drop_column("refunds", column)
    op.execute(_PAYMENT_BOOK.format(late_payment="", ended="= 'closed'"))
