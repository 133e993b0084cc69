"""Money put aside has a case, which two people decide; and what was put aside and is booked after all is counted once.

Accounts and transfers name their currency: the database itself refuses a transfer between two of them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_MINE = "merchant_id = nullif(current_setting('app.merchant_id', true), '')::bigint"
_STATES = "'open', 'proposed', 'returning', 'returned', 'booked', 'released', 'given_back', 'ignored'"
_WHOLE = "way <> '' AND proposed_by IS NOT NULL AND length(why) >= 4 AND length(fingerprint) = 64"
_CHECKS = {
    "state_known": f"state IN ({_STATES})",
    "way_known": "way IN ('', 'release', 'give_back', 'ignore')",
    "four_eyes": "approved_by <> proposed_by",
    "proposals_are_whole": f"state <> 'proposed' OR ({_WHOLE})",
    "decided_by_two": f"state NOT IN ('released', 'given_back', 'ignored') OR ({_WHOLE} AND approved_by IS NOT NULL)",
    "booked_as_a_payment": "state NOT IN ('booked', 'released', 'given_back') OR payment_no IS NOT NULL",
    "over_since": "closed_at IS NOT NULL OR state IN ('open', 'proposed', 'returning')",
}
# What opens a case, and what marks one as over by itself: all that whoever serves merchants may write.
_OPENING = (
    "merchant_id, acquirer, transaction_no, order_no, sub_merchant_no, reason, amount, currency, kept, told,"
    " payer_blind, opened_at, state"
)
_BY_ITSELF = "state, payment_no, closed_at"

# What suspense holds of a transaction leaves it when its payment is booked, or clearing would count the money twice.
# Called after the payment's own transfers, whose lock on the clearing account puts this and whoever puts the same money
# aside in order: the later one sees the earlier.
_SUSPENSE_CLEAR = """
CREATE FUNCTION suspense_clear(
    p_merchant bigint, p_acquirer text, p_transaction_no text, p_payment_no text, p_day date, p_now timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    aside bigint;
    name text := left(p_acquirer || ':' || p_transaction_no, 64);
BEGIN
    SELECT amount INTO aside FROM transfers WHERE merchant_id = p_merchant AND kind = 'suspense' AND ref = name;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF EXISTS (
        SELECT FROM suspense_cases WHERE merchant_id = p_merchant AND acquirer = p_acquirer
            AND transaction_no = p_transaction_no AND state IN ('returning', 'returned')
    ) THEN
        RAISE unique_violation USING MESSAGE = 'this transaction goes back to its payer: it pays nothing';
    END IF;
    PERFORM ledger_post(
        p_merchant, ARRAY['suspense_cleared'], ARRAY[name], ARRAY['suspense'], ARRAY['clearing:' || p_acquirer],
        ARRAY[aside], ARRAY[p_day], p_now, true
    );
    UPDATE suspense_cases SET state = 'booked', payment_no = p_payment_no, closed_at = p_now
    WHERE merchant_id = p_merchant AND acquirer = p_acquirer AND transaction_no = p_transaction_no
        AND state IN ('open', 'proposed', 'ignored');
    RETURN true;
END $$
"""

# Puts money aside, once; false when it was there. Refused when a payment has been booked under the same transaction
# meanwhile: whoever told of it is to tell it again.
_SUSPENSE_KEEP = """
CREATE FUNCTION suspense_keep(
    p_merchant bigint, p_acquirer text, p_transaction_no text, p_kinds text[], p_refs text[], p_debits text[],
    p_credits text[], p_amounts bigint[], p_dates date[], p_now timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF ledger_post(p_merchant, p_kinds, p_refs, p_debits, p_credits, p_amounts, p_dates, p_now, true) = 0 THEN
        RETURN false;
    END IF;
    IF EXISTS (
        SELECT FROM payments WHERE merchant_id = p_merchant AND acquirer = p_acquirer
            AND transaction_no = p_transaction_no AND source <> 'interconnect'
    ) THEN
        RAISE serialization_failure USING MESSAGE = 'a payment was booked under this transaction meanwhile';
    END IF;
    RETURN true;
END $$
"""

# As in migration 0010, and with what suspense holds of the same transaction.
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
    {cleared}IF before IN ('closed', 'failed') THEN
        PERFORM event_append(
            p_merchant, 'payment.late_payment', p_order, p_now, jsonb_build_object('amount', p_amount, 'was', before)
        );
    END IF;
    PERFORM event_append(
        p_merchant, 'payment.success', p_order, p_now,
        jsonb_build_object(
            'amount', p_amount, 'wallet', p_paid ->> 'wallet', 'number', place, 'late', before IN ('closed', 'failed')
        )
    );
    RETURN true;
END $$
"""
_CLEARED = """PERFORM suspense_clear(p_merchant, p_acquirer, p_paid ->> 'transaction_no', p_order, p_day, p_now);
    """
# Cases for the money that lies in suspense already. The owner of the tables is under row-level security as well, except
# for this one statement.
_ALREADY_ASIDE = """
INSERT INTO suspense_cases (
    merchant_id, acquirer, transaction_no, order_no, sub_merchant_no, reason, amount, currency, kept, told, opened_at,
    state
)
SELECT t.merchant_id, split_part(t.ref, ':', 1), substr(t.ref, strpos(t.ref, ':') + 1), '', '',
    coalesce(max(e.facts ->> 'reason'), 'unknown_order'), t.amount, 'CNY', true, '{}'::jsonb, t.created_at, 'open'
FROM transfers t LEFT JOIN events e
    ON e.merchant_id = t.merchant_id AND e.kind = 'payment.unexplained'
    AND e.subject = left(substr(t.ref, strpos(t.ref, ':') + 1), 40)
WHERE t.kind = 'suspense'
GROUP BY t.merchant_id, t.transfer_id, t.ref, t.amount, t.created_at
"""
_SIDES = ("debit", "credit")
_SOURCES = {
    "source_known": ("source IN ('order', 'static_code', 'interconnect'{more})", ", 'suspense'"),
    "orders_keep_their_own_number": (
        "source IN ('static_code'{more}) OR acquirer_order_no IS NULL",
        ", 'suspense'",
    ),
}


def upgrade() -> None:
    _currency()
    _cases()
    op.execute(_SUSPENSE_CLEAR)
    op.execute(_SUSPENSE_KEEP)
    for name in ("suspense_clear", "suspense_keep"):
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO portal_app, portal_staff")
    op.execute(_PAYMENT_BOOK.format(cleared=_CLEARED))
    _sources(more=True)


def _currency() -> None:
    """Each new foreign key is there before the old one goes."""
    for table in ("accounts", "transfers"):
        op.add_column(table, sa.Column("currency", sa.String(3), server_default="CNY", nullable=False))
    name = "uq_accounts_merchant_id_code_currency"
    op.create_unique_constraint(op.f(name), "accounts", ["merchant_id", "code", "currency"])
    for side in _SIDES:
        op.create_foreign_key(
            op.f(f"fk_transfers_merchant_id_{side}_currency_accounts"),
            "transfers",
            "accounts",
            ["merchant_id", side, "currency"],
            ["merchant_id", "code", "currency"],
        )
        op.drop_constraint(op.f(f"fk_transfers_merchant_id_{side}_accounts"), "transfers", type_="foreignkey")


def _cases() -> None:
    table = "suspense_cases"
    op.create_table(
        table,
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("acquirer", sa.String(16), nullable=False),
        sa.Column("transaction_no", sa.String(64), nullable=False),
        sa.Column("case_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_no", sa.String(64), nullable=False),
        sa.Column("sub_merchant_no", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(16), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.Column("told", JSONB(), nullable=False),
        sa.Column("payer_blind", sa.String(64)),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("payment_no", sa.String(32)),
        sa.Column("closed_at", _MOMENT),
        sa.Column("said", JSONB()),
        sa.Column("said_at", _MOMENT),
        sa.Column("way", sa.String(16), server_default="", nullable=False),
        sa.Column("target_no", sa.String(32)),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("fingerprint", sa.String(64), server_default="", nullable=False),
        sa.Column("proposed_by", sa.BigInteger()),
        sa.Column("proposed_name", sa.String(64), server_default="", nullable=False),
        sa.Column("proposed_at", _MOMENT),
        sa.Column("approved_by", sa.BigInteger()),
        sa.Column("approved_name", sa.String(64), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "acquirer", "transaction_no", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("merchant_id", "case_id", name=op.f(f"uq_{table}_merchant_id_case_id")),
        *(sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}")) for name, condition in _CHECKS.items()),
    )
    waiting = sa.text("state IN ('open', 'proposed')")
    op.create_index(op.f(f"ix_{table}_unsettled"), table, ["opened_at"], postgresql_where=waiting)
    for watched in ("transfers", "events"):
        op.execute(f"ALTER TABLE {watched} NO FORCE ROW LEVEL SECURITY")
    op.execute(_ALREADY_ASIDE)
    for watched in ("transfers", "events"):
        op.execute(f"ALTER TABLE {watched} FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT SELECT, INSERT ({_OPENING}), UPDATE ({_BY_ITSELF}) ON {table} TO portal_app")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO portal_staff")
    op.execute(f"GRANT SELECT ON {table} TO portal_ro")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_rows ON {table} TO portal_app USING ({_MINE}) WITH CHECK ({_MINE})")
    op.execute(f"CREATE POLICY all_rows ON {table} TO portal_staff USING (true) WITH CHECK (true)")
    op.execute(f"CREATE POLICY read_all_rows ON {table} FOR SELECT TO portal_ro USING (true)")


def _sources(*, more: bool) -> None:
    """A payment may come out of suspense, with the number under which its acquirer knows it."""
    for name, (condition, added) in _SOURCES.items():
        op.drop_constraint(op.f(f"ck_payments_{name}"), "payments")
        op.create_check_constraint(
            op.f(f"ck_payments_{name}"), "payments", condition.format(more=added if more else "")
        )
    if more:
        op.create_index(
            op.f("ix_payments_out_of_suspense"),
            "payments",
            ["merchant_id", "acquirer_order_no"],
            postgresql_where=sa.text("source = 'suspense'"),
        )
    else:
        op.drop_index(op.f("ix_payments_out_of_suspense"), "payments")


def downgrade() -> None:
    _sources(more=False)
    op.execute(_PAYMENT_BOOK.format(cleared=""))
    op.execute("DROP FUNCTION suspense_keep")
    op.execute("DROP FUNCTION suspense_clear")
    op.drop_table("suspense_cases")
    for side in _SIDES:
        op.create_foreign_key(
            op.f(f"fk_transfers_merchant_id_{side}_accounts"),
            "transfers",
            "accounts",
            ["merchant_id", side],
            ["merchant_id", "code"],
        )
        op.drop_constraint(op.f(f"fk_transfers_merchant_id_{side}_currency_accounts"), "transfers", type_="foreignkey")
    op.drop_constraint(op.f("uq_accounts_merchant_id_code_currency"), "accounts")
    for table in ("accounts", "transfers"):
        op.drop_column(table, "currency")
