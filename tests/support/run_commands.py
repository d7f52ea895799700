"""Runs commands as a shell would, in one process: each start of Airflow costs seconds. ``run_commands.py JOB ANSWER``.

The job is a list of command lines (each a list of words, the first ``airflow`` or ``daybreak``); the answer is as many
objects with ``status`` and ``output`` (standard output and errors).
"""

from __future__ import annotations

import io
import json
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path


def run(words: list[str]) -> dict[str, object]:
    said = io.StringIO()
    status: object = 0
    with redirect_stdout(said), redirect_stderr(said):
        try:
            if words[0] == "airflow":
                from airflow.cli.cli_parser import get_parser

                arguments = get_parser().parse_args(words[1:])
                arguments.func(arguments)
            else:
                from daybreak.cli import main

                main(words[1:])
        except SystemExit as ended:
            # As the interpreter does it: a text is printed, and is status 1.
            status = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
            if isinstance(ended.code, str):
                said.write(ended.code)
        except Exception:
            status = 1
            said.write(traceback.format_exc())
    return {"status": status, "output": said.getvalue()}


if __name__ == "__main__":
    answers = [run(words) for words in json.loads(Path(sys.argv[1]).read_text())]
    Path(sys.argv[2]).write_text(json.dumps(answers))
