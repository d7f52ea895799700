"""What becomes of one incident while a service is in trouble, and after it heals: fault by fault, service by service.

``python -m tests.support.fault_matrix`` prints the table; with ``--write`` it replaces the one in docs/reliability.md.
"""

from __future__ import annotations

import re
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from tests.support.delivery import Life, Post, hasty, post_office, registry_of
from tests.support.sandbox import Sandbox, running_sandbox

ROUNDS_IN_TROUBLE = 6
HTTP_FAULTS = ("429", "429 with Retry-After", "500", "503", "hang", "slow", "reset", "refuse", "html", "empty")
NETWORK_FAULTS = ("connection refused", "unknown host")
FAULTS = {
    "opsgenie": (*HTTP_FAULTS, *NETWORK_FAULTS, "expired_key", "unknown_responder"),
    "jsm": (*HTTP_FAULTS, *NETWORK_FAULTS, "expired_key", "unknown_responder"),
    "slack": (*HTTP_FAULTS, *NETWORK_FAULTS, "expired_key", "archived_channel"),
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was seen. ``elsewhere``: how many messages took the other way while it lasted."""

    service: str
    fault: str
    delivered: bool
    open_alerts: int
    threads: int
    in_order: bool
    elsewhere: int
    attempts: int
    violations: int


def cases() -> Iterator[tuple[str, str]]:
    for service, faults in FAULTS.items():
        for fault in faults:
            yield service, fault


def run(box: Sandbox, service: str, fault: str, folder: Path) -> Outcome:
    """A page and its second step meet the fault; it heals; what is there then?"""
    box.reset()
    dialect = "jsm" if service == "jsm" else "opsgenie"
    with post_office(box, folder, dialect) as post:
        hasty(post.channels)
        life = Life(registry_of(dialect))
        healthy = (post.channels.opsgenie, post.channels.slack)
        _break(box, post, service, fault)
        post.queue(life.page(post.clock()))
        _rounds(post)
        post.queue(life.step(post.clock.forward(minutes=15)))
        _rounds(post)
        box.heal()
        post.channels.opsgenie, post.channels.slack = healthy
        post.clock.forward(minutes=6)
        post.send(rounds=40)
        return _seen(box, post, service, fault, life)


def _break(box: Sandbox, post: Post, service: str, fault: str) -> None:
    if fault in NETWORK_FAULTS:
        assert post.channels.opsgenie is not None and post.channels.slack is not None
        address = "http://sandbox.invalid" if fault == "unknown host" else f"http://127.0.0.1:{_closed_port()}"
        if service == "slack":
            post.channels.slack = replace(post.channels.slack, base_url=address)
        else:
            post.channels.opsgenie = replace(post.channels.opsgenie, base_url=address)
    elif fault == "429 with Retry-After":
        box.fault(service, "429", retry_after=1)
    elif fault == "slow":
        box.fault(service, "slow", delay=0.15)
    else:
        box.fault(service, fault)


def _rounds(post: Post) -> None:
    for _ in range(ROUNDS_IN_TROUBLE):
        report = post.once()
        if report.next_at is None:
            return
        post.clock.now = max(post.clock.now, report.next_at)
        post.clock.forward(seconds=1)


def _seen(box: Sandbox, post: Post, service: str, fault: str, life: Life) -> Outcome:
    steps = f"{life.key}:step:1"

    def settled(state: dict) -> bool:  # type: ignore[type-arg]
        aliases = {a["alias"] for a in state["alerts"] if a["status"] == "open"}
        return not state["pending"] and life.key in aliases and (service != "jsm" or steps in aliases)

    end = time.monotonic() + 3
    while not settled(box.state()) and time.monotonic() < end:
        time.sleep(0.02)
    state = box.state()
    mine = [a for a in state["alerts"] if a["alias"] == life.key and a["status"] == "open"]
    parents = [
        m for m in box.channel("#growth") if m["metadata"] and "|parent|" in m["metadata"]["event_payload"]["key"]
    ]
    replies = [r["text"].splitlines()[0] for m in parents for r in m["replies"]]
    later = [text for text in replies if text.startswith("Still not ready")]
    rows = post.rows()
    return Outcome(
        service=service,
        fault=fault,
        delivered=bool(mine) and settled(state) and len(later) == 1 and not post.rows("pending"),
        open_alerts=len(mine),
        threads=len(parents),
        in_order=all(earlier.id < row.id for earlier, row in _pairs(rows)),
        elsewhere=sum(row.fallback_of is not None for row in rows),
        attempts=max(row.attempts for row in rows),
        violations=len(state["violations"]),
    )


def _pairs(rows: list) -> Iterator[tuple]:  # type: ignore[type-arg]
    """Rows of one channel that were sent, in the order in which they were."""
    for channel in ("opsgenie", "slack"):
        sent = sorted(
            (r for r in rows if r.channel == channel and r.state == "sent" and r.fallback_of is None and r.dedup_key),
            key=lambda row: (row.sent_at, row.id),
        )
        yield from pairwise(sent)


def _closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


def table(outcomes: list[Outcome]) -> str:
    """The Markdown table."""
    lines = [
        "| service | fault | delivered once healed | open alerts | threads | order kept | told elsewhere meanwhile |",
        "|---|---|---|---|---|---|---|",
    ]
    for o in outcomes:
        yes = {True: "yes", False: "**no**"}
        other = str(o.elsewhere) if o.elsewhere else "-"
        lines.append(
            f"| {o.service} | {o.fault.replace('_', ' ')} | {yes[o.delivered]} | {o.open_alerts} | {o.threads} "
            f"| {yes[o.in_order]} | {other} |"
        )
    return "\n".join(lines)


def write(made: str, page: Path) -> None:
    """Put the table in the place of the one that stands in ``page``."""
    text = page.read_text(encoding="utf-8")
    written, places = re.subn(r"(?m)^\| service \| fault \|(?:.*\n?\|)*.*$", lambda _: made, text)
    if places != 1:
        raise SystemExit(f"{page}: {places} tables of faults; there must be one")
    page.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    with running_sandbox() as sandbox:
        found = []
        for name, trouble in cases():
            with tempfile.TemporaryDirectory() as place:
                found.append(run(sandbox, name, trouble, Path(place)))
    if "--write" in sys.argv[1:]:
        write(table(found), Path(__file__).parents[2] / "docs" / "reliability.md")
    else:
        print(table(found))
