"""The tables, as SQLAlchemy Core sees them. Migrations (store/migrations) make and change them; nothing else does.

Every name begins with ``daybreak_``, so that they can share a database with Airflow's.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from daybreak.sql.types import Instant, JsonTuple

VERSION_TABLE = "daybreak_alembic_version"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_BigId = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows by itself only in INTEGER columns

occurrence = Table(  # the history that Airflow deletes: one row per (pipeline or upstream, due instant)
    "daybreak_occurrence",
    metadata,
    Column("dedup_key", String(300), primary_key=True),
    Column("subject", String(200), nullable=False),
    Column("is_upstream", Boolean, nullable=False, default=False),
    Column("business_date", Date, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("opens_at", Instant, nullable=False),
    Column("closes_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(32)),
    Column("upstream", String(200)),  # the late upstream that was the reason
    Column("ready_at", Instant),
    Column("minutes_late", Integer),
    Column("run_id", String(250)),
    Column("waived", Text),
    Column("first_seen", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index(None, "subject", "business_date"),
    Index(None, "due_at"),
)

incident = Table(  # one row per dedup key, for its whole life; the columns of domain.incident.Incident
    "daybreak_incident",
    metadata,
    Column("dedup_key", String(300), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("subject", String(200)),
    Column("business_date", Date, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(32)),
    Column("opened_at", Instant, nullable=False),
    Column("group", JsonTuple, nullable=False),
    Column("upstream", String(200)),
    Column("priority", String(2), nullable=False),
    Column("escalation", String(200)),
    Column("paging_since", Instant),
    Column("steps_done", JsonTuple, nullable=False),
    Column("paged", JsonTuple, nullable=False),
    Column("told", JsonTuple, nullable=False),
    Column("on_call", String(200)),
    Column("acknowledged_at", Instant),
    Column("acknowledged_by", String(200)),
    Column("snoozed_until", Instant),
    Column("run_id", String(250)),
    Column("dag_id", String(250)),
    Column("member_of", String(300)),
    Column("resolved_at", Instant),
    Column("ready_at", Instant),
    Column("minutes_late", Integer),
    Column("silenced", Boolean, nullable=False, default=False),
    Index(None, "resolved_at"),
    Index(None, "subject", "business_date"),
)

delivery = Table(  # the outbox: written in one transaction with the incident, sent after
    "daybreak_delivery",
    metadata,
    Column("id", _BigId, primary_key=True, autoincrement=True),
    Column("key", String(400), nullable=False),  # idempotency: the same decision is never queued twice
    Column("dedup_key", String(300), nullable=False),
    Column("channel", String(16), nullable=False),  # opsgenie | slack
    Column("operation", String(32), nullable=False),
    Column("kind", String(16), nullable=False),  # page | notice | ticket | thread | resolve
    Column("event", String(32), nullable=False),
    Column("step", Integer),
    Column("subject", String(200)),
    Column("to", JsonTuple, nullable=False),
    Column("urgency", Integer, nullable=False),  # lower is sent first
    Column("payload", JSON, nullable=False),
    Column("state", String(16), nullable=False),  # pending | sent | failed | shadow | superseded
    Column("attempts", Integer, nullable=False, default=0),
    Column("created_at", Instant, nullable=False),
    Column("next_attempt_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("error", Text),
    Column("remote_id", String(200)),  # Opsgenie's request id, Slack's ts
    Column("fallback_of", _BigId, ForeignKey("daybreak_delivery.id", ondelete="SET NULL")),
    UniqueConstraint("key"),
    Index(None, "state", "next_attempt_at"),
    Index(None, "dedup_key"),
)

thread = Table(  # where in Slack the thread of a dedup key is
    "daybreak_thread",
    metadata,
    Column("dedup_key", String(300), primary_key=True),
    Column("channel", String(200), primary_key=True),  # as the registry names it
    Column("channel_id", String(64)),
    Column("ts", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
)

lease = Table(  # exactly one monitor acts; also tells when it last did
    "daybreak_lease",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(200), nullable=False),
    Column(
        "token", BigInteger, nullable=False
    ),  # rises with each change of holder: a stale holder's writes are refused
    Column("expires_at", Instant, nullable=False),
    Column("acquired_at", Instant, nullable=False),
    Column("ticked_at", Instant),  # the last tick that judged to its end
    Column("tick_seconds", Float),
    Column("note", Text),
)

shift = Table(  # who was on call, as it was seen then: registries are edited afterwards
    "daybreak_shift",
    metadata,
    Column("layer", String(100), primary_key=True),
    Column("start_at", Instant, primary_key=True),
    Column("end_at", Instant, nullable=False),
    Column("person", String(200), nullable=False),
    Column("reason", String(16), nullable=False),
    Column("reported_at", Instant),  # when the handoff report was queued
)

action = Table(  # what people did: ack, snooze, waive
    "daybreak_action",
    metadata,
    Column("id", _BigId, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("dedup_key", String(300), nullable=False),
    Column("action", String(16), nullable=False),
    Column("who", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Column("until", Instant),
    Column("applied_at", Instant),  # when the monitor, the only writer of incidents, took it up
    Index(None, "dedup_key"),
    Index(None, "applied_at"),
)

registry = Table(  # the last good registry, and what is wrong with the one in production now
    "daybreak_registry",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("loaded_at", Instant, nullable=False),
    Column("problem", Text),
    Column("problem_since", Instant),
)

pipeline_seen = Table(  # whatever was due before a pipeline was first in the registry is history only
    "daybreak_pipeline_seen",
    metadata,
    Column("pipeline", String(200), primary_key=True),
    Column("first_seen", Instant, nullable=False),
)

usual_duration = Table(  # median of the last 14 successes; recomputed only when a newer success is there
    "daybreak_usual_duration",
    metadata,
    Column("dag_id", String(250), primary_key=True),
    Column("seconds", Float),  # null: fewer than 5 successes
    Column("samples", Integer, nullable=False),
    Column("newest_end", Instant),
    Column("computed_at", Instant, nullable=False),
)

upstream_ready = Table(  # what probes saw, for upstreams whose readiness no run tells
    "daybreak_upstream_ready",
    metadata,
    Column("upstream", String(200), primary_key=True),
    Column("business_date", Date, primary_key=True),
    Column("ready_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
)
