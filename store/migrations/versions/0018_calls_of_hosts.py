"""Which approval stands for which call of a host"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.types import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table."""
    op.create_table(
        "host_calls",
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("permitted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("deferred_at", UtcDateTime(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_host_calls_agent_id")),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_host_calls_approval_id")),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("pk_host_calls")),
        sa.UniqueConstraint("agent_id", "step", "attempt", name=op.f("uq_host_calls_agent_id_step_attempt")),
    )
    op.create_index("ix_host_calls_session", "host_calls", ["agent_id", "session_id"])
