"""The ``daybreak`` command. Each group of commands is a module of :mod:`daybreak.commands`, imported when it is called.

Exit status: 0 success, 1 the answer is "no" (invalid file, nobody on call, not delivered), 2 wrong usage. Errors go
to standard error, a line each, naming file, path and remedy.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import typer

from daybreak import __version__
from daybreak.errors import DaybreakError

try:
    from typer.exceptions import TyperException as UsageProblem
except ImportError:  # typer before 0.29 raises those of click, which it then stood on
    from click.exceptions import ClickException as UsageProblem  # type: ignore[assignment]

COMMANDS = {
    "check": "registry",
    "schema": "registry",
    "oncall": "oncall",
    "schedule": "schedule",
    "fairness": "fairness",
    "timeoff": "timeoff",
    "replay": "replay",
    "monitor": "monitor",
    "status": "status",
    "history": "status",
    "handoff": "status",
    "ack": "act",
    "snooze": "act",
    "waive": "act",
    "db": "db",
    "ping": "ping",
    "preview": "preview",
    "sandbox": "sandbox",
    "runbook": "runbook",
    "demo": "demo",
    "rehearse": "demo",
}
"""Command → the module of :mod:`daybreak.commands` whose ``register(app)`` adds it."""


def build_app(modules: Sequence[str]) -> typer.Typer:
    """The application with the commands of ``modules`` (names within :mod:`daybreak.commands`)."""
    app = typer.Typer(
        name="daybreak",
        help="Knows who owns each data pipeline, by when its data is due, and pages the person on call.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @app.callback(invoke_without_command=True)
    def root(version: bool = typer.Option(False, "--version", help="Print the version and end.")) -> None:
        if version:
            typer.echo(f"daybreak {__version__}")
            raise typer.Exit

    for module in modules:
        importlib.import_module(f"daybreak.commands.{module}").register(app)
    return app


def named_command(args: Sequence[str]) -> str | None:
    """The command that ``args`` begin with; None for options of ``daybreak`` itself, or what is no command."""
    return args[0] if args and args[0] in COMMANDS else None


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its status."""
    args = list(sys.argv[1:] if argv is None else argv)
    command = named_command(args)
    app = build_app([COMMANDS[command]] if command else list(dict.fromkeys(COMMANDS.values())))
    usage = f"daybreak {command}" if command else "daybreak"
    try:
        # Not standalone: typer would draw a box around a usage error, and errors here are one line each.
        status = app(args=args, prog_name="daybreak", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except UsageProblem as error:
        print(f"daybreak: {error.format_message()}; see `{usage} --help`", file=sys.stderr)
        sys.exit(error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except DaybreakError as error:
        print(f"daybreak: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # the reader went away: `daybreak status | head`
        sys.stderr.close()
        sys.exit(1)


# Not in a file `__main__.py`: without the ignore file Airflow would run that under just this name, and end with it.
if __name__ == "__main__":
    main()
