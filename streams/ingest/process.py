"""The receiver as a process: from its settings to its end."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
from collections.abc import Callable

from watchline.schemas.errors import ConfigurationError
from watchline.schemas.pseudonyms import pseudonym
from watchline.streams.ingest.encoding import Source
from watchline.streams.ingest.publisher import Publisher
from watchline.streams.ingest.receiver import PATH, Receiver, serve
from watchline.streams.kafka import schema_registry, topics
from watchline.streams.security import own_folder, secret_files
from watchline.streams.settings import Settings

TOKEN_FILE = "receive-token"  # noqa: S105
LEAST_TOKEN = 16  # characters


def run(settings: Settings, default: Source, say: Callable[[str], None]) -> int:
    """Receives until SIGTERM or Ctrl-C; what it has begun is finished then."""
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    token, where = find_token(settings)
    key = secret_files.read("WATCHLINE_SUBJECT_KEY")
    asyncio.run(_receive(settings, default, token, where, key, say))
    return 0


def find_token(settings: Settings) -> tuple[str, str]:
    """The token, and how a shell gets it: that of the settings, else one that is made here once.

    Raises
    ------
    ConfigurationError
        One that is set is short enough to be guessed, or is no header's text.
    """
    if token := settings.receive_token.get_secret_value():
        if len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigurationError(
                f"WATCHLINE_RECEIVE_TOKEN: {LEAST_TOKEN} characters or more of ASCII without spaces; "
                "`openssl rand -hex 32` makes one"
            )
        return token, "$WATCHLINE_RECEIVE_TOKEN"
    own_folder.make(settings.data_dir)
    file = settings.data_dir / TOKEN_FILE
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        token = file.read_text(encoding="ascii").strip()
        if len(token) < LEAST_TOKEN:
            raise ConfigurationError(f"{file}: holds no token; delete it to have one made") from None
    else:
        token = secrets.token_urlsafe(32)
        with os.fdopen(descriptor, "w") as written:
            written.write(token)
    return token, f"$(cat {file})"


async def _receive(
    settings: Settings, default: Source, token: str, where: str, key: str, say: Callable[[str], None]
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    registry = schema_registry.connect(settings.schema_registry, settings.topic_prefix)
    topic = topics.interactions(settings.topic_prefix)
    publisher = Publisher(settings.kafka_client, topic, registry)
    receiver = Receiver(publisher, token, default, lambda subject: pseudonym(subject, key) if key else None)
    try:
        runner, port = await serve(receiver, settings.receive_host, settings.receive_port)
        host = f"[{settings.receive_host}]" if ":" in settings.receive_host else settings.receive_host
        say(f"takes traces at http://{host}:{port}{PATH}, for {topic} at {settings.bootstrap_servers}")
        say(f'header  "authorization: Bearer {where}"')
        if not await publisher.is_ready():
            say("Kafka doesn't answer, or the topic is missing (`watchline migrate`): senders are told to send again")
        await stop.wait()
        await runner.cleanup()  # waits for requests that it has begun to answer
    finally:
        await publisher.close()
    say(f"stopped; {receiver.metrics.report()['events']} events received")
