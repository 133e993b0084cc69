"""The tables of the WeChat side. Amounts are integer fen, times are Unix seconds."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS wechat_merchants (
    sub_mchid     TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    business_code TEXT UNIQUE,
    rate_bp       INTEGER NOT NULL CHECK (rate_bp BETWEEN 0 AND 10000),
    permissions   TEXT NOT NULL,
    subject       TEXT NOT NULL DEFAULT 'INDIVIDUAL',
    opened_at     REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS wechat_products (
    name TEXT PRIMARY KEY,
    open INTEGER NOT NULL CHECK (open IN (0, 1))
) STRICT;

CREATE TABLE IF NOT EXISTS wechat_openids (
    openid    TEXT PRIMARY KEY,
    appid     TEXT NOT NULL,
    payer     TEXT NOT NULL,
    cancelled INTEGER NOT NULL DEFAULT 0 CHECK (cancelled IN (0, 1)),
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
    trade_type     TEXT NOT NULL CHECK (trade_type IN ('JSAPI', 'NATIVE', 'MWEB')),
    static_code    TEXT REFERENCES wechat_static_codes (text),
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
    promotions     TEXT NOT NULL DEFAULT '[]',
    bank_type      TEXT NOT NULL DEFAULT 'OTHERS',
    paid_at        REAL,
    fee            INTEGER CHECK (fee BETWEEN 0 AND total),
    refunded       INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND total),
    CHECK ((state IN ('SUCCESS', 'REFUND')) = (transaction_id IS NOT NULL AND paid_at IS NOT NULL AND fee IS NOT NULL))
) STRICT;
CREATE INDEX IF NOT EXISTS wechat_orders_paid ON wechat_orders (paid_at) WHERE paid_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS wechat_orders_merchant ON wechat_orders (sub_mchid, paid_at) WHERE paid_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS wechat_static_codes (
    text      TEXT PRIMARY KEY,
    sub_mchid TEXT NOT NULL REFERENCES wechat_merchants (sub_mchid),
    opened_at REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS wechat_prepays (
    prepay_id    TEXT PRIMARY KEY,
    out_trade_no TEXT NOT NULL REFERENCES wechat_orders (out_trade_no),
    code_url     TEXT UNIQUE,
    package      TEXT,
    created_at   REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS wechat_refunds (
    out_refund_no TEXT PRIMARY KEY,
    refund_id     TEXT NOT NULL UNIQUE,
    out_trade_no  TEXT NOT NULL REFERENCES wechat_orders (out_trade_no),
    sub_mchid     TEXT NOT NULL,
    refund        INTEGER NOT NULL CHECK (refund > 0),
    payer_refund  INTEGER NOT NULL CHECK (payer_refund BETWEEN 0 AND refund),
    promotions    TEXT NOT NULL DEFAULT '[]',
    fee_back      INTEGER NOT NULL CHECK (fee_back >= 0),
    notify_url    TEXT,
    reason        TEXT,
    funds_account TEXT NOT NULL,
    sources       TEXT,
    channel       TEXT NOT NULL DEFAULT 'ORIGINAL',
    received_by   TEXT NOT NULL DEFAULT '支付用户零钱',
    state         TEXT NOT NULL CHECK (state IN ('PROCESSING', 'SUCCESS', 'CLOSED', 'ABNORMAL')),
    accepted_at   REAL NOT NULL,
    due_at        REAL NOT NULL,
    abnormal_at   REAL,
    success_at    REAL,
    closed_at     REAL
) STRICT;
CREATE INDEX IF NOT EXISTS wechat_refunds_accepted ON wechat_refunds (accepted_at);
CREATE INDEX IF NOT EXISTS wechat_refunds_merchant ON wechat_refunds (sub_mchid, accepted_at);
CREATE INDEX IF NOT EXISTS wechat_refunds_closed ON wechat_refunds (sub_mchid, closed_at) WHERE closed_at IS NOT NULL;
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
    subject       TEXT NOT NULL,
    account       TEXT NOT NULL,
    confirm_first INTEGER NOT NULL CHECK (confirm_first IN (0, 1)),
    sub_mchid     TEXT UNIQUE,
    sign_token    TEXT NOT NULL UNIQUE,
    audit_detail  TEXT,
    changed_at    REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS wechat_accounts (
    sub_mchid      TEXT PRIMARY KEY REFERENCES wechat_merchants (sub_mchid),
    account_type   TEXT NOT NULL CHECK (account_type IN ('ACCOUNT_TYPE_BUSINESS', 'ACCOUNT_TYPE_PRIVATE')),
    account_bank   TEXT NOT NULL,
    bank_name      TEXT,
    bank_branch_id TEXT,
    number_masked  TEXT NOT NULL,
    name_masked    TEXT NOT NULL,
    name_digest    TEXT NOT NULL,
    verify_result  TEXT NOT NULL,
    fail_reason    TEXT
) STRICT;

CREATE TABLE IF NOT EXISTS wechat_account_changes (
    application_no TEXT PRIMARY KEY,
    sub_mchid      TEXT NOT NULL REFERENCES wechat_merchants (sub_mchid),
    account        TEXT NOT NULL,
    fails          INTEGER NOT NULL CHECK (fails IN (0, 1)),
    state          TEXT NOT NULL CHECK (state IN ('AUDITING', 'AUDIT_SUCCESS', 'AUDIT_FAIL')),
    asked_at       REAL NOT NULL,
    finished_at    REAL
) STRICT;

CREATE TABLE IF NOT EXISTS wechat_withdrawals (
    sub_mchid TEXT NOT NULL REFERENCES wechat_merchants (sub_mchid),
    day       TEXT NOT NULL,
    number    TEXT NOT NULL UNIQUE,
    amount    INTEGER NOT NULL CHECK (amount > 0),
    account   TEXT NOT NULL,
    at        REAL NOT NULL,
    PRIMARY KEY (sub_mchid, day)
) STRICT;

CREATE TABLE IF NOT EXISTS wechat_settled_days (
    day TEXT PRIMARY KEY
) STRICT;

CREATE TABLE IF NOT EXISTS wechat_bill_files (
    token   TEXT PRIMARY KEY,
    mchid   TEXT NOT NULL,
    wish    TEXT NOT NULL,
    made_at REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS wechat_funds (
    id       INTEGER PRIMARY KEY,
    account  TEXT NOT NULL CHECK (account IN ('BASIC', 'OPERATION', 'FEES')),
    at       REAL NOT NULL,
    business TEXT NOT NULL,
    flow     TEXT NOT NULL UNIQUE,
    name     TEXT NOT NULL,
    kind     TEXT NOT NULL,
    amount   INTEGER NOT NULL CHECK (amount <> 0),
    balance  INTEGER NOT NULL CHECK (balance >= 0),
    asked_by TEXT NOT NULL,
    remark   TEXT NOT NULL,
    voucher  TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS wechat_funds_account ON wechat_funds (account, at);

CREATE TABLE IF NOT EXISTS wechat_transfers (
    out_bill_no      TEXT PRIMARY KEY,
    transfer_bill_no TEXT NOT NULL UNIQUE,
    package_info     TEXT NOT NULL UNIQUE,
    request          TEXT NOT NULL,
    appid            TEXT NOT NULL,
    scene            TEXT NOT NULL,
    openid           TEXT NOT NULL REFERENCES wechat_openids (openid),
    amount           INTEGER NOT NULL CHECK (amount > 0),
    remark           TEXT NOT NULL,
    shown_as         TEXT NOT NULL,
    notify_url       TEXT,
    state            TEXT NOT NULL
        CHECK (state IN ('WAIT_USER_CONFIRM', 'SUCCESS', 'FAIL', 'CANCELING', 'CANCELLED')),
    fail_reason      TEXT,
    created_at       REAL NOT NULL,
    expires_at       REAL NOT NULL,
    updated_at       REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS wechat_transfers_open ON wechat_transfers (state)
    WHERE state IN ('WAIT_USER_CONFIRM', 'CANCELING');
CREATE INDEX IF NOT EXISTS wechat_transfers_openid ON wechat_transfers (openid, created_at);
"""
