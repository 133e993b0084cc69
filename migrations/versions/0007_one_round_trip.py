"""What one paid order writes, as functions: a notice costs one round trip, not ten.

They run with the rights and the row-level security of whoever calls them.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Accounts are locked in the order of their codes, so two postings never wait for each other in a circle. Those that
# are there are updated, only new ones inserted: an upsert's proposed row alone would have to pass the accounts' CHECKs,
# and a debit without the credit it answers does not.
_LEDGER_POST = """
CREATE FUNCTION ledger_post(
    p_merchant bigint, p_kinds text[], p_refs text[], p_debits text[], p_credits text[], p_amounts bigint[],
    p_dates date[], p_now timestamptz, p_unless_there boolean
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    written bigint;
BEGIN
    WITH posted AS (
        INSERT INTO transfers (merchant_id, kind, ref, debit, credit, amount, business_date, created_at)
        SELECT p_merchant, m.kind, m.ref, m.debit, m.credit, m.amount, m.business_date, p_now
        FROM unnest(p_kinds, p_refs, p_debits, p_credits, p_amounts, p_dates)
            AS m(kind, ref, debit, credit, amount, business_date)
        ON CONFLICT (merchant_id, kind, ref) DO NOTHING
        RETURNING debit, credit, amount
    ), moved AS (
        SELECT side.code, sum(side.debit) AS debits, sum(side.credit) AS credits
        FROM (
            SELECT debit AS code, amount AS debit, 0 AS credit FROM posted
            UNION ALL
            SELECT credit, 0, amount FROM posted
        ) AS side
        GROUP BY side.code
    ), locked AS (
        SELECT code FROM accounts
        WHERE merchant_id = p_merchant AND code IN (SELECT code FROM moved)
        ORDER BY code
        FOR NO KEY UPDATE
    ), changed AS (
        UPDATE accounts SET debits = accounts.debits + moved.debits, credits = accounts.credits + moved.credits
        FROM moved JOIN locked USING (code)
        WHERE accounts.merchant_id = p_merchant AND accounts.code = moved.code
        RETURNING accounts.code
    ), opened AS (
        INSERT INTO accounts (merchant_id, code, debits, credits)
        SELECT p_merchant, code, debits, credits FROM moved
        WHERE code NOT IN (SELECT code FROM changed)
        ORDER BY code
        ON CONFLICT (merchant_id, code)
        DO UPDATE SET debits = accounts.debits + excluded.debits, credits = accounts.credits + excluded.credits
    )
    SELECT count(*) INTO written FROM posted;
    IF written < cardinality(p_kinds) AND NOT p_unless_there THEN
        RAISE unique_violation USING MESSAGE = 'a transfer of this kind and reference is there already';
    END IF;
    RETURN written;
END $$
"""

_EVENT_APPEND = """
CREATE FUNCTION event_append(p_merchant bigint, p_kind text, p_subject text, p_now timestamptz, p_facts jsonb)
RETURNS bigint LANGUAGE sql AS $$
    WITH head AS (
        INSERT INTO event_heads AS h (merchant_id, seq) VALUES (p_merchant, 1)
        ON CONFLICT (merchant_id) DO UPDATE SET seq = h.seq + 1
        RETURNING seq
    )
    INSERT INTO events (merchant_id, seq, at, kind, subject, facts)
    SELECT p_merchant, seq, p_now, p_kind, p_subject, p_facts FROM head
    RETURNING seq
$$
"""

# Nothing is written unless the order is as the caller believes: unpaid, of this contract, amount and rate.
_PAYMENT_BOOK = """
CREATE FUNCTION payment_book(
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
    PERFORM event_append(
        p_merchant, 'payment.success', p_order, p_now,
        jsonb_build_object(
            'amount', p_amount, 'wallet', p_paid ->> 'wallet', 'number', place, 'late', before = 'closed'
        )
    );
    RETURN true;
END $$
"""

# An ordinary notice, whole. A merchant with another rate than the caller guessed is answered with the rate; what is not
# ordinary, with 'look'. A notice that is in the inbox already takes everything back by failing.
_NOTICE_TAKE = """
CREATE FUNCTION notice_take(
    p_inbox jsonb, p_body text,
    p_merchant bigint, p_order text, p_acquirer text, p_sub_merchant_no text, p_amount bigint, p_rate integer,
    p_paid jsonb, p_fee bigint, p_paid_at timestamptz, p_day date,
    p_kinds text[], p_refs text[], p_debits text[], p_credits text[], p_amounts bigint[], p_dates date[],
    p_now timestamptz
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    true_rate integer;
BEGIN
    PERFORM set_config('app.merchant_id', p_merchant::text, true);
    IF NOT payment_book(
        p_merchant, p_order, p_acquirer, p_sub_merchant_no, p_amount, p_rate, p_paid, p_fee, p_paid_at, p_day,
        p_kinds, p_refs, p_debits, p_credits, p_amounts, p_dates, p_now
    ) THEN
        SELECT fee_rate_bp INTO true_rate FROM payments
        WHERE merchant_id = p_merchant AND payment_no = p_order AND state <> 'success' AND fee_rate_bp <> p_rate;
        RETURN coalesce(true_rate::text, 'look');
    END IF;
    INSERT INTO inbox_notices (
        merchant_id, acquirer, notice_id, kind, about, subject, sub_merchant_no, transaction_no, state, reason,
        body_sealed, body_sha256, received_at
    ) VALUES (
        p_merchant, p_acquirer, p_inbox ->> 'notice_id', p_inbox ->> 'kind', p_inbox ->> 'about',
        p_inbox ->> 'subject', p_inbox ->> 'sub_merchant_no', p_inbox ->> 'transaction_no', 'applied', '',
        p_body, p_inbox ->> 'body_sha256', p_now
    );
    RETURN 'booked';
END $$
"""

_NAMES = ("notice_take", "payment_book", "event_append", "ledger_post")


def upgrade() -> None:
    for statement in (_LEDGER_POST, _EVENT_APPEND, _PAYMENT_BOOK, _NOTICE_TAKE):
        op.execute(statement)
    for name in _NAMES:
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO portal_app, portal_staff")


def downgrade() -> None:
    for name in _NAMES:
        op.execute(f"DROP FUNCTION {name}")
