"""Tables of the clearing institution: its code directory, what it routed, what it cleared. Amounts are fen."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS interconnect_codes (
    text        TEXT PRIMARY KEY,
    acquirer    TEXT NOT NULL CHECK (acquirer IN ('wechat', 'jdpay')),
    holding     TEXT NOT NULL CHECK (holding IN ('other_contract', 'personal')),
    holder_name TEXT NOT NULL,
    merchant_no TEXT NOT NULL,
    opened_at   REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS interconnect_payments (
    clearing_no    TEXT PRIMARY KEY,
    text           TEXT NOT NULL,
    holding        TEXT NOT NULL CHECK (holding IN ('own_sub_merchant', 'other_contract', 'personal')),
    holder_name    TEXT NOT NULL,
    account_side   TEXT NOT NULL CHECK (account_side IN ('wechat', 'jdpay')),
    acquirer       TEXT NOT NULL CHECK (acquirer IN ('wechat', 'jdpay')),
    merchant_no    TEXT NOT NULL,
    payer          TEXT NOT NULL,
    amount         INTEGER NOT NULL CHECK (amount > 0),
    payer_amount   INTEGER CHECK (payer_amount BETWEEN 0 AND amount),
    promotions     TEXT NOT NULL DEFAULT '[]',
    transaction_id TEXT UNIQUE,
    out_trade_no   TEXT,
    state          TEXT NOT NULL,
    authorised_at  REAL,
    cleared_at     REAL,
    settled_at     REAL
) STRICT;
CREATE INDEX IF NOT EXISTS interconnect_payments_cleared ON interconnect_payments (cleared_at);
CREATE INDEX IF NOT EXISTS interconnect_payments_order ON interconnect_payments (out_trade_no);

CREATE TABLE IF NOT EXISTS interconnect_steps (
    id          INTEGER PRIMARY KEY,
    clearing_no TEXT NOT NULL REFERENCES interconnect_payments (clearing_no),
    subject     TEXT NOT NULL,
    state       TEXT NOT NULL,
    at          REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS interconnect_steps_of ON interconnect_steps (clearing_no);

CREATE TABLE IF NOT EXISTS interconnect_refunds (
    refund_id      TEXT PRIMARY KEY,
    clearing_no    TEXT NOT NULL REFERENCES interconnect_payments (clearing_no),
    out_refund_no  TEXT NOT NULL,
    amount         INTEGER NOT NULL CHECK (amount > 0),
    payer_amount   INTEGER NOT NULL CHECK (payer_amount BETWEEN 0 AND amount),
    state          TEXT NOT NULL CHECK (state IN ('REFUNDING', 'REFUNDED', 'RETURNED')),
    asked_at       REAL NOT NULL,
    cleared_at     REAL
) STRICT;
CREATE INDEX IF NOT EXISTS interconnect_refunds_cleared ON interconnect_refunds (cleared_at);

CREATE TABLE IF NOT EXISTS interconnect_nonces (
    nonce TEXT PRIMARY KEY,
    at    REAL NOT NULL
) STRICT;
"""
