"""Chains of delegation, principals whose first uses count, and levels that agents lost"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.types import JsonText, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two columns, their indexes and one table."""
    op.add_column("approvals", sa.Column("principal", sa.Text(), nullable=True))
    op.add_column("approvals", sa.Column("chain", JsonText(), nullable=True))
    _index("ix_approvals_uses", ["action", "agent_id"], "claimed_at IS NOT NULL")
    _index("ix_approvals_uses_for", ["action", "principal"], "claimed_at IS NOT NULL AND principal IS NOT NULL")
    op.create_table(
        "demotions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_demotions_agent_id")),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_demotions_approval_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demotions")),
        sa.UniqueConstraint("approval_id", name="uq_demotions_once"),
    )
    op.create_index("ix_demotions_agent_action", "demotions", ["agent_id", "action", "at"], unique=False)


def _index(name: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, "approvals", columns, unique=False, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )
