"""Tables of the phone: who holds it, what its browsers remember, what it scanned and paid."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS phones (
    id         TEXT PRIMARY KEY,
    wallet     TEXT NOT NULL DEFAULT 'wechat' CHECK (wallet IN ('wechat', 'jdpay')),
    address    TEXT NOT NULL DEFAULT '',
    number     TEXT NOT NULL DEFAULT '',
    picture    BLOB,
    payer      TEXT NOT NULL DEFAULT 'demo',
    way        TEXT NOT NULL DEFAULT 'scan' CHECK (way IN ('scan', 'activity', 'shortcut')),
    shortcut   INTEGER NOT NULL DEFAULT 0 CHECK (shortcut IN (0, 1)),
    created_at REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS phone_cookies (
    phone   TEXT NOT NULL REFERENCES phones (id) ON DELETE CASCADE,
    wallet  TEXT NOT NULL,
    site    TEXT NOT NULL,
    domain  TEXT NOT NULL,
    path    TEXT NOT NULL,
    name    TEXT NOT NULL,
    value   TEXT NOT NULL,
    secure  INTEGER NOT NULL,
    expires INTEGER,
    PRIMARY KEY (phone, wallet, site, domain, path, name)
) STRICT;

CREATE TABLE IF NOT EXISTS phone_runs (
    phone      TEXT NOT NULL REFERENCES phones (id) ON DELETE CASCADE,
    run        INTEGER NOT NULL,
    wallet     TEXT NOT NULL,
    text       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    shop       TEXT NOT NULL DEFAULT '',
    number     TEXT NOT NULL DEFAULT '',
    amount     INTEGER,
    payer_paid INTEGER,
    state      TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid', 'refused')),
    started_at REAL NOT NULL,
    PRIMARY KEY (phone, run)
) STRICT;

CREATE TABLE IF NOT EXISTS phone_steps (
    phone  TEXT NOT NULL,
    run    INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    amount INTEGER,
    detail TEXT NOT NULL DEFAULT '',
    at     REAL NOT NULL,
    PRIMARY KEY (phone, run, kind),
    FOREIGN KEY (phone, run) REFERENCES phone_runs (phone, run) ON DELETE CASCADE
) STRICT;

CREATE TABLE IF NOT EXISTS phone_sheets (
    id        TEXT PRIMARY KEY,
    phone     TEXT NOT NULL REFERENCES phones (id) ON DELETE CASCADE,
    prepay_id TEXT NOT NULL,
    number    TEXT NOT NULL,
    shop      TEXT NOT NULL,
    amount    INTEGER NOT NULL,
    state     TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid', 'refused'))
) STRICT;

CREATE TABLE IF NOT EXISTS phone_checks (
    id          TEXT PRIMARY KEY,
    phone       TEXT NOT NULL REFERENCES phones (id) ON DELETE CASCADE,
    run         INTEGER NOT NULL,
    wallet      TEXT NOT NULL,
    text        TEXT NOT NULL,
    shop        TEXT NOT NULL,
    holding     TEXT NOT NULL,
    amount      INTEGER NOT NULL CHECK (amount > 0),
    state       TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid', 'refused', 'reversed')),
    number      TEXT NOT NULL DEFAULT '',
    payer_total INTEGER,
    reductions  TEXT NOT NULL DEFAULT '[]',
    card        TEXT NOT NULL DEFAULT '',
    subsidy     INTEGER NOT NULL DEFAULT 0
) STRICT;
"""
