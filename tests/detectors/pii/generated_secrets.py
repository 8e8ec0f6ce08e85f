"""Secrets of every provider's form and of people's making, and lines that look as if they held one; all by chance."""

from __future__ import annotations

import base64
import json
import random
import re._constants as constants  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import string
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from watchline.detectors.pii import secrets

_DIGITS, _LETTERS = string.digits, string.ascii_letters
_WORDS = (
    *("amber", "basin", "cedar", "delta", "ember", "fjord", "gravel", "harbor"),
    *("island", "juniper", "kettle", "lantern", "meadow", "nickel", "orchard"),
)
_SIGNS = "!@#%^*?~+"
NAMES = {
    "password": (
        *(
            "password",
            "db_password",
            "DB_PASSWORD",
            "userPassword",
            "passwd",
            "MYSQL_PWD",
            "root-password",
            "smtp_pass",
        ),
        *("passphrase", "admin_passcode", "keystorePassword"),
    ),
    "token": (
        *(
            "api_key",
            "apiKey",
            "X-Api-Key",
            "SERVICE_TOKEN",
            "access_token",
            "client_secret",
            "clientSecret",
            "auth-token",
        ),
        *("SECRET_KEY", "signing_key", "refreshToken", "ENCRYPTION_KEY", "private_key", "webhook_secret"),
    ),
}
# What a value stands in with its name, and alone.
CONTEXTS: dict[str, Callable[[str, str], str]] = {
    "JSON compact": lambda name, value: json.dumps({"id": 7, name: value, "ok": True}, separators=(",", ":")),
    "JSON spaced": lambda name, value: json.dumps({"host": "db1", name: value}, indent=2),
    "JSON in JSON": lambda name, value: json.dumps({"body": json.dumps({name: value})}),
    "YAML": lambda name, value: f"service:\n  {name}: {value}\n  port: 5432\n",
    "YAML quoted": lambda name, value: f'service:\n  {name}: "{value}"\n',
    "env": lambda name, value: f"PORT=5432\n{name.upper().replace('-', '_')}={value}\nDEBUG=1\n",
    "shell": lambda name, value: f"export {name.upper().replace('-', '_')}='{value}' && ./run.sh",
    "Python": lambda name, value: f'client = connect(host, {name.replace("-", "_").lower()}="{value}")\n',
    "JavaScript": lambda name, value: f"const {name.replace('-', '_')} = '{value}';\n",
    "log": lambda name, value: f"2026-03-01T10:00:00Z WARN retrying login {name}={value} attempt=2\n",
    "prose": lambda name, value: f"The {name.replace('_', ' ').replace('-', ' ')} is {value} and it stopped working.",
    "XML": lambda name, value: f"<config><host>db1</host><{name}>{value}</{name}></config>",
    "query string": lambda name, value: f"GET /login?user=jr&{name}={value}&page=2 HTTP/1.1",
    "connection string": lambda name, value: f"Server=db1;Database=shop;{name}={value};Timeout=30",
    "name and value": lambda name, value: json.dumps({"env": [{"name": name, "value": value}]}),
}
ALONE: dict[str, Callable[[str], str]] = {
    "chat": lambda value: f"I put {value} in the config, is that fine?",
    "CSV": lambda value: f"id,owner,value\n7,ops,{value}\n8,dev,none\n",
    "CSV quoted": lambda value: f'"7","ops","{value}"\n',
    "list": lambda value: f"keys = ['{value}', 'none']\n",
    "Markdown table": lambda value: f"| name | value |\n|---|---|\n| ci | {value} |\n",
    "HTTP header": lambda value: f"GET / HTTP/1.1\nHost: api.example.com\nX-Auth: {value}\nAccept: */*\n",
    "log": lambda value: f"2026-03-01 10:00:00 INFO sent {value} to vault\n",
    "escaped": lambda value: json.dumps({"log": f"first line\n{value}\nlast line"}),
}


def keys(r: random.Random, number: int) -> Iterator[tuple[str, str]]:
    """Names and keys: so many of each alternative of each provider's form."""
    for form in tomllib.loads((Path(secrets.__file__).parent / "secret_formats.toml").read_text())["format"]:
        tree = list(parsed(form["pattern"]))
        branches = tree[0][1][1] if len(tree) == 1 and tree[0][0] is constants.BRANCH else [tree]
        if len(tree) == 1 and tree[0][0] is constants.SUBPATTERN:
            inner = list(tree[0][1][-1])
            branches = inner[0][1][1] if len(inner) == 1 and inner[0][0] is constants.BRANCH else [inner]
        for place, branch in enumerate(branches):
            for _ in range(number):
                yield f"{form['provider'][:24]} {place}", sample(r, branch)


