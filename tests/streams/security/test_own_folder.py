from __future__ import annotations

import os
import signal
import socket
import stat
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import urllib3

from watchline.schemas.errors import ConfigurationError
from watchline.streams.clickhouse.unix_socket import pool_manager
from watchline.streams.security import own_folder

NOBODY, SOMEBODY = 65534, 1
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as two other users")


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user reaches."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def as_user(user: int, act: Callable[[], object]) -> int:
    """Acts as another user in a process of its own; gives its exit code, which is 1 for any exception."""
    if (pid := os.fork()) == 0:
        code = 1
        try:
            os.setgid(user)
            os.setuid(user)
            act()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_new_one_is_its_owners_and_one_that_is_there_stays(tmp_path: Path) -> None:
    own_folder.make(tmp_path / "a" / "new")
    assert stat.S_IMODE((tmp_path / "a" / "new").stat().st_mode) == 0o700
    (tmp_path / "link").symlink_to(tmp_path)
    for _ in range(2):
        own_folder.make(tmp_path / "link" / "in")
        own_folder.make(tmp_path / "link")


@pytest.mark.parametrize("what", ["a file", "in a file", "a link to nothing"])
def test_what_is_no_folder_is_said(what: str, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "a link to nothing").symlink_to(tmp_path / "nothing")
    folder = tmp_path / "a file" / "in" if what == "in a file" else tmp_path / what
    with pytest.raises(ConfigurationError, match=r"WATCHLINE_DATA_DIR: .* is no folder, or lies in none"):
        own_folder.make(folder)


@as_root
def test_another_users_folder_or_link_is_refused(shared: Path) -> None:
    (shared / "theirs").mkdir()
    os.chown(shared / "theirs", NOBODY, NOBODY)
    (shared / "mine").mkdir()
    (shared / "link").symlink_to(shared / "mine")
    os.chown(shared / "link", NOBODY, NOBODY, follow_symlinks=False)
    (shared / "mine" / "clickhouse").symlink_to(shared / "theirs")
    for folder in (shared / "theirs", shared / "link", shared / "mine" / "clickhouse"):
        with pytest.raises(ConfigurationError, match=f"{folder} belongs to user {NOBODY}, .* runs as user 0"):
            own_folder.make(folder)
    own_folder.make(shared / "mine")
    assert as_user(NOBODY, lambda: own_folder.make(shared / "theirs")) == 0
    assert as_user(SOMEBODY, lambda: own_folder.make(shared / "theirs")) == 1


@as_root
def test_a_socket_where_another_user_answers_is_not_asked(shared: Path) -> None:
    """Who may write into the folder could put a socket there and get what is to be stored."""
    path = shared / "store.sock"
    listening, asked = os.pipe()

    def serve() -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.fspath(path))
            path.chmod(0o777)
            server.listen()
            os.write(asked, b"listening")
            while True:
                connection, _ = server.accept()
                if connection.recv(1000):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nOk.\n")

    def ask() -> None:
        assert pool_manager(path).request("GET", "http://x/ping", retries=False, timeout=10).data == b"Ok.\n"

    def refused() -> None:
        with pytest.raises(urllib3.exceptions.NewConnectionError, match=f"user {SOMEBODY} answers there"):
            ask()

    if (server := os.fork()) == 0:
        try:
            os.setgid(SOMEBODY)
            os.setuid(SOMEBODY)
            serve()
        finally:
            os._exit(1)
    os.close(asked)
    try:
        assert os.read(listening, 9) == b"listening"
        assert as_user(NOBODY, refused) == 0
        assert as_user(SOMEBODY, ask) == 0
        ask()  # as root
    finally:
        os.close(listening)
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)
