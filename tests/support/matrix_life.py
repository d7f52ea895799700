"""One Airflow in which the matrix's pipelines have been set going, and what is asked of Daybreak about each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Select, select

from daybreak.demo.sandbox_view import Alert, Message
from daybreak.sql.database import open_engine, reading
from daybreak.store.schema import delivery, occurrence
from tests.support import matrix
from tests.support.matrix import owner_of, turn
from tests.support.whole_airflow import WholeAirflow

T = TypeVar("T")
SETTINGS = {"CORE__DAGS_ARE_PAUSED_AT_CREATION": "False", "SCHEDULER__PARSING_CLEANUP_INTERVAL": "5"}
CALLBACK, MONITOR = "Daybreak callback: dag failure", "Daybreak monitor"


@dataclass(kw_only=True)
class Matrix:
    """An Airflow in which everything has been set going."""

    up: WholeAirflow
    knobs: Path
    due: datetime
    runs: dict[str, str]  # dag → the run that matters

    def turn(self, dag: str, what: str) -> None:
        turn(self.knobs, dag, what)

    def start(self, dag: str, what: str = "succeed", **more: Any) -> str:
        self.turn(dag, what)
        self.runs[dag] = self.insist(lambda: self.up.api.run_now(dag, **more))
        return self.runs[dag]

    def insist(self, call: Callable[[], T]) -> T:
        """The answer of ``call``, made until Airflow takes it: on SQLite it refuses what comes while another writes."""
        return self.up.wait_for(lambda: (call(),), "Airflow takes a call")[0]

    def mark(self, dag: str, run: str, state: str) -> None:
        self.insist(lambda: self.up.api.mark(dag, run, state))

    def recorded(self, pipeline: str) -> Any:
        """Its row in Daybreak's own history, today's."""
        rows = self._rows(select(occurrence).where(occurrence.c.subject == pipeline))
        assert len(rows) <= 1
        return rows[0] if rows else None

    def _rows(self, statement: Select[Any]) -> list[Any]:
        engine = open_engine(self.up.database_url)
        try:
            with reading(engine) as connection:
                return list(connection.execute(statement))
        finally:
            engine.dispose()

    def becomes(self, pipeline: str, state: str, reason: str | None) -> Any:
        """Wait until it is recorded so. → the row."""

        def so() -> Any:
            row = self.recorded(pipeline)
            return row if row is not None and (row.state, row.reason) == (state, reason) else None

        return self.up.wait_for(so, f"{pipeline} {state} {reason}, and not {self.recorded(pipeline)}", 150)

    def paged(self, pipeline: str, *, closed: bool = False) -> Alert:
        """The one alert of the pipeline, called once, in the end ``closed`` or not."""

        def found() -> Alert | None:
            mine = self.alerts(pipeline)
            return mine[0] if mine and mine[0].closed is closed else None

        alert = self.up.wait_for(found, f"a page for {pipeline}, closed: {closed}")
        assert len(self.alerts(pipeline)) == 1
        assert alert.responders == [f"{owner_of(pipeline)}@example.com"]
        assert alert.details["pipeline"] == pipeline
        return alert

    def alerts(self, pipeline: str) -> list[Alert]:
        return [alert for alert in self.up.view().alerts if alert.alias.startswith(f"daybreak:v1:{pipeline}:")]

    def thread(self, pipeline: str, *words: str) -> str:
        """The text of its one Slack thread, once the parent says ``words``."""

        def said() -> str | None:
            parents = [m for m in self.messages(pipeline) if f"daybreak:v1:{pipeline}:" in str(m.metadata)]
            assert len(parents) <= 1
            whole = "\n".join(m.text for parent in parents for m in (parent, *parent.replies))
            return whole if parents and all(word in parents[0].text for word in words) else None

        return self.up.wait_for(said, f"{words} in the thread of {pipeline}")

    def messages(self, pipeline: str) -> list[Message]:
        """The messages in its channel that begin a thread."""
        return [m for m in self.up.view().messages if m.channel == pipeline.replace("_", "-")]

    def missed(self, pipeline: str, reason: str) -> Alert:
        """It was missed for this reason: one page for it, after due, open; and one thread in Slack."""
        row = self.becomes(pipeline, "missed", reason)
        assert row.minutes_late is None
        alert = self.paged(pipeline)
        assert alert.count == 1
        assert alert.sources == [MONITOR]
        assert alert.created_at >= self.due
        assert alert.details["reason"] == reason
        self.thread(pipeline, "missed")
        return alert

    def unsent(self) -> list[Any]:
        """What waits in the outbox; a later look at an alert that was closed aside."""
        waiting = select(delivery).where(delivery.c.state != "sent", delivery.c.operation != "recheck")
        return self._rows(waiting)

    def no_page(self, pipeline: str) -> None:
        assert self.alerts(pipeline) == []


def set_going(up: WholeAirflow, knobs: Path) -> Matrix:
    """Start all that must be under way before it is due, and only then say when that is."""
    api = up.api
    up.start("api-server", "scheduler", "triggerer", "dag-processor")
    up.wait_parsed(*set(matrix.sources(knobs)) - {"unparsable"})
    (up.dags / "broken.py").write_text(matrix.UNPARSABLE)
    going = Matrix(up=up, knobs=knobs, due=up.now(), runs={})
    going.insist(lambda: api.make_pool(matrix.CLOSED, 0))
    # Short runs, of five of which a usual duration is known: one by one, so that none is long because another hung.
    for days in range(2, 9):
        short = going.start("stuck", logical_date=up.now() - timedelta(days=days))
        up.wait_for(lambda short=short: api.run("stuck", short)["state"] == "running", "a short run")
        going.mark("stuck", short, "success")
    assert [run["state"] for run in api.runs_of("stuck")].count("success") >= 5
    # Before tasks start: on SQLite Airflow makes no backfill while anything else writes.
    going.insist(lambda: api.backfill("backfilled", up.now() - timedelta(days=3), up.now()))
    going.start("queued", logical_date=up.now() - timedelta(days=3))  # keeps today's from starting
    up.wait_for(lambda: api.runs_of("queued")[0]["state"] == "running", "the old run")
    up.wait_for(lambda: len(api.import_errors()) == 2, "two files that do not parse")
    up.start("monitor")
    for dag in ("queued", "running", "stuck", "settled"):
        going.start(dag)
    going.insist(lambda: api.asset_event(matrix.ASSET))
    going.start("killed", "hang")
    for dag in ("failed", "cleared", "by_hand"):
        going.start(dag, "fail")
    for dag in ("running", "stuck"):
        up.wait_for(lambda dag=dag: api.run(dag, going.runs[dag])["state"] == "running", f"{dag} runs")
    going.becomes("settled", "met", None)
    for dag in ("unparsable", "broken"):
        up.wait_for(lambda dag=dag: going.messages(dag), f"the notice that {dag} does not parse")
    going.due = (up.now() + matrix.ROOM).replace(microsecond=0)
    up.set_registry(matrix.registry(up.zone.key, up.clock(going.due)))
    return going
