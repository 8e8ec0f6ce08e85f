"""Starts the store process of an embedded store, for a worker or for one command."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from importlib.util import find_spec

from watchline.schemas.errors import ConfigurationError, FatalError
from watchline.schemas.extras import how_to_install
from watchline.streams.child import Child
from watchline.streams.embedded.store_process import REASONS, answers
from watchline.streams.settings import Settings

LONGEST_PAUSE_S = 1.0  # before it is started again: nothing is stored meanwhile
START_S = 120.0  # a folder with much in it takes its time
MAX_PATH_BYTES = 107  # of a socket: the kernel's


@contextlib.contextmanager
def own(settings: Settings) -> Iterator[Child]:
    """A store process for as long as this is entered: `connect` reaches it.

    Raises FatalError where another process serves or holds the folder or it is damaged, ConfigurationError where the
    extra is missing or the path is too long for a socket.
    """
    path, folder = settings.store_socket, settings.data_dir / "clickhouse"
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise ConfigurationError(
            f"WATCHLINE_DATA_DIR: {path} is too long for a socket (at most {MAX_PATH_BYTES} bytes); "
            "a relative path will do"
        )
    if find_spec("chdb") is None:
        raise ConfigurationError(f"the embedded store needs the extra `embedded`; {how_to_install('embedded')}")
    module = "watchline.streams.embedded.store_process"
    title = f"the store process of {folder}"
    store = Child(title, module, str(folder), str(path), reasons=REASONS, longest_pause_s=LONGEST_PAUSE_S)
    try:
        yield store.start(START_S)
    finally:
        store.stop()


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[None]:
    """A store that answers: a server, the store process that runs, or else one for as long as this is entered.

    Raises what `own` raises.
    """
    with contextlib.ExitStack() as stack:
        if settings.embedded_store and not answers(settings.store_socket):
            try:
                stack.enter_context(own(settings))
            except FatalError:
                if not answers(settings.store_socket):  # it may be another's that began at the same time
                    raise
        yield
