"""Any text in the environment or the TOML file: settings, or a ConfigurationError that names the setting, no secret."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

from hypothesis import example, given
from hypothesis import strategies as st

from watchline.schemas.errors import ConfigurationError
from watchline.streams.settings import PREFIX, Settings, load, shown

SECRET = "hunter2-is-the-password"
NAMES = sorted(Settings.model_fields)
SECRETS = [name for name in NAMES if name.endswith("_password")]

_odd = st.sampled_from(
    (
        *(
            "",
            " ",
            "0",
            "-1",
            "1e999",
            "nan",
            "inf",
            "1_000",
            "true",
            "null",
            "{}",
            "[]",
            '{"a": 1}',
            "[" * 2_000,
            "\udc80",
        ),
        *(
            "http://[",
            "https://[::1",
            "http://h:99999",
            "http://h:port",
            "chdb://",
            "//",
            "kafka://",
            "a:1,,b",
            "\u0661",
        ),
        *("..", "/dev/null", "~", "x" * 5_000, "/proc/self/mem", "pii,pii", ",", "cpu\n", "1" * 5_000),
    )
)
_logins = st.sampled_from(
    (
        *(f"{scheme}u:{SECRET}@h:1" for scheme in ("http://", "https://", "kafka://", "x://", "//", "")),
        *(f"http://u:{SECRET}@[", f"http://u:{SECRET}@h,http://v:{SECRET}@i", f"u:{SECRET}@", f"http://u:a/{SECRET}@h"),
    )
)
_text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


def outcome(variables: Mapping[str, str], file: bytes) -> ConfigurationError | None:
    """What `load` raises, which is ConfigurationError or nothing; neither it nor what is shown has the secret."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "watchline.toml"
        path.write_bytes(file)
        with mock.patch.dict(os.environ, {**variables, f"{PREFIX}CONFIG": str(path)}):
            try:
                settings = load()
            except ConfigurationError as error:
                assert SECRET not in str(error)
                return error
            assert SECRET not in str(shown(settings)) + repr(settings)
    return None


@given(st.dictionaries(st.sampled_from(NAMES), _odd | _logins | _text, min_size=1, max_size=3))
def test_any_environment(values: dict[str, str]) -> None:
    error = outcome({PREFIX + name.upper(): value for name, value in values.items()}, b"")
    if error is not None:
        assert any(PREFIX + name.upper() in str(error) for name in values) or "KAFKA_" in str(error)


@given(st.sampled_from(SECRETS), st.sampled_from(NAMES), _odd)
def test_a_password_is_not_told(name: str, other: str, value: str) -> None:
    values = {PREFIX + other.upper(): value, PREFIX + name.upper(): SECRET}
    outcome(values, b"")


_toml = st.sampled_from(
    (
        *(
            "1",
            "-1",
            "1e400",
            "nan",
            "inf",
            "true",
            '""',
            '"x"',
            "[]",
            "[1, 2]",
            '["pii"]',
            "{}",
            "{a = 1}",
            "2026-01-01",
        ),
        *("[[[]]]", "0x10", "'''x'''", f'"http://u:{SECRET}@h"', "[" * 2_000, '"\\ud800"', '"\\u0000"', "9" * 5_000),
    )
)


@given(st.dictionaries(st.sampled_from(NAMES), _toml, max_size=3))
def test_any_values_in_the_file(values: dict[str, str]) -> None:
    outcome({}, "".join(f"{name} = {value}\n" for name, value in values.items()).encode())


@given(st.binary(max_size=30) | st.text(max_size=30).map(str.encode))
@example(b"\xff\xfe")
@example(b"batch_size.x.y = 1\n")
@example(b"[batch_size]\nx = 1\n")
@example(b"[[kafka_url]]\n")
@example(b"x = " + b"[" * 5_000 + b"\n")
def test_any_bytes_in_the_file(data: bytes) -> None:
    outcome({}, data)


@given(
    st.sampled_from(SECRETS), st.sampled_from([f'["{SECRET}"]', f'{{a = "{SECRET}"}}', f'"{SECRET}', f'"{SECRET}\\q"'])
)
def test_a_password_in_the_file_is_not_told(name: str, value: str) -> None:
    assert outcome({}, f"{name} = {value}\n".encode())