def parsed(pattern: str) -> Any:
    """The tree of a pattern, for `sample`."""
    return parser.parse(pattern)


def sample(r: random.Random, tree: Any) -> str:
    """A text that a pattern matches, its assertions aside; repetitions are short, or a little longer."""
    text = ""
    for operator, value in tree:
        if operator is constants.LITERAL:
            text += chr(value)
        elif operator is constants.IN:
            text += chr(r.choice([char for kind, inner in value for char in _choices(kind, inner)]))
        elif operator in (constants.MAX_REPEAT, constants.POSSESSIVE_REPEAT):
            least, most, body = value
            text += "".join(sample(r, body) for _ in range(r.randint(least, min(most, least + 3))))
        elif operator is constants.SUBPATTERN:
            text += sample(r, value[-1])
        elif operator is constants.BRANCH:
            text += sample(r, r.choice(value[1]))
        elif operator not in (constants.ASSERT, constants.ASSERT_NOT):
            raise NotImplementedError(operator)
    return text


def _choices(kind: Any, inner: Any) -> list[int]:
    if kind is constants.LITERAL:
        return [inner]
    return (
        list(range(inner[0], inner[1] + 1)) if kind is constants.RANGE else [ord(char) for char in _LETTERS + _DIGITS]
    )


def password(r: random.Random) -> tuple[str, str]:
    """A kind, and a password of it."""
    kind = r.choice(["word and figures", "mixed", "mixed with signs", "words with dashes"])
    if kind == "word and figures":
        return kind, r.choice(_WORDS) + str(r.randint(10, 9999)) + r.choice(["", "!"])
    if kind == "words with dashes":
        return kind, "-".join(r.sample(_WORDS, 4))
    alphabet = _LETTERS + _DIGITS + (_SIGNS if "signs" in kind else "")
    value = "".join(r.choices(alphabet, k=r.randint(8, 20)))
    return kind, r.choice(_LETTERS) + value + r.choice(_DIGITS)


def token(r: random.Random) -> tuple[str, str]:
    """A kind, and a token of it that no provider's form fits."""
    kind = r.choice(["hex", "base62", "base64", "base64url"])
    if kind == "hex":
        return kind, r.randbytes(r.choice([16, 20, 32])).hex()
    if kind == "base62":
        return kind, "".join(r.choices(_LETTERS + _DIGITS, k=r.randint(20, 48)))
    encode = base64.b64encode if kind == "base64" else base64.urlsafe_b64encode
    return kind, encode(r.randbytes(r.randint(18, 48))).decode().rstrip("=")


