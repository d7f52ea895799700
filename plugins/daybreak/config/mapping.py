"""From the file's shape to the domain's values: the one place that knows both. The specs are checked by then."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from daybreak.config import spec as s
from daybreak.config.holiday_dates import holiday_dates
from daybreak.config.scalars import resolve
from daybreak.domain import registry as d

_DAY_NUMBER = {name: number for number, name in enumerate(s.DAYS)}
_KINDS: tuple[d.ReadyKind, ...] = ("dag", "sensor", "asset", "sql", "object")


def to_registry(file: s.FileSpec, digest: str = "") -> d.Registry:
    """The domain's registry of ``file``; ``digest`` is that of its bytes."""
    zone = file.timezone
    pipelines = {name: pipeline(name, spec, file) for name, spec in file.pipelines.items()}
    return d.Registry(
        zone=zone,
        people={name: person(name, spec) for name, spec in file.people.items()},
        teams={name: team(name, spec) for name, spec in file.teams.items()},
        on_call=on_call(file.on_call),
        defaults=d.Defaults(
            owner=file.defaults.owner,
            escalation=file.defaults.escalation,
            priority=file.defaults.priority,
            slack_channel=file.defaults.slack_channel,
        ),
        pipelines=pipelines,
        upstreams={name: upstream(name, spec, zone) for name, spec in file.upstreams.items()},
        escalations={name: tuple(map(step, steps)) for name, steps in file.escalations.items()},
        silences=tuple(silence(entry, pipelines, zone) for entry in file.silences),
        tickets=d.Tickets(out_of_memory=file.tickets.out_of_memory),
        paging=paging(file.paging),
        slack_connection=file.slack.connection,
        airflow_base_url=_bare(file.airflow.base_url),
        runbooks_base_url=_bare(file.runbooks.base_url),
        digest=digest,
    )


def person(name: str, spec: s.PersonSpec) -> d.Person:
    return d.Person(
        id=name,
        name=spec.name,
        opsgenie=spec.opsgenie,
        slack=spec.slack,
        skills=tuple(spec.skills),
        holidays=place(spec.holidays),
    )


def team(name: str, spec: s.TeamSpec) -> d.Team:
    return d.Team(
        id=name,
        name=spec.name,
        opsgenie_team=spec.opsgenie_team,
        opsgenie_escalation=spec.opsgenie_escalation,
        slack_usergroup=spec.slack_usergroup,
        slack_channel=spec.slack_channel,
    )


def place(spec: s.HolidaysSpec | None) -> d.HolidayPlace | None:
    return d.HolidayPlace(country=spec.country, subdivision=spec.subdivision) if spec else None


def on_call(spec: s.OnCallSpec) -> d.OnCall:
    zone = spec.timezone
    return d.OnCall(
        zone=zone,
        layers={name: layer(name, each, zone) for name, each in spec.layers.items()},
        overrides=tuple(override(entry, zone) for entry in spec.overrides),
        swaps=tuple(swap(entry, zone) for entry in spec.swaps),
        time_off=tuple(
            d.TimeOff(
                person=entry.person,
                start=resolve(entry.start, zone),
                end=resolve(entry.end, zone),
                requested=entry.requested,
                in_lieu=entry.in_lieu,
            )
            for entry in spec.time_off
        ),
        holidays=place(spec.holidays),
        holiday_dates=holiday_dates,
        notice=spec.notice,
        cover=tuple(spec.cover),
        backup=spec.backup,
        manager=spec.manager,
        compensation_after_turns=spec.compensation.after_turns if spec.compensation else None,
        handoff_meeting=spec.handoff_meeting,
    )


def layer(name: str, spec: s.LayerSpec, zone: ZoneInfo) -> d.Layer:
    return d.Layer(name=name, start=_local(spec.start, zone), every=spec.every, members=tuple(spec.members))


