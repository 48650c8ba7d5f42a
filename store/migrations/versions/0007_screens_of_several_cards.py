"""Screens: several waiting cards shown by one message"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NAME = "fk_outbox_screen_id"


def upgrade() -> None:
    """Add three columns and an index."""
    if op.get_bind().dialect.name == "sqlite":
        # SQLite takes a foreign key only together with its column.
        op.execute(f"ALTER TABLE outbox ADD COLUMN screen_id INTEGER CONSTRAINT {_NAME} REFERENCES outbox (id)")
    else:
        op.add_column("outbox", sa.Column("screen_id", sa.BigInteger(), nullable=True))
        op.create_foreign_key(op.f(_NAME), "outbox", "outbox", ["screen_id"], ["id"])
    op.add_column("outbox", sa.Column("alike", sa.Text(), nullable=True))
    op.add_column("outbox", sa.Column("risk", sa.Text(), nullable=True))
    where = sa.text("screen_id IS NOT NULL")
    op.create_index(
        "ix_outbox_screen", "outbox", ["screen_id"], unique=False, sqlite_where=where, postgresql_where=where
    )
