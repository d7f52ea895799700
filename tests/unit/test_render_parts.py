"""Runbooks, links and words: the pieces that pages are made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daybreak.config.links import Links
from daybreak.config.runbooks import Shelf, anchor_of, first_steps, section, sections, slug
from daybreak.delivery.markup import escape
from daybreak.delivery.message import cut_escaped
from daybreak.delivery.words import clean, clock, cut, cut_lines, length, listed, one_line

RUNBOOK = """# Title

1. not this list

## Failures

### Upstream late?

text of **upstream**

```bash
# no heading
```

### Upstream late?

again

## First five minutes

1. **Look** at [the log](https://x)
   and read on
2. `retry`

Prose.
"""


def test_headings_become_the_anchors_that_github_gives() -> None:
    assert [each.slug for each in sections(RUNBOOK)] == [
        "title", "failures", "upstream-late", "upstream-late-1", "first-five-minutes",
    ]  # fmt: skip
    assert slug("Code or configuration") == "code-or-configuration"
    assert anchor_of("upstream_late") == "upstream-late"


def test_a_section_ends_at_the_next_of_its_level() -> None:
    found = section(RUNBOOK, "upstream-late")
    assert found is not None
    assert found.text.startswith("text of")
    assert found.text.endswith("```")
    assert section(RUNBOOK, "nowhere") is None


def test_first_steps_are_those_under_their_heading() -> None:
    assert first_steps(RUNBOOK) == ("**Look** at [the log](https://x) and read on", "`retry`")
    assert first_steps("# A\n\n- only\n- list\n") == ("only", "list")
    assert first_steps("nothing") == ()


def test_the_shelf_never_leaves_its_folder_and_never_raises(tmp_path: Path) -> None:
    folder = tmp_path / "runbooks"
    folder.mkdir()
    (tmp_path / "secret.md").write_text("secret")
    (folder / "a.md").write_text(RUNBOOK)
    shelf = Shelf(folder=folder)
    assert shelf.get("a.md") is not None
    assert shelf.get("../secret.md") is None
    assert shelf.get("none.md") is None
    assert shelf.get(None) is None
    (folder / "a.md").write_text("# Changed\n")
    import os

    os.utime(folder / "a.md", ns=(1, 1))
    changed = shelf.get("a.md")
    assert changed is not None
    assert changed.text == "# Changed\n"


def test_links_quote_what_run_ids_hold() -> None:
    links = Links(airflow="https://air.example.com")
    assert links.dag_run("a/b", "manual__2026-03-02T03:00:00+00:00") == (
        "https://air.example.com/dags/a%2Fb/runs/manual__2026-03-02T03%3A00%3A00%2B00%3A00"
    )
    log = links.task_log("d", "r", "t", map_index=3, try_number=2)
    assert log == "https://air.example.com/dags/d/runs/r/tasks/t/mapped/3?try_number=2"
    assert links.runbook("a.md", "x") == "https://air.example.com/daybreak/runbooks/a#x"
    assert Links(runbooks="https://git.example.com/r").runbook("a.md", "x") == "https://git.example.com/r/a.md#x"
    assert Links().dag_run("d", "r") is None
    assert Links().runbook("a.md") is None


@pytest.mark.parametrize(
    ("minutes", "shown"),
    [(0, "0 min"), (0.1, "1 min"), (37, "37 min"), (60, "1 h"), (157, "2 h 37 min"), (1500, "1 d 1 h")],
)
def test_lengths_of_time(minutes: float, shown: str) -> None:
    assert length(timedelta(minutes=minutes)) == shown


def test_clocks_show_the_zones_own_name() -> None:
    instant = datetime(2026, 7, 1, 7, 0, tzinfo=UTC)
    assert clock(instant, ZoneInfo("UTC")) == "07:00 UTC"
    assert clock(instant, ZoneInfo("Europe/Berlin")) == "09:00 CEST"
    assert clock(instant, ZoneInfo("Asia/Dubai")) == "11:00 Asia/Dubai"


def test_cutting_shows() -> None:
    assert cut("abcdef", 4) == "abc…"
    assert cut("abc", 3) == "abc"
    assert cut("abc", 0) == ""
    assert len(cut_lines("word\n" * 100, 50)) <= 50
    assert cut_lines("word\n" * 100, 80).endswith("(shortened)")
    assert cut_escaped("aaa &amp; b", 8) == "aaa…"
    assert cut_escaped("see <https://x|y>", 10) == "see…"


def test_hostile_text_stays_in_its_line() -> None:
    assert one_line("a\nb\tc\x00d\u202ee\ud800") == "a b c d e"
    assert clean("a\nb") == "a\nb"
    assert escape("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a"]) == "a"
    assert listed([str(n) for n in range(10)], 2) == "0, 1 and 8 more"