def override(spec: s.OverrideSpec, zone: ZoneInfo) -> d.Override:
    return d.Override(
        layer=spec.layer, person=spec.person, start=resolve(spec.start, zone), end=resolve(spec.end, zone)
    )


def swap(spec: s.SwapSpec, zone: ZoneInfo) -> d.Swap:
    a, b = (d.SwapSide(person=side.person, at=resolve(side.at, zone)) for side in (spec.a, spec.b))
    return d.Swap(layer=spec.layer, a=a, b=b)


def step(spec: s.StepSpec) -> d.Step:
    return d.Step(
        after=spec.after, page=tuple(spec.page), tell=tuple(spec.tell), unless_acknowledged=spec.unless is not None
    )


def clock(spec: s.DeadlineSpec | s.UpstreamSpec, default_zone: ZoneInfo) -> d.Deadline:
    return d.Deadline(
        due=spec.due if isinstance(spec, s.DeadlineSpec) else spec.expected_by,
        zone=spec.timezone or default_zone,
        days=frozenset(_DAY_NUMBER[day] for day in spec.days),
        skip_holidays=spec.skip_holidays,
        opens=spec.opens.at,
        opens_day_before=spec.opens.day_before,
        at_risk=spec.at_risk,
        task=spec.task,
    )


def upstream(name: str, spec: s.UpstreamSpec, zone: ZoneInfo) -> d.Upstream:
    return d.Upstream(
        id=name,
        name=spec.name or name,
        team=spec.team,
        expected=clock(spec, zone),
        ready_when=ready_when(spec.ready_when) if spec.ready_when else None,
        on_delay=tuple(d.DelayStep(after=each.after, do=each.do, to=tuple(each.to)) for each in spec.on_delay),
    )


def ready_when(spec: s.ReadyWhenSpec) -> d.ReadyWhen:
    kind, value = next((kind, value) for kind in _KINDS if (value := getattr(spec, kind)) is not None)
    return d.ReadyWhen(kind=kind, value=value, task=spec.task, conn=spec.conn)


def pipeline(name: str, spec: s.PipelineSpec, file: s.FileSpec) -> d.Pipeline:
    return d.Pipeline(
        id=name,
        name=spec.name or name,
        dags=tuple(spec.dags),
        primary_owner=spec.owners.primary,
        secondary_owner=spec.owners.secondary,
        area=spec.area,
        audience=spec.audience,
        purpose=spec.purpose,
        upstream_owner=spec.upstream_owner,
        downstream=spec.downstream,
        upstreams=tuple(spec.upstreams),
        runbook=spec.runbook,
        escalation=spec.escalation,
        priority=spec.priority or file.defaults.priority,
        slack_channel=spec.slack_channel,
        on_failure=spec.on_failure,
        deadline=clock(spec.deadline, file.timezone) if spec.deadline else None,
        native_deadline=spec.native_deadline,
    )


def silence(spec: s.SilenceSpec, pipelines: dict[str, d.Pipeline], default_zone: ZoneInfo) -> d.Silence:
    """A silence's local times are those of its pipeline's deadline, where it has one."""
    deadline = pipelines[spec.pipeline].deadline
    zone = deadline.zone if deadline else default_zone
    return d.Silence(pipeline=spec.pipeline, start=resolve(spec.start, zone), end=resolve(spec.end, zone), why=spec.why)


def paging(spec: s.PagingSpec) -> d.Paging:
    jsm = spec.jsm
    return d.Paging(
        mode=spec.mode,
        dialect=spec.dialect,
        connection=spec.connection,
        respond_with=spec.respond_with,
        schedules=dict(spec.schedules),
        heartbeat=spec.heartbeat,
        jsm=d.Jsm(connection=jsm.connection, cloud_id=jsm.cloud_id, team=jsm.team) if jsm else None,
    )


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the clocks of ``zone`` show at ``moment``: a rotation's handoffs go by local time."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0)


def _bare(url: str | None) -> str | None:
    return url.rstrip("/") if url else None
