"""The tables as they were first: occurrences, incidents, the outbox, threads, the lease, and what helps them.

Revision: 0001, the first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from daybreak.sql.types import Instant, JsonTuple

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "daybreak_action",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", Instant(timezone=True), nullable=False),
        sa.Column("dedup_key", sa.String(length=300), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("until", Instant(timezone=True), nullable=True),
        sa.Column("applied_at", Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_daybreak_action")),
    )
    op.create_index(op.f("ix_daybreak_action_applied_at"), "daybreak_action", ["applied_at"], unique=False)
    op.create_index(op.f("ix_daybreak_action_dedup_key"), "daybreak_action", ["dedup_key"], unique=False)
    op.create_table(
        "daybreak_delivery",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=400), nullable=False),
        sa.Column("dedup_key", sa.String(length=300), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("operation", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("step", sa.Integer(), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("to", JsonTuple(), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(timezone=True), nullable=False),
        sa.Column("next_attempt_at", Instant(timezone=True), nullable=False),
        sa.Column("sent_at", Instant(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("remote_id", sa.String(length=200), nullable=True),
        sa.Column("fallback_of", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["fallback_of"],
            ["daybreak_delivery.id"],
            name=op.f("fk_daybreak_delivery_fallback_of"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_daybreak_delivery")),
        sa.UniqueConstraint("key", name=op.f("uq_daybreak_delivery_key")),
    )
    op.create_index(op.f("ix_daybreak_delivery_dedup_key"), "daybreak_delivery", ["dedup_key"], unique=False)
    op.create_index(
        op.f("ix_daybreak_delivery_state_next_attempt_at"),
        "daybreak_delivery",
        ["state", "next_attempt_at"],
        unique=False,
    )
    op.create_table(
        "daybreak_incident",
        sa.Column("dedup_key", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("due_at", Instant(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("opened_at", Instant(timezone=True), nullable=False),
        sa.Column("group", JsonTuple(), nullable=False),
        sa.Column("upstream", sa.String(length=200), nullable=True),
        sa.Column("priority", sa.String(length=2), nullable=False),
        sa.Column("escalation", sa.String(length=200), nullable=True),
        sa.Column("paging_since", Instant(timezone=True), nullable=True),
        sa.Column("steps_done", JsonTuple(), nullable=False),
        sa.Column("paged", JsonTuple(), nullable=False),
        sa.Column("told", JsonTuple(), nullable=False),
        sa.Column("on_call", sa.String(length=200), nullable=True),
        sa.Column("acknowledged_at", Instant(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=200), nullable=True),
        sa.Column("snoozed_until", Instant(timezone=True), nullable=True),
        sa.Column("run_id", sa.String(length=250), nullable=True),
        sa.Column("dag_id", sa.String(length=250), nullable=True),
        sa.Column("member_of", sa.String(length=300), nullable=True),
        sa.Column("resolved_at", Instant(timezone=True), nullable=True),
        sa.Column("ready_at", Instant(timezone=True), nullable=True),
        sa.Column("minutes_late", sa.Integer(), nullable=True),
        sa.Column("silenced", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("dedup_key", name=op.f("pk_daybreak_incident")),
    )
    op.create_index(op.f("ix_daybreak_incident_resolved_at"), "daybreak_incident", ["resolved_at"], unique=False)
    op.create_index(
        op.f("ix_daybreak_incident_subject_business_date"),
        "daybreak_incident",
        ["subject", "business_date"],
        unique=False,
    )
    op.create_table(
        "daybreak_lease",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=200), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", Instant(timezone=True), nullable=False),
        sa.Column("acquired_at", Instant(timezone=True), nullable=False),
        sa.Column("ticked_at", Instant(timezone=True), nullable=True),
        sa.Column("tick_seconds", sa.Float(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_daybreak_lease")),
    )
    op.create_table(
        "daybreak_occurrence",
        sa.Column("dedup_key", sa.String(length=300), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("is_upstream", sa.Boolean(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("due_at", Instant(timezone=True), nullable=False),
        sa.Column("opens_at", Instant(timezone=True), nullable=False),
        sa.Column("closes_at", Instant(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("upstream", sa.String(length=200), nullable=True),
        sa.Column("ready_at", Instant(timezone=True), nullable=True),
        sa.Column("minutes_late", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.String(length=250), nullable=True),
        sa.Column("waived", sa.Text(), nullable=True),
        sa.Column("first_seen", Instant(timezone=True), nullable=False),
        sa.Column("updated_at", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("dedup_key", name=op.f("pk_daybreak_occurrence")),
    )
    op.create_index(op.f("ix_daybreak_occurrence_due_at"), "daybreak_occurrence", ["due_at"], unique=False)
    op.create_index(
        op.f("ix_daybreak_occurrence_subject_business_date"),
        "daybreak_occurrence",
        ["subject", "business_date"],
        unique=False,
    )
    op.create_table(
        "daybreak_pipeline_seen",
        sa.Column("pipeline", sa.String(length=200), nullable=False),
        sa.Column("first_seen", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("pipeline", name=op.f("pk_daybreak_pipeline_seen")),
    )
    op.create_table(
        "daybreak_registry",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("loaded_at", Instant(timezone=True), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("problem_since", Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_daybreak_registry")),
    )
    op.create_table(
        "daybreak_shift",
        sa.Column("layer", sa.String(length=100), nullable=False),
        sa.Column("start_at", Instant(timezone=True), nullable=False),
        sa.Column("end_at", Instant(timezone=True), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("reported_at", Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("layer", "start_at", name=op.f("pk_daybreak_shift")),
    )
    op.create_table(
        "daybreak_thread",
        sa.Column("dedup_key", sa.String(length=300), nullable=False),
        sa.Column("channel", sa.String(length=200), nullable=False),
        sa.Column("channel_id", sa.String(length=64), nullable=True),
        sa.Column("ts", sa.String(length=64), nullable=False),
        sa.Column("created_at", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("dedup_key", "channel", name=op.f("pk_daybreak_thread")),
    )
    op.create_table(
        "daybreak_upstream_ready",
        sa.Column("upstream", sa.String(length=200), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("ready_at", Instant(timezone=True), nullable=False),
        sa.Column("seen_at", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("upstream", "business_date", name=op.f("pk_daybreak_upstream_ready")),
    )
    op.create_table(
        "daybreak_usual_duration",
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("newest_end", Instant(timezone=True), nullable=True),
        sa.Column("computed_at", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("dag_id", name=op.f("pk_daybreak_usual_duration")),
    )


def downgrade() -> None:
    op.drop_table("daybreak_usual_duration")
    op.drop_table("daybreak_upstream_ready")
    op.drop_table("daybreak_thread")
    op.drop_table("daybreak_shift")
    op.drop_table("daybreak_registry")
    op.drop_table("daybreak_pipeline_seen")
    op.drop_index(op.f("ix_daybreak_occurrence_subject_business_date"), table_name="daybreak_occurrence")
    op.drop_index(op.f("ix_daybreak_occurrence_due_at"), table_name="daybreak_occurrence")
    op.drop_table("daybreak_occurrence")
    op.drop_table("daybreak_lease")
    op.drop_index(op.f("ix_daybreak_incident_subject_business_date"), table_name="daybreak_incident")
    op.drop_index(op.f("ix_daybreak_incident_resolved_at"), table_name="daybreak_incident")
    op.drop_table("daybreak_incident")
    op.drop_index(op.f("ix_daybreak_delivery_state_next_attempt_at"), table_name="daybreak_delivery")
    op.drop_index(op.f("ix_daybreak_delivery_dedup_key"), table_name="daybreak_delivery")
    op.drop_table("daybreak_delivery")
    op.drop_index(op.f("ix_daybreak_action_applied_at"), table_name="daybreak_action")
    op.drop_index(op.f("ix_daybreak_action_dedup_key"), table_name="daybreak_action")
    op.drop_table("daybreak_action")
