"""The gateway's tables: what it has sent. `params` is a JSON list of the template's values, `sent_at` unix seconds."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS sms_messages (
    id          INTEGER PRIMARY KEY,
    serial_no   TEXT NOT NULL UNIQUE,
    phone       TEXT NOT NULL,
    template_id TEXT NOT NULL,
    params      TEXT NOT NULL,
    text        TEXT NOT NULL,
    sent_at     REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sms_messages_phone ON sms_messages (phone, id);
"""
