"""Reading a registry: 300 pipelines and 100 people from cold, beside plain PyYAML; a second look; growth.

"Cold" is a process that has read nothing yet: each measurement starts one. Imports are not counted, the first use of
everything is. Times are those of the processor, since nothing here waits: a busy machine then says (nearly) the same.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

COLD = """
import sys, time
from pathlib import Path
import yaml
from daybreak.config import load_registry
path = Path(sys.argv[1])
began = time.process_time()
if sys.argv[2] == "daybreak":
    registry = load_registry(path)
elif sys.argv[2] == "plain C":
    yaml.load(path.read_bytes(), yaml.CSafeLoader)
else:
    yaml.safe_load(path.read_bytes())
print(time.process_time() - began)
"""
LOOKS = 2000


def registry_text(pipelines: int, people: int) -> str:
    """A valid registry of that size, in the style in which people write one."""
    names = [f"de-{n}" for n in range(people)]
    lines = ["version: 1", "timezone: Europe/Berlin", "people:"]
    lines += [
        f"  {name}: {{name: Engineer {n}, opsgenie: e{n}@example.com, slack: U{n:08d}, skills: [profit, growth]}}"
        for n, name in enumerate(names)
    ]
    lines += [
        "teams:",
        '  sales: {name: Sales, opsgenie_team: Sales, slack_channel: "#sales"}',
        "on_call:",
        "  layers:",
    ]
    lines += [
        f"    {layer}: {{start: 2026-01-05T09:00, every: 1w, members: [{', '.join(members)}]}}"
        for layer, members in (("primary", names), ("secondary", names[1:] + names[:1]))
    ]
    lines += ['defaults: {owner: de-0, slack_channel: "#data"}', "upstreams:"]
    lines += ['  sales: {team: sales, expected_by: "05:00", ready_when: {dag: sales_load}}', "pipelines:"]
    for n in range(pipelines):
        lines += [
            f"  pipeline_{n}:",
            f"    name: Pipeline {n} (investors)",
            f"    dags: [pipeline_{n}]",
            "    area: growth",
            "    audience: investors",
            f"    owners: {{primary: {names[n % people]}, secondary: {names[(n + 1) % people]}}}",
            "    purpose: Growth that investors read every morning",
            "    downstream: Investor dashboard",
            "    upstreams: [sales]",
            "    priority: P1",
            '    slack_channel: "#growth"',
            f'    deadline: {{due: "{5 + n % 5:02d}:00", timezone: UTC, days: daily, at_risk: 30m}}',
        ]
    return "\n".join(lines) + "\n"


def cold(path: Path, reader: str, repeats: int = 5) -> float:
    """Processor seconds in a new process, the best of several: what the machine can do when nothing else wants it."""
    command = [sys.executable, "-c", COLD, str(path), reader]
    return min(
        float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(repeats)
    )


def warm(path: Path, repeats: int = 5) -> float:
    """Processor seconds of a load in this process, the best of several."""
    from daybreak.config import load_registry

    best = float("inf")
    for _ in range(repeats):
        began = process_time()
        load_registry(path)
        best = min(best, process_time() - began)
    return best


def recheck(path: Path, copies: Path) -> float:
    """Seconds of one look at a file that did not change, at parse time."""
    from daybreak.config import load_with_last_good

    load_with_last_good(path, copies)
    best = float("inf")
    for _ in range(5):
        began = perf_counter()
        for _ in range(LOOKS):
            load_with_last_good(path, copies)
        best = min(best, (perf_counter() - began) / LOOKS)
    return best


def run() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        path, copies = Path(folder) / "ownership.yaml", Path(folder) / "copies"
        path.write_text(registry_text(300, 100))
        ours, plain, slow = (cold(path, reader) for reader in ("daybreak", "plain C", "plain"))
        look = recheck(path, copies)
        small, large = Path(folder) / "small.yaml", Path(folder) / "large.yaml"
        small.write_text(registry_text(300, 100))
        large.write_text(registry_text(3000, 1000))
        growth = warm(large, 2) / warm(small)
    return [
        row("registry: 300 pipelines, 100 people, from cold", ours * 1e3, "ms", "≤ 60", ours <= 0.060),
        row("the same with plain PyYAML, in C", plain * 1e3, "ms", None, True),
        row("the same with plain PyYAML, in Python", slow * 1e3, "ms", None, True),
        row("registry: from cold, of plain PyYAML in C", ours / plain, "times", "≤ 1", ours <= plain),
        row("registry: an unchanged file looked at again", look * 1e6, "µs", "≤ 50", look <= 50e-6),
        row("registry: ten times the file, from warm", growth, "times", "≤ 13", growth <= 13),
    ]


def row(name: str, value: float, unit: str, bar: str | None, ok: bool) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "bar": bar, "ok": ok}
