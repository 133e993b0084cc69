"""Tables of the people who pay: their accounts at both wallets, cards, payments, reductions and subsidies.

All amounts are fen. A `source` is `balance` or the id of a card; ids of cards are unique within one person's wallet.
"""

SCHEMA = """
CREATE TABLE IF NOT EXISTS payer_accounts (
    payer     TEXT NOT NULL,
    wallet    TEXT NOT NULL CHECK (wallet IN ('wechat', 'jdpay')),
    level     TEXT NOT NULL CHECK (level IN ('A', 'B', 'C')),
    balance   INTEGER NOT NULL CHECK (balance >= 0),
    source    TEXT NOT NULL,
    PRIMARY KEY (payer, wallet)
) STRICT;

CREATE TABLE IF NOT EXISTS payer_cards (
    payer   TEXT NOT NULL,
    wallet  TEXT NOT NULL,
    card    TEXT NOT NULL,
    bank    TEXT NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('debit', 'credit')),
    tail    TEXT NOT NULL,
    money   INTEGER NOT NULL CHECK (money >= 0),
    state   TEXT NOT NULL DEFAULT 'bound' CHECK (state IN ('bound', 'expired', 'removed')),
    bound   INTEGER NOT NULL,
    PRIMARY KEY (payer, wallet, card),
    FOREIGN KEY (payer, wallet) REFERENCES payer_accounts (payer, wallet)
) STRICT;

CREATE TABLE IF NOT EXISTS payer_rules (
    payer    TEXT NOT NULL,
    wallet   TEXT NOT NULL,
    upcoming INTEGER NOT NULL CHECK (upcoming IN (0, 1)),
    amount   INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 3000),
    minimum  INTEGER NOT NULL DEFAULT 0 CHECK (minimum >= 0),
    name     TEXT NOT NULL,
    funder   TEXT NOT NULL CHECK (funder IN ('wallet', 'merchant', 'other')),
    PRIMARY KEY (payer, wallet, upcoming)
) STRICT;

CREATE TABLE IF NOT EXISTS payer_payments (
    institution TEXT NOT NULL,
    number      TEXT NOT NULL,
    payer       TEXT NOT NULL,
    wallet      TEXT NOT NULL,
    source      TEXT NOT NULL,
    total       INTEGER NOT NULL CHECK (total > 0),
    payer_total INTEGER NOT NULL CHECK (payer_total BETWEEN 0 AND total),
    static_code INTEGER NOT NULL CHECK (static_code IN (0, 1)),
    paid_at     REAL NOT NULL,
    PRIMARY KEY (institution, number)
) STRICT;
CREATE INDEX IF NOT EXISTS payer_payments_of ON payer_payments (payer, wallet, paid_at);

CREATE TABLE IF NOT EXISTS payer_grants (
    grant_id    TEXT PRIMARY KEY,
    institution TEXT NOT NULL,
    number      TEXT NOT NULL,
    name        TEXT NOT NULL,
    amount      INTEGER NOT NULL CHECK (amount > 0),
    funder      TEXT NOT NULL,
    FOREIGN KEY (institution, number) REFERENCES payer_payments (institution, number)
) STRICT;
CREATE INDEX IF NOT EXISTS payer_grants_of ON payer_grants (institution, number);

CREATE TABLE IF NOT EXISTS payer_refunds (
    institution    TEXT NOT NULL,
    refund_number  TEXT NOT NULL,
    number         TEXT NOT NULL,
    payer_part     INTEGER NOT NULL CHECK (payer_part >= 0),
    promotion_part INTEGER NOT NULL CHECK (promotion_part >= 0),
    went_to        TEXT NOT NULL,
    returned_at    REAL NOT NULL,
    PRIMARY KEY (institution, refund_number)
) STRICT;
CREATE INDEX IF NOT EXISTS payer_refunds_of ON payer_refunds (institution, number);

CREATE TABLE IF NOT EXISTS payer_subsidies (
    payer   TEXT NOT NULL,
    deed    TEXT NOT NULL,
    amount  INTEGER NOT NULL CHECK (amount > 0),
    done_at REAL NOT NULL,
    PRIMARY KEY (payer, deed)
) STRICT;
"""