def formed(r: random.Random) -> dict[str, tuple[str, str]]:
    """By kind, a text and the secret in it: what has a form of its own, whoever issued it."""
    word, other = r.sample(_WORDS, 2)
    _, chosen = password(r)
    safe = chosen.translate({ord(char): "-" for char in _SIGNS})
    lines = "\n".join(base64.b64encode(r.randbytes(48)).decode() for _ in range(r.randint(2, 9)))
    label = r.choice(["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
    pem = f"-----BEGIN {label}PRIVATE KEY-----\n{lines}\n-----END {label}PRIVATE KEY-----"
    part = [base64.urlsafe_b64encode(data).decode().rstrip("=") for data in (b'{"alg":"HS256"}', r.randbytes(32))]
    claims = base64.urlsafe_b64encode(json.dumps({"sub": word, "iat": r.randint(10**9, 2 * 10**9)}).encode())
    jwt = f"{part[0]}.{claims.decode().rstrip('=')}.{part[1]}"
    scheme = r.choice(["postgres", "mysql", "redis", "amqp", "mongodb+srv", "https"])
    url = f"{scheme}://{r.choice(['', word])}:{safe}@{other}.example.com:5432/{word}"
    login = base64.b64encode(f"{word}:{chosen}".encode()).decode()
    session = r.choice(["hex", "base62"])
    cookie = _hex(r, 32) if session == "hex" else "s%3A" + "".join(r.choices(_LETTERS + _DIGITS, k=32))
    return {
        "private key": (f"key of {word}:\n{pem}\nthat was it", pem),
        "private key escaped": (json.dumps({"id": word, "pem": pem}), pem.replace("\n", "\\n")),
        "private key cut off": (pem.partition("\n-----END")[0], pem.partition("\n-----END")[0]),
        "JSON Web Token": (f"I sent {jwt} to {word}", jwt),
        "URL": (f"{word.upper()}_URL={url}\nDEBUG=1", url),
        "URL in JSON": (json.dumps({"broker": url, "n": 1}), url),
        "basic authentication": (f"{word}: 1\nAuthorization: Basic {login}\nAccept: */*", login),
        "bearer": (f"curl -H 'Authorization: Bearer {part[1]}' https://{word}.example.com", part[1]),
        "cookie": (f"Cookie: theme=dark; {word}_sid={cookie}; lang=en", cookie),
        "cookie set": (f"Set-Cookie: session={cookie}; Path=/; HttpOnly", cookie),
        "curl": (f"curl -s -u {word}:{chosen} https://{other}.example.com/", chosen),
        "command": (f"mysql -u {word} -p{chosen} {other} < dump.sql", chosen),
        "option": (f"./deploy --user {word} --password {chosen} --force", chosen),
        "SQL": (f"CREATE USER {word} IDENTIFIED BY '{chosen}';", chosen),
    }


def _hex(r: random.Random, size: int) -> str:
    return r.randbytes(size // 2).hex()


def benign(r: random.Random) -> str:
    """A line of code, a log, SQL or documentation with what looks like a secret, or like its name, and is none."""
    name = r.choice([*NAMES["password"], *NAMES["token"]])
    code = name.replace("-", "_")
    word, other = r.sample(_WORDS, 2)
    upper = code.upper()
    uuid = f"{_hex(r, 8)}-{_hex(r, 4)}-4{_hex(r, 4)[1:]}-a{_hex(r, 4)[1:]}-{_hex(r, 12)}"
    mixed = "".join(r.choices(_LETTERS + _DIGITS, k=29))
    return r.choice(
        [
            f"{code} = get_{word}_{other}()",
            f"{code} = self.{word}.{code}",
            f"{code} = {word}_{other}2",
            f"def connect({word}: int, {code}: str, {other}: str = ''):",
            f"{code}: string;",
            f"{code}: Optional[str] = None",
            f'"{code}": "string", "required": true',
            f"{code}: required",
            f"{upper}=${{{upper}}}",
            f"{upper}=${upper}",
            f'{code} = os.environ["{upper}"]',
            f"{code}: process.env.{upper},",
            f"{code}: ${{{{ secrets.{upper} }}}}",
            f"{code}: <your-{word}-key>",
            f"{upper}=YOUR_{word.upper()}_KEY",
            f"{code}: {{{{{word}_{other}}}}}",
            f"{code}={'*' * r.randint(6, 16)}",
            f"{code}: {'x' * r.randint(8, 30)}",
            f'"{code}": "%s"',
            f"{name} must be at least {r.randint(8, 40)} characters and have a digit",
            f"The {name} was rotated {r.randint(2, 90)} days ago by {word}.",
            f"max_tokens: {r.randint(100, 9000)}, tokens: {r.randint(100, 9000)}",
            f"pass: {r.randint(1, 99)}, fail: {r.randint(1, 99)}",
            f'"id": "chatcmpl-{mixed}", "object": "chat.completion"',
            f'"id": "resp_{_hex(r, 50)}", "call_id": "call_{mixed[:24]}", "msg": "msg_{_hex(r, 40)}"',
            f"request_id=req_{_hex(r, 32)} trace_id={_hex(r, 32)} span_id={_hex(r, 16)}",
            f"commit {_hex(r, 40)}",
            f"session {uuid} closed",
            f"ALTER TABLE {word}s ADD CONSTRAINT pk_{word}_{other}_line_items PRIMARY KEY (id)",
            f"CREATE INDEX sk_{word}_{other}_by_created_at ON {word}s ({other})",
            f"import {{ run }} from 'pk-{word}-{other}-and-helpers-build-tools'",
            f'<img src="data:image/png;base64,{base64.b64encode(r.randbytes(120)).decode()}">',
            f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA{base64.b64encode(r.randbytes(33)).decode()} {word}@{other}",
            f'"integrity": "sha512-{base64.b64encode(r.randbytes(64)).decode()}"',
            f"{word}@sha256:{_hex(r, 64)}",
            f"next_page_token: {mixed}",
            f"cache_key = 'user:{r.randint(1, 9999)}:{word}'",
            f"postgres://user:password@{word}.example.com/{other}",
            f"redis://:${{{upper}}}@{word}:6379/0",
            f"Cookie: a=b; theme=dark; lang=en-GB; {word}={other}",
            f"Authorization: Bearer ${upper}",
            f"Authorization: Bearer <token>  # for {word}",
            f"See the {name} section in docs/{word}/{other}-2.md.",
            f"{code}_path: /run/secrets/{word}_{other}1",
            f"{code}_type: {word}2-{other}",
            f"-----BEGIN PRIVATE KEY----- marks where the key of {word} starts.",
        ]
    )
