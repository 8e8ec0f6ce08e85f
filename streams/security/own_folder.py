"""A folder for one user's processes: nobody else's, and not by a link that somebody else has put there."""

from __future__ import annotations

import os
from pathlib import Path

from watchline.schemas.errors import ConfigurationError


def make(folder: Path) -> None:
    """Makes a folder of WATCHLINE_DATA_DIR, open to its owner only; one that is there stays as it is.

    Raises
    ------
    ConfigurationError
        It, or a link in its place, belongs to another user than root, who could read or replace what is put there; or
        there is something that is no folder.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     make(Path(parent) / "data")
    ...     oct((Path(parent) / "data").stat().st_mode)
    '0o40700'
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ConfigurationError(f"WATCHLINE_DATA_DIR: {folder} is no folder, or lies in none") from None
    for owner in {folder.lstat().st_uid, folder.stat().st_uid} - {0, os.geteuid()}:
        raise ConfigurationError(
            f"WATCHLINE_DATA_DIR: {folder} belongs to user {owner}, and this process runs as user {os.geteuid()}: "
            f"name another folder, or give it to this user (chown)"
        )
