"""JD's tables. Amounts are whole fen, moments are unix seconds of the business clock.

`total` is the order, `payer_total` what the payer gives, `coupon` what JD adds, `merchant_coupon` what the merchant
himself takes off: only that part does not reach him. `contract` says whose a merchant is: the agent's (aggregate pay
V3.0) or his own (JD Pay V2.0). `version` is the literal that came with the request, and so the wire of its notices.
"""

SCHEMA = """
CREATE TABLE IF NOT EXISTS jd_merchants (
    merchant_no  TEXT PRIMARY KEY,
    contract     TEXT NOT NULL DEFAULT 'aggregate' CHECK (contract IN ('aggregate', 'own')),
    agent_no     TEXT NOT NULL,
    serial_no    TEXT NOT NULL,
    entity_hash  TEXT NOT NULL,
    company_type TEXT NOT NULL,
    name         TEXT NOT NULL,
    short_name   TEXT NOT NULL,
    licence_no   TEXT NOT NULL,
    des_key      TEXT NOT NULL,
    md5_key      TEXT NOT NULL,
    fee_bp       INTEGER NOT NULL DEFAULT 38 CHECK (fee_bp BETWEEN 0 AND 10000),
    doubt        TEXT NOT NULL DEFAULT '',
    entered_at   REAL NOT NULL,
    applied_at   REAL,
    rejected     TEXT,
    opened_at    REAL,
    UNIQUE (agent_no, serial_no),
    CHECK (applied_at IS NOT NULL OR (rejected IS NULL AND opened_at IS NULL)),
    CHECK (rejected IS NULL OR opened_at IS NULL)
) STRICT;

CREATE TABLE IF NOT EXISTS jd_orders (
    merchant_no     TEXT NOT NULL REFERENCES jd_merchants (merchant_no),
    out_trade_no    TEXT NOT NULL,
    trade_no        TEXT NOT NULL UNIQUE,
    token           TEXT NOT NULL UNIQUE,
    asked           TEXT NOT NULL,
    version         TEXT NOT NULL,
    product_name    TEXT NOT NULL,
    notify_url      TEXT NOT NULL,
    return_url      TEXT NOT NULL DEFAULT '',
    return_params   TEXT NOT NULL,
    note            TEXT NOT NULL DEFAULT '',
    device          TEXT NOT NULL DEFAULT '',
    trade_time      TEXT NOT NULL DEFAULT '',
    typed           INTEGER NOT NULL DEFAULT 0 CHECK (typed IN (0, 1)),
    total           INTEGER NOT NULL CHECK (total >= 0),
    payer_total     INTEGER NOT NULL CHECK (payer_total >= 0),
    coupon          INTEGER NOT NULL DEFAULT 0 CHECK (coupon >= 0),
    merchant_coupon INTEGER NOT NULL DEFAULT 0 CHECK (merchant_coupon >= 0),
    coupon_name     TEXT NOT NULL DEFAULT '',
    card            TEXT NOT NULL DEFAULT '',
    bank_type       TEXT NOT NULL DEFAULT '',
    refunded        INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND total),
    state           TEXT NOT NULL DEFAULT 'PROCESSING' CHECK (state IN ('PROCESSING', 'FINISH', 'CLOSE')),
    transaction_id  TEXT,
    channel_no_seq  TEXT,
    created_at      REAL NOT NULL,
    deadline_at     REAL NOT NULL,
    paid_at         REAL,
    PRIMARY KEY (merchant_no, out_trade_no),
    CHECK (payer_total + coupon + merchant_coupon = total),
    CHECK (total > 0 OR (typed = 1 AND state <> 'FINISH')),
    CHECK ((state = 'FINISH') = (paid_at IS NOT NULL))
) STRICT;

CREATE TABLE IF NOT EXISTS jd_refunds (
    merchant_no   TEXT NOT NULL,
    out_refund_no TEXT NOT NULL,
    out_trade_no  TEXT NOT NULL,
    refund_no     TEXT NOT NULL UNIQUE,
    version       TEXT NOT NULL,
    amount        INTEGER NOT NULL CHECK (amount > 0),
    payer_part    INTEGER NOT NULL CHECK (payer_part >= 0),
    coupon_part   INTEGER NOT NULL CHECK (coupon_part >= 0),
    merchant_part INTEGER NOT NULL CHECK (merchant_part >= 0),
    revokes       INTEGER NOT NULL DEFAULT 0 CHECK (revokes IN (0, 1)),
    notify_url    TEXT NOT NULL,
    note          TEXT NOT NULL DEFAULT '',
    trade_time    TEXT NOT NULL DEFAULT '',
    went_to       TEXT NOT NULL DEFAULT '',
    state         TEXT NOT NULL DEFAULT 'PROCESSING' CHECK (state IN ('PROCESSING', 'FINISH', 'CLOSE')),
    failed        INTEGER NOT NULL DEFAULT 0 CHECK (failed IN (0, 1)),
    created_at    REAL NOT NULL,
    due_at        REAL NOT NULL,
    finished_at   REAL,
    PRIMARY KEY (merchant_no, out_refund_no),
    FOREIGN KEY (merchant_no, out_trade_no) REFERENCES jd_orders (merchant_no, out_trade_no),
    CHECK (payer_part + coupon_part + merchant_part = amount),
    CHECK (failed = 0 OR state = 'CLOSE')
) STRICT;
CREATE INDEX IF NOT EXISTS jd_refunds_due ON jd_refunds (due_at) WHERE state = 'PROCESSING';
CREATE INDEX IF NOT EXISTS jd_refunds_order ON jd_refunds (merchant_no, out_trade_no);

CREATE TABLE IF NOT EXISTS jd_entries (
    number          TEXT PRIMARY KEY,
    merchant_no     TEXT NOT NULL REFERENCES jd_merchants (merchant_no),
    out_trade_no    TEXT NOT NULL,
    out_refund_no   TEXT,
    transaction_id  TEXT NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN ('payment', 'refund')),
    revokes         INTEGER NOT NULL DEFAULT 0,
    total           INTEGER NOT NULL,
    payer_total     INTEGER NOT NULL,
    coupon          INTEGER NOT NULL,
    merchant_coupon INTEGER NOT NULL,
    refund          INTEGER NOT NULL DEFAULT 0,
    fee             INTEGER NOT NULL,
    card            TEXT NOT NULL DEFAULT '',
    traded_at       REAL NOT NULL,
    booked_at       REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS jd_entries_day ON jd_entries (booked_at);
CREATE INDEX IF NOT EXISTS jd_entries_transaction ON jd_entries (transaction_id);
"""
