"""Every table, with every constraint and index named, so that a violation says which promise it kept."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from policies.lifecycle import State
from store.types import JsonText, UtcDateTime

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# SQLite only numbers rows by itself where the key is its own INTEGER.
_Serial = BigInteger().with_variant(Integer(), "sqlite")

agents = Table(
    "agents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    # A Slack user id, the name of the person it always acts for, and the agent it always acts under.
    Column("owner", Text),
    Column("principal", Text),
    Column("parent_id", Text, ForeignKey("agents.id")),
    UniqueConstraint("name"),
)

agent_tokens = Table(
    "agent_tokens",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("agent_id", Text, ForeignKey("agents.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("scopes", Text),
    Index("ix_agent_tokens_agent_id", "agent_id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("agent_id", Text, ForeignKey("agents.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("title", Text),
    Column("state", Text, nullable=False),
    Column("by", Text),
    Column("at", UtcDateTime, nullable=False),
    Column("beat_at", UtcDateTime, nullable=False),
    CheckConstraint("state IN ('running', 'paused', 'cancelled')", name="state"),
    # What people stopped of an agent, however many sessions it has.
    Index(
        "ix_sessions_stopped",
        "agent_id",
        "at",
        sqlite_where=text("state <> 'running'"),
        postgresql_where=text("state <> 'running'"),
    ),
)

switches = Table(
    "switches",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", JsonText),
    Column("by", Text),
    Column("at", UtcDateTime, nullable=False),
)

policy_versions = Table(
    "policy_versions",
    metadata,
    Column("version", Text, primary_key=True),
    Column("manifest", Text, nullable=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
)

_STATES = ", ".join(f"'{state}'" for state in State)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("agent_id", Text, ForeignKey("agents.id"), nullable=False),
    Column("agent", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("body_hash", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("session_id", Text),
    Column("principal", Text),
    Column("request", Text, nullable=False),
    Column("params", Text, nullable=False),
    Column("checkpoint", JsonText),
    Column("sentence", Text, nullable=False),
    Column("amount_micros", BigInteger),
    Column("aggregate_key", Text),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("level", Text),
    Column("route", Text, nullable=False),
    Column("why", JsonText, nullable=False),
    Column("chain", JsonText),
    Column("digest", Text, nullable=False),
    Column("policy", Text),
    Column("policy_version", Text, nullable=False),
    Column("assignee", Text),
    Column("assigned_at", UtcDateTime),
    Column("assigned_why", Text),
    Column("role", Text),
    Column("reached_roles", JsonText, nullable=False),
    Column("asked", JsonText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("clock_due_at", UtcDateTime),
    Column("clock_remind_at", UtcDateTime),
    Column("clock_expires_at", UtcDateTime),
    Column("clock_claim_by", UtcDateTime),
    Column("clock_paused_at", UtcDateTime),
    Column("clock_undo_until", UtcDateTime),
    Column("clock_roll_back_by", UtcDateTime),
    Column("clock_review_by", UtcDateTime),
    Column("clock_hush_until", UtcDateTime),
    Column("clock_reminders", Integer),
    Column("wake_at", UtcDateTime),
    Column("info_request", JsonText),
    Column("exchange", JsonText, nullable=False),
    Column("decision", JsonText),
    Column("decided_by", Text),
    Column("decided_at", UtcDateTime),
    Column("claimed_at", UtcDateTime),
    Column("nonce_hash", Text),
    Column("finished_at", UtcDateTime),
    Column("outcome_detail", Text),
    Column("undo", JsonText),
    Column("undone_at", UtcDateTime),
    Column("reverted_at", UtcDateTime),
    Column("breached_at", UtcDateTime),
    Column("review", JsonText),
    Column("reviewer", Text),
    Column("named", Text),
    Column("principals", JsonText),
    Column("owner", Text),
    Column("edits", JsonText),
    Column("seats", JsonText),
    Column("lacking", Text),
    Column("asked_as", Text),
    Column("again", JsonText),
    Column("step", Text),
    Column("standing", Text),
    Column("trace", Text),
    # When its parameters and texts went, by their age.
    Column("removed_at", UtcDateTime),
    # A test of its reviewer: it waits, then it is over, and nothing of it is ever granted.
    Column("planted", JsonText),
    UniqueConstraint("agent_id", "idempotency_key", name="uq_approvals_idempotency"),
    CheckConstraint(f"state IN ({_STATES})", name="state"),
    CheckConstraint("planted IS NULL OR state IN ('pending', 'cancelled')", name="planted"),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint("route IN ('auto', 'ask', 'deny', 'block')", name="route"),
    # What the sweep looks at: with nothing due it reads one index page, whatever the table's size.
    Index(
        "ix_approvals_wake",
        "wake_at",
        sqlite_where=text("wake_at IS NOT NULL"),
        postgresql_where=text("wake_at IS NOT NULL"),
    ),
    Index(
        "ix_approvals_open_by_assignee",
        "assignee",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "ix_approvals_open_by_agent",
        "agent_id",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index("ix_approvals_assigned", "assignee", "assigned_at"),
    Index("ix_approvals_agent_created", "agent_id", "created_at"),
    Index(
        "ix_approvals_failures",
        "agent_id",
        "finished_at",
        sqlite_where=text("state = 'failed'"),
        postgresql_where=text("state = 'failed'"),
    ),
    # What was claimed and never reported counts as failed.
    Index(
        "ix_approvals_silent",
        "agent_id",
        "finished_at",
        sqlite_where=text("state = 'outcome_unknown'"),
        postgresql_where=text("state = 'outcome_unknown'"),
    ),
    Index(
        "ix_approvals_aggregate",
        "agent_id",
        "action",
        "aggregate_key",
        "created_at",
        sqlite_where=text("amount_micros IS NOT NULL"),
        postgresql_where=text("amount_micros IS NOT NULL"),
    ),
    # What belongs into a sum, and nobody could read: while it is there, the sum is not known.
    Index(
        "ix_approvals_unread",
        "agent_id",
        "action",
        "created_at",
        sqlite_where=text("aggregate_key IS NOT NULL AND amount_micros IS NULL"),
        postgresql_where=text("aggregate_key IS NOT NULL AND amount_micros IS NULL"),
    ),
    # How often each action ran.
    Index(
        "ix_approvals_ran",
        "action",
        "created_at",
        sqlite_where=text("claimed_at IS NOT NULL"),
        postgresql_where=text("claimed_at IS NOT NULL"),
    ),
    # First uses: what was claimed, by action, agent and principal.
    Index(
        "ix_approvals_uses",
        "action",
        "agent_id",
        sqlite_where=text("claimed_at IS NOT NULL"),
        postgresql_where=text("claimed_at IS NOT NULL"),
    ),
    Index(
        "ix_approvals_uses_for",
        "action",
        "principal",
        sqlite_where=text("claimed_at IS NOT NULL AND principal IS NOT NULL"),
        postgresql_where=text("claimed_at IS NOT NULL AND principal IS NOT NULL"),
    ),
    Index("ix_approvals_session", "session_id", "created_at"),
    # What an agent was asked to roll back.
    Index(
        "ix_approvals_undone",
        "agent_id",
        "created_at",
        sqlite_where=text("undone_at IS NOT NULL"),
        postgresql_where=text("undone_at IS NOT NULL"),
    ),
    Index(
        "ix_approvals_reviewer",
        "reviewer",
        sqlite_where=text("reviewer IS NOT NULL"),
        postgresql_where=text("reviewer IS NOT NULL"),
    ),
    # What a person does by hand now: the rest of that session only reads meanwhile (docs/rules.md: C4).
    Index(
        "ix_approvals_taken_over",
        "agent_id",
        "session_id",
        sqlite_where=text("state = 'taken_over'"),
        postgresql_where=text("state = 'taken_over'"),
    ),
    Index("ix_approvals_decided", "decided_by", "decided_at"),
    # Whether the same was asked before, and what came to nothing of late.
    Index(
        "ix_approvals_asked_as",
        "asked_as",
        "agent_id",
        sqlite_where=text("asked_as IS NOT NULL"),
        postgresql_where=text("asked_as IS NOT NULL"),
    ),
    Index(
        "ix_approvals_refused",
        "agent_id",
        "updated_at",
        sqlite_where=text("state IN ('rejected', 'cancelled')"),
        postgresql_where=text("state IN ('rejected', 'cancelled')"),
    ),
    # What a standing approval let run.
    Index(
        "ix_approvals_standing",
        "standing",
        "created_at",
        sqlite_where=text("standing IS NOT NULL"),
        postgresql_where=text("standing IS NOT NULL"),
    ),
    # What a card remembers: requests for the same target, and how people decided of late.
    Index(
        "ix_approvals_target",
        "action",
        "aggregate_key",
        "created_at",
        sqlite_where=text("aggregate_key IS NOT NULL"),
        postgresql_where=text("aggregate_key IS NOT NULL"),
    ),
    Index(
        "ix_approvals_by_people",
        "action",
        "decided_at",
        sqlite_where=text("decided_by IS NOT NULL AND decided_by <> 'policy'"),
        postgresql_where=text("decided_by IS NOT NULL AND decided_by <> 'policy'"),
    ),
    # What still has its texts, by age.
    Index(
        "ix_approvals_with_texts",
        "created_at",
        sqlite_where=text("removed_at IS NULL"),
        postgresql_where=text("removed_at IS NULL"),
    ),
    # Tests of reviewers: few among very many.
    Index(
        "ix_approvals_planted",
        "action",
        "created_at",
        sqlite_where=text("planted IS NOT NULL"),
        postgresql_where=text("planted IS NOT NULL"),
    ),
    Index(
        "ix_approvals_tests",
        "assignee",
        sqlite_where=text("planted IS NOT NULL"),
        postgresql_where=text("planted IS NOT NULL"),
    ),
    # What the figures of the last days are counted from.
    Index("ix_approvals_created", "created_at", "route"),
    Index(
        "ix_approvals_breached",
        "breached_at",
        sqlite_where=text("breached_at IS NOT NULL"),
        postgresql_where=text("breached_at IS NOT NULL"),
    ),
)

# One row for each thing a person did to an approval; the constraint makes a second tap the recorded answer.
decisions = Table(
    "decisions",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("approval_id", Text, ForeignKey("approvals.id"), nullable=False),
    Column("digest", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("note", Text),
    Column("at", UtcDateTime, nullable=False),
    Column("latency_ms", BigInteger, nullable=False),
    Column("choice", Text),
    Column("answer", Text),
    UniqueConstraint("approval_id", "digest", "by", name="uq_decisions_once_each"),
    Index("ix_decisions_by_at", "by", "at"),
    Index("ix_decisions_at", "at"),
)

# What somebody wrote in a card's thread in place of a text that no form holds: it counts once they confirm it.
replies = Table(
    "replies",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("approval_id", Text, ForeignKey("approvals.id"), nullable=False),
    Column("digest", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", JsonText, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("source", name="uq_replies_source"),
    Index("ix_replies_approval", "approval_id"),
)

# To whom the hidden values of an approval were shown: of which digest, and `seal` names what was hidden then.
disclosures = Table(
    "disclosures",
    metadata,
    Column("approval_id", Text, ForeignKey("approvals.id"), primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("seal", Text, primary_key=True),
    Column("by", Text, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

# When somebody opened a request, the last time before they decided it.
looks = Table(
    "looks",
    metadata,
    Column("approval_id", Text, ForeignKey("approvals.id"), primary_key=True),
    Column("by", Text, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

# Signed requests of Slack's that were heard, of those that count once; kept for as long as a signature counts.
received = Table(
    "received",
    metadata,
    Column("signature", Text, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_received_at", "at"),
)

# One yes for many: given with an approval, and changed once, when it ends. Its uses are the approvals that name it.
standings = Table(
    "standings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("approval_id", Text, ForeignKey("approvals.id"), nullable=False),
    Column("agent_id", Text, ForeignKey("agents.id"), nullable=False),
    Column("action", Text, nullable=False),
    Column("terms", JsonText, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_by", Text),
    Column("ended_why", Text),
    UniqueConstraint("approval_id", name="uq_standings_approval"),
    Index(
        "ix_standings_open",
        "agent_id",
        "action",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

labels = Table(
    "labels",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("approval_id", Text, ForeignKey("approvals.id"), nullable=False),
    Column("label", Text, nullable=False),
    Column("detail", Text),
    Column("by", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("approval_id", "label", "by", name="uq_labels_once"),
    CheckConstraint("label IN ('correct', 'incident', 'reverted')", name="label"),
    # What went wrong, which is seldom, among all that went right.
    Index(
        "ix_labels_wrong",
        "id",
        sqlite_where=text("label <> 'correct'"),
        postgresql_where=text("label <> 'correct'"),
    ),
)

# Further keys under which an agent asked for an approval that was open already: each finds it ever after.
approval_keys = Table(
    "approval_keys",
    metadata,
    Column("agent_id", Text, ForeignKey("agents.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("approval_id", Text, ForeignKey("approvals.id"), nullable=False),
    Column("body_hash", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# What counts in an agent's limits beside its approvals: refused requests, new sessions, what is large, what is urgent.
# `units` count in the minute; rows older than an hour are deleted with the agent's next one.
attempts = Table(
    "attempts",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("agent_id", Text, ForeignKey("agents.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("units", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    CheckConstraint("units >= 0", name="units"),
    Index("ix_attempts_agent_at", "agent_id", "at"),
)

# A level that an agent lost an action to (docs/rules.md: F7). Rows are added and never changed.
demotions = Table(
    "demotions",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("agent_id", Text, ForeignKey("agents.id"), nullable=False),
    Column("action", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("approval_id", Text, ForeignKey("approvals.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("approval_id", name="uq_demotions_once"),
    Index("ix_demotions_agent_action", "agent_id", "action", "at"),
)

# Who stands above a delegated request: what it spends counts for each of them (docs/rules.md: E6).
delegations = Table(
    "delegations",
    metadata,
    Column("approval_id", Text, ForeignKey("approvals.id"), primary_key=True),
    Column("agent_id", Text, ForeignKey("agents.id"), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_delegations_agent", "agent_id", "at"),
)

# Whom the agent of an approval named to act under it: its word, without which nobody does.
delegates = Table(
    "delegates",
    metadata,
    Column("approval_id", Text, ForeignKey("approvals.id"), primary_key=True),
    Column("agent_id", Text, ForeignKey("agents.id"), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

# What Slack should show. A row says "this card should show revision N", never a rendered body. A card without an approval
# is a screen: it shows the cards whose `screen_id` it is, and those are never sent themselves. `alike` names what
# may share a batch, of a card or a screen, until it is full or touched; `risk` is what a card may share a digest with.
outbox = Table(
    "outbox",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("dedupe_key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("approval_id", Text, ForeignKey("approvals.id")),
    Column("channel", Text, nullable=False),
    Column("thread_of", Text),
    Column("facts", JsonText, nullable=False),
    Column("face", Text, nullable=False, server_default="live"),
    Column("urgency", Integer, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("shown", Integer, nullable=False, server_default="0"),
    Column("slack_channel", Text),
    Column("slack_ts", Text),
    Column("permalink", Text),
    Column("unsure", Boolean, nullable=False, server_default=text("false")),
    Column("redraws", Integer, nullable=False, server_default=text("0")),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", UtcDateTime),
    Column("lease", Text),
    Column("last_error", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("screen_id", _Serial, ForeignKey("outbox.id")),
    Column("alike", Text),
    Column("risk", Text),
    # The thread that it stands in, or is about to; its own where nothing goes under it any more.
    Column("thread_ts", Text),
    # What an alarm is about, while that lasts.
    Column("cause", Text),
    UniqueConstraint("dedupe_key", name="uq_outbox_dedupe"),
    CheckConstraint("kind IN ('card', 'notice')", name="kind"),
    CheckConstraint("face IN ('live', 'moved')", name="face"),
    CheckConstraint("shown <= wanted", name="shown"),
    Index(
        "ix_outbox_next",
        "next_at",
        sqlite_where=text("next_at IS NOT NULL"),
        postgresql_where=text("next_at IS NOT NULL"),
    ),
    Index("ix_outbox_approval", "approval_id"),
    Index(
        "ix_outbox_screen",
        "screen_id",
        sqlite_where=text("screen_id IS NOT NULL"),
        postgresql_where=text("screen_id IS NOT NULL"),
    ),
    Index(
        "ix_outbox_alike",
        "alike",
        "channel",
        "id",
        sqlite_where=text("alike IS NOT NULL"),
        postgresql_where=text("alike IS NOT NULL"),
    ),
    Index(
        "ix_outbox_cause",
        "cause",
        sqlite_where=text("cause IS NOT NULL"),
        postgresql_where=text("cause IS NOT NULL"),
    ),
)

# What an agent's callback address was told, and wants to be told: "approval X is now version N, look" (docs/rules.md: B3).
callbacks = Table(
    "callbacks",
    metadata,
    Column("approval_id", Text, ForeignKey("approvals.id"), primary_key=True),
    Column("url", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("told", Integer, nullable=False, server_default="0"),
    Column("since", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", UtcDateTime),
    Column("lease", Text),
    Column("last_error", Text),
    CheckConstraint("told <= wanted", name="told"),
    Index(
        "ix_callbacks_next",
        "next_at",
        sqlite_where=text("next_at IS NOT NULL"),
        postgresql_where=text("next_at IS NOT NULL"),
    ),
)

# Append-only and hash-chained; triggers refuse any update or delete.
audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("approval_id", Text),
    Column("session_id", Text),
    Column("line", Text, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    # What agents and people wrote, of which the line holds the sums: the one thing that may go, by its age (retention.py).
    Column("texts", Text),
    UniqueConstraint("prev_hash", name="uq_audit_prev_hash"),
    Index("ix_audit_approval", "approval_id"),
    Index("ix_audit_session", "session_id"),
)

# The last good copy of what Slack says of people and user groups.
people = Table(
    "people",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("facts", JsonText, nullable=False),
    Column("fetched_at", UtcDateTime, nullable=False),
)

usergroups = Table(
    "usergroups",
    metadata,
    Column("id", Text, primary_key=True),
    Column("members", JsonText, nullable=False),
    Column("fetched_at", UtcDateTime, nullable=False),
)

absences = Table(
    "absences",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    Column("delegate", Text),
)

# When those who have a budget an hour were notified of a card.
asks = Table(
    "asks",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("user_id", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_asks_user_at", "user_id", "at"),
)

# The last local day on which somebody was told in the morning what waits for them, or nothing waited.
mornings = Table(
    "mornings",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("day", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# Who was written to while Slack did not show what waits: the messages of which the last letter told.
mails = Table(
    "mails",
    metadata,
    Column("reader", Text, primary_key=True),
    Column("told", JsonText, nullable=False),
    Column("at", UtcDateTime),
    Column("lease", Text),
    Column("leased_until", UtcDateTime),
)

# Which approval stands for which call of a host such as Claude Code: a step keeps its approval whatever id its call has.
host_calls = Table(
    "host_calls",
    metadata,
    Column("approval_id", Text, ForeignKey("approvals.id"), primary_key=True),
    Column("agent_id", Text, ForeignKey("agents.id"), nullable=False),
    Column("session_id", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    # The host's ids of the calls that asked and that hold the grant, with the nonce of its claim.
    Column("made_by", Text, nullable=False),
    Column("claimed_by", Text),
    Column("nonce", Text),
    Column("permitted", Boolean, nullable=False, server_default=false()),
    Column("deferred_at", UtcDateTime),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("agent_id", "step", "attempt"),
    Index("ix_host_calls_session", "agent_id", "session_id"),
)
