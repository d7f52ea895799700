"""From decisions to rows of the outbox: every notification rendered, ready to send, with nothing left to look up.

Pure. Opsgenie gets pages, tickets and their ends; Slack gets one thread an incident in the pipeline's channel, and
one in the channel of each team that is told, so that people read it where they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from daybreak.delivery import message, page
from daybreak.delivery.audience import event_of, lead_of, tagged
from daybreak.delivery.facts import Facts, PlanContext, gather
from daybreak.delivery.people import parties
from daybreak.delivery.responders import alternatives, for_step, responders_for
from daybreak.domain.incident import Decisions, Event, Incident, Notification
from daybreak.domain.registry import Priority, Registry, Team
from daybreak.store.outbox import Channel, Delivery

__all__ = ["PlanContext", "plan"]

TICKET_PRIORITY: Priority = "P4"
NOTICE_PRIORITY: Priority = "P5"
_URGENCY = {"page": 10, "resolve": 20, "ticket": 30, "thread": 40, "notice": 50}
REFRESH, REWRITE, RECHECK = 18, 60, 70
_RECHECKS = (timedelta(minutes=5), timedelta(hours=1))
_LATER_STEPS = frozenset({Event.STILL_LATE, Event.HANDOFF})
_FIRST = frozenset({Event.AT_RISK, Event.FAILED, Event.MISSED, Event.UPSTREAM_LATE, Event.OUT_OF_MEMORY})
_NOTES = frozenset({Event.CAUSE_CHANGED, Event.STILL_LATE, Event.HANDOFF, Event.RETRIED})


def plan(
    registry: Registry, decisions: Decisions, incidents: Mapping[str, Incident], context: PlanContext
) -> tuple[Delivery, ...]:
    """The rows that ``decisions`` ask for, in order.

    :param incidents: dedup key → incident as it was before this tick (those that decisions change may be in it)
    """
    changed = {one.dedup_key: one for one in decisions.incidents}
    steps: dict[tuple[str, int | None], list[Notification]] = {}
    for one in decisions.notifications:
        steps.setdefault((one.dedup_key, one.step), []).append(one)
    planner = _Planner(registry, decisions, incidents, context, changed, steps)
    rows = [row for n in decisions.notifications for row in planner.rows(n)]
    rows += planner.rewrites({row.dedup_key for row in rows if row.operation == "parent"})
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class _Planner:
    registry: Registry
    decisions: Decisions
    before: Mapping[str, Incident]
    context: PlanContext
    changed: Mapping[str, Incident]
    steps: Mapping[tuple[str, int | None], Sequence[Notification]]  # what is told of one incident's one step

    def incident(self, key: str) -> Incident | None:
        return self.changed.get(key) or self.before.get(key)

    def rows(self, n: Notification) -> Iterator[Delivery]:
        incident = self.incident(n.dedup_key)
        facts = gather(self.registry, self.context, n, incident, self.decisions.judgements.get(n.dedup_key))
        alerts = list(self._alerts(n, facts, incident))
        messages = list(self._messages(n, facts, incident))
        yield from alerts
        yield from messages
        said_elsewhere = n.kind == "notice" and self._same_step(n, "page") is not None
        if not alerts and not messages and n.to and not said_elsewhere:
            yield from self._quiet_alert(n, facts)

    # Opsgenie

    def _alerts(self, n: Notification, facts: Facts, incident: Incident | None) -> Iterator[Delivery]:
        if n.kind == "page":
            yield from self._page(n, facts)
        elif n.kind == "ticket":
            yield from self._ticket(n, facts)
        elif n.event is Event.UPSTREAM_ARRIVED:
            if self._has_ticket(incident):
                yield from self._end(n, facts)
        elif n.kind == "resolve":
            yield from self._end(n, facts)
        elif facts.ticket:
            if responders_for(self.registry, n.to, wakes=False):
                yield from self._end(n, facts) if facts.resolved else (self._note(n, facts),)
        elif n.event in _NOTES and incident is not None and incident.paged and not n.to:
            yield self._note(n, facts)
            if not facts.resolved:
                yield from self._refresh(n, facts)

    def _page(self, n: Notification, facts: Facts) -> Iterator[Delivery]:
        lead = lead_of(facts)
        step = n.step if facts.event is not Event.HANDOFF else None
        responders = (
            responders_for(self.registry, n.to)
            if facts.event is Event.HANDOFF
            else for_step(self.registry, lead, step, n.to, self.context.now)
        )
        jsm = self.registry.paging.dialect == "jsm"
        later = facts.event in _LATER_STEPS
        alias = n.dedup_key
        if later and jsm:
            # JSM cannot add a responder: a further step is an alert of its own, closed with the first.
            alias += f":step:{n.step}" if n.step is not None else f":handoff:{':'.join(n.to)}"
        body = page.alert(facts, responders, source=self.context.source, alias=alias[: page.ALIAS])
        payload: dict[str, Any] = {
            "alias": body["alias"],
            "body": body,
            "next": alternatives(self.registry, lead, n.to, self.context.now),
            "slack": self._elsewhere(n, facts),
        }
        if later and not jsm:
            payload["note"] = page.note(facts)
            yield self._opsgenie(n, "step", payload)
            return
        yield self._opsgenie(n, "create", payload)
        if facts.event is Event.FAILED or (lead is not None and lead.native_deadline):
            yield from self._refresh(n, facts, only_foreign=True)

    def _note(self, n: Notification, facts: Facts) -> Delivery:
        return self._opsgenie(n, "note", {"alias": n.dedup_key, "note": page.note(facts)}, urgency=REFRESH)

    def _refresh(self, n: Notification, facts: Facts, *, only_foreign: bool = False) -> Iterator[Delivery]:
        """Give an alert that a callback opened what the callback could not know. JSM cannot change alerts."""
        if self.registry.paging.dialect == "opsgenie":
            body = page.alert(facts, (), source=self.context.source)
            payload = {"alias": n.dedup_key, "body": body, "only_foreign": only_foreign}
            yield self._opsgenie(n, "refresh", payload, urgency=REFRESH)

    def _ticket(self, n: Notification, facts: Facts) -> Iterator[Delivery]:
        responders = responders_for(self.registry, n.to, wakes=False)
        if not responders:
            return  # the team is no Opsgenie team: its channel is told
        body = page.alert(facts, responders, source=self.context.source, extra_tags=("ticket",))
        body |= {"priority": TICKET_PRIORITY}
        payload = {"alias": n.dedup_key, "body": body, "next": [], "slack": self._elsewhere(n, facts)}
        first = self.registry.upstreams.get(facts.upstream or "")
        earlier = any(step.do == "ticket" for step in first.on_delay[: n.step or 0]) if first else False
        if earlier and self.registry.paging.dialect == "jsm":
            payload["alias"] = body["alias"] = f"{n.dedup_key}:step:{n.step}"
            earlier = False
        yield self._opsgenie(n, "step" if earlier else "create", payload)

    def _end(self, n: Notification, facts: Facts) -> Iterator[Delivery]:
        note = page.note(facts)
        yield self._opsgenie(n, "close", {"alias": n.dedup_key, "note": note}, urgency=_URGENCY["resolve"])
        if not facts.for_others:
            # A callback that was held up may open the alert anew after its end: look again, twice.
            for number, wait in enumerate(_RECHECKS):
                payload = {"alias": n.dedup_key, "note": f"{note} (opened again by a late callback)"}
                yield self._opsgenie(n, "recheck", payload, urgency=RECHECK, wait=wait, more=str(number))

    def _has_ticket(self, incident: Incident | None) -> bool:
        upstream = self.registry.upstreams.get(incident.subject or "") if incident else None
        if upstream is None or incident is None:
            return False
        done = [step for number, step in enumerate(upstream.on_delay) if number in incident.steps_done]
        return any(step.do == "ticket" and responders_for(self.registry, step.to, wakes=False) for step in done)

    def _quiet_alert(self, n: Notification, facts: Facts) -> Iterator[Delivery]:
        """Where there is no channel to write to: an alert of the lowest priority, of its own alias, so that it can
        never swallow the page that may follow."""
        body = page.alert(
            facts, responders_for(self.registry, n.to, wakes=False), source=self.context.source,
            alias=f"{n.dedup_key}:notice", extra_tags=("notice",),
        ) | {"priority": NOTICE_PRIORITY}  # fmt: skip
        if n.kind != "resolve":
            yield self._opsgenie(n, "create", {"alias": body["alias"], "body": body, "next": [], "slack": []})

    # Slack

    def _messages(self, n: Notification, facts: Facts, incident: Incident | None) -> Iterator[Delivery]:
        home = self._home(facts, n)
        # A step that pages some and tells others is one message in the incident's thread, not two.
        page_too, notice_too = self._same_step(n, "page"), self._same_step(n, "notice")
        told = parties(self.registry, (*n.to, *(notice_too.to if n.kind == "page" and notice_too else ())))
        if n.kind == "notice" and page_too:
            home = None
        mine = parties(self.registry, n.to)
        own = {each.slack_channel: each for each in mine if isinstance(each, Team) and each.slack_channel}
        if facts.for_others:
            # An upstream's delay is told where those live who owe the data or are told of it; so is a ticket.
            channels = list(own) or ([home] if home else [])
        else:
            channels = list(dict.fromkeys([*([home] if home else []), *own]))
        for channel in channels:
            here = tagged(told, own, channel, home, facts)
            if incident is None:
                yield self._slack(n, channel, {"message": message.notice(facts, here), "reply": None}, facts)
                continue
            first = n.event in _FIRST or n.step == 0
            answer = message.reply(facts, here)
            guest = facts.ticket or (channel != home and facts.upstream is None)
            content = {
                "message": message.parent(facts, here if not facts.resolved else (), guest=guest),
                "reply": answer,
                "reply_if_new": not (first or facts.resolved),
            }
            yield self._slack(n, channel, content, facts)

    def _same_step(self, n: Notification, kind: str) -> Notification | None:
        """The other half of an escalation step that both pages and tells."""
        if n.step is None or n.kind not in ("page", "notice"):
            return None
        same = self.steps[n.dedup_key, n.step]
        return next((one for one in same if one.kind == kind and one is not n), None)

    def rewrites(self, done: set[str]) -> Iterator[Delivery]:
        """Parents of incidents that changed without anybody being told: acknowledged, at risk no more, waived."""
        for incident in self.decisions.incidents:
            if incident.dedup_key in done or not (incident.told or incident.paged) or incident.member_of:
                continue
            n = Notification(
                at=self.context.now, kind="notice", event=event_of(incident), subject=incident.subject,
                business_date=incident.business_date, step=None, to=(*incident.paged, *incident.told),
                priority=incident.priority, dedup_key=incident.dedup_key, group=incident.group,
            )  # fmt: skip
            judgement = self.decisions.judgements.get(incident.dedup_key)
            facts = gather(self.registry, self.context, n, incident, judgement)
            content = message.parent(facts)
            # What was said of an unclaimed dag is a report: that it grew old makes nothing of it better.
            if n.event is Event.UNCLAIMED_FAILED or self._same_as_before(n, incident, content):
                continue
            home = self._home(facts, n)
            teams = [t.slack_channel for t in parties(self.registry, n.to) if isinstance(t, Team) and t.slack_channel]
            for channel in dict.fromkeys([*([home] if home else []), *teams]):
                text = content if channel == home and not facts.ticket else message.parent(facts, guest=True)
                row = {"message": text, "reply": None, "only_if_there": True}
                yield self._slack(n, channel, row, facts, operation="rewrite", urgency=REWRITE)

    def _same_as_before(self, n: Notification, incident: Incident, content: message.Message) -> bool:
        past = self.before.get(incident.dedup_key)
        if past is None or past == incident:
            return False
        judgement = self.decisions.judgements.get(incident.dedup_key)
        return message.parent(gather(self.registry, self.context, n, past, judgement)) == content

    def _home(self, facts: Facts, n: Notification) -> str | None:
        lead = lead_of(facts)
        if lead is None and facts.upstream is not None:
            waiting = (p for p in self.registry.pipelines.values() if facts.upstream in p.upstreams)
            found = next((channel for p in waiting if (channel := self.registry.channel_of(p))), None)
            return self.registry.defaults.slack_channel or found
        return self.registry.channel_of(lead) if lead else self.registry.defaults.slack_channel

    def _elsewhere(self, n: Notification, facts: Facts) -> list[dict[str, Any]]:
        """What Slack is told, and where, if Opsgenie does not take this."""
        told = parties(self.registry, n.to)
        own = [each.slack_channel for each in told if isinstance(each, Team)]
        channels = [self._home(facts, n), self.registry.defaults.slack_channel, *own]
        answer = message.reply(facts, told)
        return [{"channel": each, "message": answer} for each in dict.fromkeys(channels) if each]

    # Rows

    def _opsgenie(
        self, n: Notification, operation: str, payload: Mapping[str, Any], *, urgency: int | None = None,
        wait: timedelta | None = None, more: str = "",
    ) -> Delivery:  # fmt: skip
        row = self._row(n, "opsgenie", operation, payload, urgency, more)
        return row if wait is None else replace(row, not_before=self.context.now + wait)

    def _slack(
        self, n: Notification, channel: str, content: Mapping[str, Any], facts: Facts, *, operation: str = "parent",
        urgency: int | None = None,
    ) -> Delivery:  # fmt: skip
        fallback = self.registry.defaults.slack_channel
        payload = {
            "channel": channel,
            **content,
            "else": [fallback] if fallback and fallback != channel else [],
        }
        if n.kind in ("notice", "thread") and n.to and facts.event is not Event.DELIVERY_FAILED:
            payload["alert"] = page.alert(
                facts, responders_for(self.registry, n.to, wakes=False), source=self.context.source,
                alias=f"{n.dedup_key}:notice", extra_tags=("notice",),
            ) | {"priority": NOTICE_PRIORITY}  # fmt: skip
        return self._row(n, "slack", operation, payload, urgency, channel)

    def _row(
        self, n: Notification, channel: Channel, operation: str, payload: Mapping[str, Any], urgency: int | None,
        more: str,
    ) -> Delivery:  # fmt: skip
        incident = self.incident(n.dedup_key)
        # A step is decided once in an incident's life as one that pages; everything else once an instant.
        once = incident.paging_since if incident and n.step is not None else None
        parts = [n.dedup_key, channel, operation, n.kind, n.event.value, "" if n.step is None else str(n.step), more]
        parts.append((once or n.at).isoformat())
        base = _URGENCY[n.kind] if urgency is None else urgency
        if n.kind == "page" and urgency is None and n.priority:
            base += int(n.priority[1]) - 1
        return Delivery(
            key="|".join(parts), dedup_key=n.dedup_key, channel=channel, operation=operation, kind=n.kind,
            event=n.event.value, payload=dict(payload), created_at=self.context.now, step=n.step, subject=n.subject,
            to=n.to, urgency=base, shadow=self.context.shadow or self.registry.paging.mode == "shadow",
        )  # fmt: skip
