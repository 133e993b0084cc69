"""The tables of the WeChat side. Amounts are integer fen, times are Unix seconds."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS wechat_merchants (
    sub_mchid     TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    business_code TEXT UNIQUE,
    rate_bp       INTEGER NOT NULL CHECK (rate_bp BETWEEN 0 AND 10000),
    permissions   TEXT NOT NULL,
    opened_at     REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS wechat_openids (
    openid TEXT PRIMARY KEY,
    appid  TEXT NOT NULL,
    payer  TEXT NOT NULL,
    UNIQUE (appid, payer)
) STRICT;

CREATE TABLE IF NOT EXISTS wechat_codes (
    code       TEXT PRIMARY KEY,
    openid     TEXT NOT NULL REFERENCES wechat_openids (openid),
    appid      TEXT NOT NULL,
    scope      TEXT NOT NULL,
    created_at REAL NOT NULL,
    used_at    REAL
) STRICT;

CREATE TABLE IF NOT EXISTS wechat_orders (
    out_trade_no   TEXT PRIMARY KEY,
    sub_mchid      TEXT NOT NULL REFERENCES wechat_merchants (sub_mchid),
    sp_mchid       TEXT NOT NULL,
    sp_appid       TEXT NOT NULL,
    trade_type     TEXT NOT NULL CHECK (trade_type IN ('JSAPI', 'NATIVE')),
    request        TEXT NOT NULL,
    description    TEXT NOT NULL,
    attach         TEXT,
    device_id      TEXT,
    notify_url     TEXT NOT NULL,
    total          INTEGER NOT NULL CHECK (total > 0),
    sp_openid      TEXT,
    state          TEXT NOT NULL DEFAULT 'NOTPAY' CHECK (state IN ('NOTPAY', 'SUCCESS', 'REFUND', 'CLOSED')),
    created_at     REAL NOT NULL,
    expires_at     REAL NOT NULL,
    transaction_id TEXT UNIQUE,
    payer_openid   TEXT,
    payer_total    INTEGER CHECK (payer_total BETWEEN 0 AND total),
    paid_at        REAL,
    fee            INTEGER CHECK (fee BETWEEN 0 AND total),
    refunded       INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND total),
    CHECK ((state IN ('SUCCESS', 'REFUND')) = (transaction_id IS NOT NULL AND paid_at IS NOT NULL AND fee IS NOT NULL))
) STRICT;
CREATE INDEX IF NOT EXISTS wechat_orders_paid ON wechat_orders (paid_at) WHERE paid_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS wechat_prepays (
    prepay_id    TEXT PRIMARY KEY,
    out_trade_no TEXT NOT NULL REFERENCES wechat_orders (out_trade_no),
    code_url     TEXT UNIQUE,
    created_at   REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS wechat_refunds (
    out_refund_no TEXT PRIMARY KEY,
    refund_id     TEXT NOT NULL UNIQUE,
    out_trade_no  TEXT NOT NULL REFERENCES wechat_orders (out_trade_no),
    sub_mchid     TEXT NOT NULL,
    refund        INTEGER NOT NULL CHECK (refund > 0),
    payer_refund  INTEGER NOT NULL CHECK (payer_refund BETWEEN 0 AND refund),
    fee_back      INTEGER NOT NULL CHECK (fee_back >= 0),
    notify_url    TEXT,
    reason        TEXT,
    funds_account TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('PROCESSING', 'SUCCESS', 'CLOSED', 'ABNORMAL')),
    accepted_at   REAL NOT NULL,
    due_at        REAL NOT NULL,
    success_at    REAL
) STRICT;
CREATE INDEX IF NOT EXISTS wechat_refunds_due ON wechat_refunds (due_at) WHERE state = 'PROCESSING';
CREATE INDEX IF NOT EXISTS wechat_refunds_order ON wechat_refunds (out_trade_no);

CREATE TABLE IF NOT EXISTS wechat_lies (
    number TEXT PRIMARY KEY,
    amount INTEGER NOT NULL CHECK (amount >= 0)
) STRICT;

CREATE TABLE IF NOT EXISTS wechat_media (
    media_id   TEXT PRIMARY KEY,
    filename   TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    size       INTEGER NOT NULL CHECK (size > 0),
    created_at REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS wechat_applyments (
    applyment_id  INTEGER PRIMARY KEY,
    business_code TEXT NOT NULL UNIQUE,
    state         TEXT NOT NULL,
    shortname     TEXT NOT NULL,
    rate_bp       INTEGER NOT NULL,
    permissions   TEXT NOT NULL,
    confirm_first INTEGER NOT NULL CHECK (confirm_first IN (0, 1)),
    sub_mchid     TEXT UNIQUE,
    sign_token    TEXT NOT NULL UNIQUE,
    audit_detail  TEXT,
    changed_at    REAL NOT NULL
) STRICT;
"""
