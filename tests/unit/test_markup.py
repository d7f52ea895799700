"""What a runbook says, as Opsgenie's plain text and as Slack's mrkdwn."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daybreak.config.runbooks import Runbook, sections
from daybreak.delivery.markup import LONGEST, mrkdwn_line, mrkdwn_text, plain_line, plain_text

SECTION = """- **Symptom**: `wait_for_feed` is *deferred*,
  or __late__.
- **Check**: `SELECT COUNT(*) FROM a WHERE b < 2 & c`, see [the log](https://x.example/l?a=1&b=2).
  1. first
  2. second

```bash
airflow dags list | grep `feed`
```

Then [Upstream late](#upstream-late) <!channel>.
"""


def test_plain_text_keeps_dashes_and_commands_and_drops_the_marks() -> None:
    assert plain_text(SECTION) == (
        "- Symptom: wait_for_feed is deferred, or late.\n"
        "- Check: SELECT COUNT(*) FROM a WHERE b < 2 & c, see the log: https://x.example/l?a=1&b=2.\n"
        "  1. first\n"
        "  2. second\n"
        "\n"
        "airflow dags list | grep `feed`\n"
        "\n"
        "Then Upstream late <!channel>."
    )


def test_mrkdwn_keeps_code_writes_bold_its_own_way_and_escapes_the_rest() -> None:
    assert mrkdwn_text(SECTION) == (
        "- *Symptom*: `wait_for_feed` is _deferred_, or *late*.\n"
        "- *Check*: `SELECT COUNT(*) FROM a WHERE b &lt; 2 &amp; c`, see <https://x.example/l?a=1&amp;b=2|the log>.\n"
        "  1. first\n"
        "  2. second\n"
        "\n"
        "```\nairflow dags list | grep `feed`\n```\n"
        "\n"
        "Then Upstream late &lt;!channel&gt;."
    )


@pytest.mark.parametrize(
    ("line", "plain", "slack"),
    [
        ("**Look** at [the log](https://x)", "Look at the log: https://x", "*Look* at <https://x|the log>"),
        ("see [https://x](https://x)", "see https://x", "see <https://x|https://x>"),
        ("[**a** `b`](https://x)", "a b: https://x", "<https://x|a b>"),
        ("a_b_c and 2 * 3 * 4", "a_b_c and 2 * 3 * 4", "a_b_c and 2 * 3 * 4"),
        ("[go](javascript:alert(1))", "[go](javascript:alert(1))", "[go](javascript:alert(1))"),
        ("![alt](https://i.example/p.png)", "alt", "alt"),
        ("1. # not a list", "1. # not a list", "1. # not a list"),
        ("``a ` b``", "a ` b", "`a ' b`"),
        ("<b>x</b> <@U1> &lt;", "<b>x</b> <@U1> &lt;", "&lt;b&gt;x&lt;/b&gt; &lt;@U1&gt; &amp;lt;"),
        ("[a|b>](https://x/|y>)", "a|b>: https://x/%7Cy%3E", "<https://x/%7Cy%3E|a|b&gt;>"),
        ("", "", ""),
    ],
)
def test_one_line(line: str, plain: str, slack: str) -> None:
    assert plain_line(line) == plain
    assert mrkdwn_line(line) == slack


def test_a_line_is_cut_before_it_is_rendered() -> None:
    assert mrkdwn_line("**" + "x" * 50 + "** tail", 20) == "**" + "x" * 17 + "…"
    assert mrkdwn_line("[text](https://x.example) tail", 27) == "<https://x.example|text>…"


@pytest.mark.parametrize("file", sorted(Path("include/runbooks").glob("*.md")), ids=lambda path: path.stem)
def test_no_shipped_runbook_leaves_marks_in_a_page(file: Path) -> None:
    book = Runbook(name=file.name, text=file.read_text(encoding="utf-8"))
    shown = [plain_text(each.text) for each in sections(book.text) if len(each.text) < LONGEST]
    shown += [plain_line(each) for each in book.first_steps()]
    assert len(shown) > 10
    for text in shown:
        assert "**" not in text
        assert "`" not in text
        assert "](" not in text


HOSTILE = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="*_`[]()<>!#-+1. \n\t\\&|~:/x", max_size=300),
    st.lists(
        st.sampled_from(
            [
                "**",
                "`",
                "```\n",
                "[a](https://x)",
                "](",
                "<!channel>",
                "<@U1>",
                "\n- ",
                "\n1. ",
                "\n> ",
                "\n# ",
                "\u202e",
            ]
        ),
        max_size=40,
    ).map("".join),
)


@settings(max_examples=300, deadline=None)
@given(text=HOSTILE)
def test_hostile_markdown_neither_breaks_nor_mentions_nor_turns_around(text: str) -> None:
    for slack in (mrkdwn_text(text), mrkdwn_line(text, 400)):
        # What is left of "<" begins a link to an address, and every one is closed.
        assert re.fullmatch(r"(?:[^<>]|<(?:https?://|mailto:)[^<>|]*\|[^<>]*>)*", slack)
        assert "\u202e" not in slack
    assert "\n" not in mrkdwn_line(text)
    assert "\n" not in plain_line(text)
    assert "\x00" not in plain_text(text)


@pytest.mark.parametrize("piece", ["[", "*a_ ", "`", "> ", "![", "[a](", "- ", "**", "<", "\\", "``` \n", "1. "])
def test_however_long_it_takes_no_time(piece: str) -> None:
    begun = time.process_time()
    text = piece * (100_000 // len(piece))
    assert len(plain_text(text)) <= 2 * LONGEST
    mrkdwn_line(text, 400)
    assert time.process_time() - begun < 3
