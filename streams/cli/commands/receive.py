"""`watchline receive`: traces of OpenTelemetry as events."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from watchline.streams.cli.arguments import command
from watchline.streams.cli.output import out


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "receive",
        run,
        help="take OpenTelemetry traces (OTLP over HTTP) as events",
        description="Takes traces and logs that OpenTelemetry's SDKs and Collector send with OTLP over HTTP, in "
        "protobuf or JSON, and makes an event of each call of a model: spans with gen_ai.* attributes (OpenTelemetry, "
        "OpenLLMetry) or those of OpenInference. Documents of a retriever and results of a tool go to the "
        "call that follows them in the same trace, where they come in the same request; other spans are left "
        "out, and counted at /livez. A request is answered with 200 once Kafka has its events; 429 and 503 "
        "ask for it again, and what comes again adds nothing. Who sends needs the token: "
        "WATCHLINE_RECEIVE_TOKEN, else one that is made once and kept in WATCHLINE_DATA_DIR. It listens on "
        "loopback; elsewhere put TLS in front of it, since token and texts go as they are. `watchline up` or "
        "`watchline worker` scores the events.",
        example="  watchline receive\n"
        "  export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4318/v1/traces\n"
        '  export OTEL_EXPORTER_OTLP_TRACES_HEADERS="authorization=Bearer%20$(cat .watchline/receive-token)"\n'
        "  opentelemetry-instrument --traces_exporter otlp_proto_http python app.py",
    )
    parser.add_argument("--host", help="where it listens (default: WATCHLINE_RECEIVE_HOST, or 127.0.0.1)")
    parser.add_argument("--port", type=int, help="0 for any that is free (default: WATCHLINE_RECEIVE_PORT, or 4318)")
    parser.add_argument("--app", default="default", help="the app of spans without service.name (default: default)")
    parser.add_argument(
        "--environment",
        help="that of spans without deployment.environment.name (default: WATCHLINE_ENVIRONMENT, or default)",
    )


def run(args: argparse.Namespace) -> int:
    """Runs until SIGTERM or Ctrl-C."""
    from watchline.streams.ingest import process
    from watchline.streams.ingest.encoding import Source
    from watchline.streams.settings import load

    given = {"receive_host": args.host, "receive_port": args.port}
    settings = load(**{name: value for name, value in given.items() if value is not None})

    def say(text: str) -> None:
        out(text)
        sys.stdout.flush()  # whoever started it waits for the address

    environment = args.environment or os.environ.get("WATCHLINE_ENVIRONMENT") or "default"
    return process.run(settings, Source(args.app, environment), say)
