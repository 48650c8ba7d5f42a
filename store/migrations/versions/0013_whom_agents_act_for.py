"""Who answers for an agent, whom it acts for and under whom, and whom a request is for"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.types import JsonText, UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_NAME = "fk_agents_parent_id"


def upgrade() -> None:
    """Add five columns and a table."""
    op.add_column("agents", sa.Column("owner", sa.Text(), nullable=True))
    op.add_column("agents", sa.Column("principal", sa.Text(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        # SQLite takes a foreign key only together with its column.
        op.execute(f"ALTER TABLE agents ADD COLUMN parent_id TEXT CONSTRAINT {_NAME} REFERENCES agents (id)")
    else:
        op.add_column("agents", sa.Column("parent_id", sa.Text(), nullable=True))
        op.create_foreign_key(op.f(_NAME), "agents", "agents", ["parent_id"], ["id"])
    op.add_column("approvals", sa.Column("principals", JsonText(), nullable=True))
    op.add_column("approvals", sa.Column("owner", sa.Text(), nullable=True))
    op.create_table(
        "delegates",
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_delegates_agent_id")),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_delegates_approval_id")),
        sa.PrimaryKeyConstraint("approval_id", "agent_id", name=op.f("pk_delegates")),
    )
