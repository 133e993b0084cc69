"""Bills, their differences and their sums: the platform's own, out of reach of what serves merchants."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_BILL = ("acquirer", "day", "kind", "sub_merchant_no")


def _bill() -> tuple[sa.Column, ...]:
    return (
        sa.Column("acquirer", sa.String(16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("sub_merchant_no", sa.String(32), nullable=False),
    )


def _of_batch(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(list(_BILL), [f"bill_batches.{n}" for n in _BILL], name=op.f(f"fk_{table}_batch"))


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    _batches()
    _items()
    op.create_table(
        "bill_totals",
        *_bill(),
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("wallet", sa.String(16), nullable=False),
        *(
            sa.Column(n, sa.BigInteger(), nullable=False)
            for n in ("bill_lines", "bill_amount", "our_amount", "matched")
        ),
        sa.PrimaryKeyConstraint(*_BILL, "merchant_id", "wallet", name=op.f("pk_bill_totals")),
        _of_batch("bill_totals"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON bill_batches, bill_items TO portal_staff")
    op.execute("GRANT SELECT, INSERT, DELETE ON bill_totals TO portal_staff")
    op.execute("GRANT SELECT ON bill_batches, bill_items, bill_totals TO portal_ro")


def _batches() -> None:
    table = "bill_batches"
    states = "'awaiting_bill', 'parsed', 'compared', 'balanced', 'unbalanced', 'closed'"
    answers = "'', 'ready', 'not_ready', 'empty', 'not_permitted', 'failed', 'unreadable'"
    op.create_table(
        table,
        *_bill(),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("answer", sa.String(16), nullable=False),
        sa.Column("trouble", sa.String(200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("progress", sa.SmallInteger()),
        *(sa.Column(n, _MOMENT) for n in ("progress_at", "asked_at", "parsed_at", "compared_at", "closed_at")),
        sa.PrimaryKeyConstraint(*_BILL, name=op.f("pk_bill_batches")),
        _check(table, "state_known", f"state IN ({states})"),
        _check(table, "answer_known", f"answer IN ({answers})"),
        _check(table, "acquirer_known", "acquirer IN ('wechat', 'jdpay')"),
        _check(table, "kind_known", "kind IN ('trades', 'funds', 'merchant_funds')"),
        _check(table, "progress_is_per_cent", "progress BETWEEN 0 AND 100"),
    )


def _items() -> None:
    table = "bill_items"
    states = "'matched', 'mismatched', 'local_only', 'channel_only', 'on_hold', 'resolved', 'ignored'"
    op.create_table(
        table,
        sa.Column("item_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *_bill(),
        sa.Column("sort", sa.String(8), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("merchant_no", sa.String(64), nullable=False),
        *(sa.Column(n, sa.String(16), nullable=False) for n in ("difference", "state")),
        sa.Column("merchant_id", sa.BigInteger()),
        *(sa.Column(n, sa.String(16), nullable=False) for n in ("wallet", "bill_wallet")),
        *(sa.Column(n, sa.String(64), nullable=False) for n in ("order_no", "transaction_no")),
        sa.Column("line", sa.BigInteger()),
        sa.Column("at", _MOMENT, nullable=False),
        *(sa.Column(n, sa.BigInteger()) for n in ("bill_amount", "our_amount")),
        *(sa.Column(n, sa.String(20), nullable=False) for n in ("bill_state", "our_state")),
        *(sa.Column(n, _MOMENT, nullable=False) for n in ("found_at", "seen_at")),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("hold_until", sa.Date()),
        sa.Column("decided_by", sa.String(60), nullable=False),
        sa.Column("decided_at", _MOMENT),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_bill_items")),
        sa.UniqueConstraint(*_BILL, "sort", "number", "merchant_no", "difference", name=op.f("uq_bill_items_once")),
        _of_batch(table),
        _check(table, "state_known", f"state IN ({states})"),
        _check(
            table, "difference_known", "difference IN ('amount', 'status', 'local_only', 'channel_only', 'duplicate')"
        ),
        _check(table, "sort_known", "sort IN ('payment', 'refund')"),
        _check(table, "one_side_at_least", "bill_amount IS NOT NULL OR our_amount IS NOT NULL"),
        _check(
            table,
            "decisions_have_reasons",
            "state NOT IN ('ignored', 'on_hold') OR (length(reason) >= 4 AND decided_at IS NOT NULL)",
        ),
    )


def downgrade() -> None:
    for table in ("bill_totals", "bill_items", "bill_batches"):
        op.drop_table(table)
