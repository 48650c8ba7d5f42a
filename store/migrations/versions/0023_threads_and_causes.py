"""Messages in a thread of their session, and alarms that end with what caused them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what is in Slack already is in no thread, and its alarms stay as they are."""
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(sa.Column("thread_ts", sa.Text))
        outbox.add_column(sa.Column("cause", sa.Text))
    lasting = sa.text("cause IS NOT NULL")
    op.create_index(
        "ix_outbox_cause", "outbox", ["cause"], unique=False, sqlite_where=lasting, postgresql_where=lasting
    )
