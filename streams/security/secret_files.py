"""Secrets that lie in files, as containers get them: `VARIABLE_FILE` names the file in place of `VARIABLE`.

Without pydantic, which the base install lacks: the producer reads secrets too.
"""

from __future__ import annotations

import os
from pathlib import Path

from watchline.schemas.errors import ConfigurationError


def read(variable: str) -> str:
    """The secret of an environment variable, from there or from its file; empty where neither is set.

    Parameters
    ----------
    variable : str
        As `WATCHLINE_KAFKA_PASSWORD`. The line end at the end of its file is no part of the secret.

    Raises
    ------
    ConfigurationError
        Names the variable and the file where both are set, or the file can't be read, is empty or isn't UTF-8.

    Examples
    --------
    >>> read("WATCHLINE_SUBJECT_KEY")  # neither is set
    ''
    """
    value, file = os.environ.get(variable, ""), os.environ.get(f"{variable}_FILE", "")
    if not file:
        return value
    setting = f"{variable}_FILE: {file}"
    if value:
        raise ConfigurationError(f"{setting}: {variable} is set too; set one of them")
    try:
        secret = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigurationError(f"{setting}: {error.strerror or type(error).__name__}") from None
    except ValueError:  # UnicodeDecodeError, which quotes the bytes; a NUL in the path
        raise ConfigurationError(f"{setting}: not a file of text in UTF-8") from None
    if not secret:
        raise ConfigurationError(f"{setting}: is empty; it must hold the secret")
    return secret
