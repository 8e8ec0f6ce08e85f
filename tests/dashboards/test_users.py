"""The ClickHouse users, on the real engine: users.sql is what it can parse, users.xml says the same and is tried.

chDB has one user, `default`, no place to keep others, and reads users.xml only when its process starts: so each case
is a process in which `default` is given the profile and grants of one of our users. Passwords and networks are not
covered; nor does chDB ask for grants on `system`, as a server does: those are held against what our SQL reads.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import watchline.dashboards
from watchline.dashboards import audits
from watchline.schemas import migrate
from watchline.schemas.columns import TABLES, Text
from watchline.schemas.views import views

pytestmark = pytest.mark.slow  # each user is a process with an engine of its own

pytest.importorskip("chdb")
USERS = Path(watchline.dashboards.__file__).parent / "provisioning" / "clickhouse" / "users.xml"

MIGRATE = """
import json, sys, clickhouse_connect
from watchline.schemas import migrate
# The definer is `default` here, whose rights differ by process: name the user who migrates in earnest.
read = migrate.statements
migrate.statements = lambda path: [
    text.replace("SQL SECURITY DEFINER", "DEFINER = watchline_migrate SQL SECURITY DEFINER") for text in read(path)
]
client = clickhouse_connect.get_client(interface="chdb", path=sys.argv[1], chdb_options={"config-file": sys.argv[2]})
print(json.dumps([migrate.migrate(client, "watchline"), migrate.migrate(client, "watchline")]))
"""
TRY = """
import json, sys, clickhouse_connect
client = clickhouse_connect.get_client(interface="chdb", path=sys.argv[1], chdb_options={"config-file": sys.argv[2]})
allowed = []
for statement in sys.argv[3:]:
    try:
        client.query(statement)
        allowed.append(True)
    except Exception as error:
        # ILLEGAL_COLUMN, READONLY, SETTING_CONSTRAINT_VIOLATION, ACCESS_DENIED
        if error.code not in (44, 164, 452, 497):
            raise
        allowed.append(False)
print(json.dumps(allowed))
"""

READ = """
import json, sys, clickhouse_connect
from watchline.streams.query import run as query
from watchline.streams.query.reader import restrict
client = clickhouse_connect.get_client(interface="chdb", path=sys.argv[1], chdb_options={"config-file": sys.argv[2]})
client.command("USE watchline")
restrict(client)
print(json.dumps(query.run(client, "SELECT count() FROM v_feedback").rows))
"""


def as_user(name: str, folder: Path, script: str, *arguments: str, extra_grant: str = "") -> list[object]:
    """Runs a script on the engine in `folder`, with the rights of one of our users; returns what it printed."""
    document = ElementTree.fromstring(USERS.read_text(encoding="utf-8"))
    for password in document.iter("password"):
        assert password.attrib.pop("from_env")
        password.text = "x"
    users, profiles = document.find("users"), document.find("profiles")
    assert users is not None and profiles is not None
    grants = [grant.text for grant in document.findall(f"users/{name}/grants/query")] + [extra_grant]
    rights = "".join(f"<query>{grant}</query>" for grant in grants if grant)
    users.append(
        ElementTree.fromstring(
            f"<default><password></password><profile>{name}</profile><grants>{rights}</grants></default>"
        )
    )
    ElementTree.SubElement(profiles, "default")
    ElementTree.ElementTree(document).write(folder / f"{name}.users.xml")
    config = folder / f"{name}.config.xml"
    config.write_text(
        f"<clickhouse><users_config>{folder / name}.users.xml</users_config>"
        f"<backups><allowed_path>{folder}/</allowed_path></backups></clickhouse>"
    )
    command = [sys.executable, "-c", script, str(folder / "data"), str(config), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)
    assert result.returncode == 0, result.stderr
    return list(json.loads(result.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("users")
    grant = "GRANT SET DEFINER ON watchline_migrate"
    applied = as_user("watchline_migrate", folder, MIGRATE, extra_grant=grant)
    assert applied[0] and not applied[1]
    return folder


GOVERNED = {"governance", "governance_texts"}
RIGHTS = {
    "watchline_migrate": {
        "BACKUP DATABASE watchline TO File('copy')": True,
        "CHECK TABLE watchline.feedback": True,
        "SYSTEM REFRESH VIEW watchline.usage_hourly_refresh": True,
        "BACKUP DATABASE system TO File('system')": False,
        "ALTER TABLE watchline.feedback MODIFY TTL toDate(time) + 30 SETTINGS materialize_ttl_after_modify = 0": True,
        "ALTER TABLE watchline.feedback MATERIALIZE TTL": True,
        "ALTER TABLE watchline.feedback MODIFY SETTING materialize_ttl_recalculate_only = 0": True,
        "ALTER TABLE watchline.feedback DELETE WHERE 0": True,
        "INSERT INTO watchline.erased (stored_at) VALUES (0)": True,
    },
    "watchline_keeper": {
        **{f"INSERT INTO watchline.{name} (stored_at) VALUES (0)": name in GOVERNED for name in TABLES},
        "INSERT INTO watchline.governance (version) VALUES (1)": False,
        "DESCRIBE TABLE watchline.governance": True,
        "SELECT count() FROM watchline.governance": False,
        "SELECT count() FROM watchline.v_interactions": False,
        "ALTER TABLE watchline.governance DELETE WHERE 1": False,
    },
    "watchline_grafana": {
        "SELECT count() FROM watchline.v_interactions": True,
        "SELECT count() FROM watchline.v_spans": True,
        "SELECT count() FROM watchline.v_coverage": True,
        "SELECT count() FROM watchline.v_quality_hourly": True,
        "SELECT count() FROM watchline.v_refreshes": True,
        "SELECT count() FROM watchline.v_governance_texts": False,
        "SELECT count() FROM watchline.quality_hourly": False,
        "SELECT 1 SETTINGS max_execution_time = 65": True,  # as the plugin does
        "SELECT 1 SETTINGS max_memory_usage = 0": False,
        "SELECT count() FROM watchline.interactions": False,
        "SELECT * FROM file('/etc/hostname')": False,
        "INSERT INTO watchline.feedback (rating) VALUES (1)": False,
        "SET readonly = 0": False,
    },
    "watchline_worker": {
        **{f"INSERT INTO watchline.{name} (stored_at) VALUES (0)": name not in GOVERNED for name in TABLES},
        "INSERT INTO watchline.findings (version) VALUES (1)": False,
        "INSERT INTO watchline.findings (version) SETTINGS insert_allow_materialized_columns = 1 VALUES (1)": False,
        "INSERT INTO watchline.contents (hash) VALUES (1)": False,
        "INSERT INTO watchline.superseded (app) VALUES ('')": False,
        "INSERT INTO watchline.migrations (name) VALUES ('')": False,
        "DESCRIBE TABLE watchline.interactions": True,
        "SELECT count() FROM watchline.migrations": True,
        "SELECT count() FROM watchline.v_missing_events": True,
        "SELECT count() FROM watchline.v_missing_findings": True,
        "SELECT count() FROM watchline.v_ledger": True,
        "SELECT count() FROM watchline.v_ledger_gaps": True,
        "SELECT count() FROM watchline.v_detached_parts": True,
        "SELECT count() FROM watchline.ledger": False,
        "SELECT count() FROM watchline.interactions": False,
        "SELECT count() FROM watchline.feedback": False,
        "SELECT count() FROM watchline.v_feedback": False,
        "ALTER TABLE watchline.feedback DELETE WHERE 1": False,
        "ALTER TABLE watchline.feedback UPDATE rating = 5 WHERE 1": False,
        "TRUNCATE TABLE watchline.feedback": False,
        "DROP TABLE watchline.feedback": False,
        "DROP VIEW watchline.v_feedback": False,
        "BACKUP DATABASE watchline TO File('other')": False,
    },
    "watchline_reader": {
        "SELECT count() FROM watchline.v_interactions": True,
        "SELECT input FROM watchline.v_interactions": True,
        "SELECT count() FROM watchline.v_governance": True,
        "SELECT count() FROM watchline.v_governance_texts": False,
        "SELECT count() FROM watchline.interactions": False,
        "SELECT count() FROM system.users": False,
        "SELECT 1 SETTINGS use_query_cache = 1": False,
        "INSERT INTO watchline.feedback (rating) VALUES (1)": False,
        "SELECT 1 SETTINGS max_execution_time = 0": False,
    },
    "watchline_auditor": {
        **{f"SELECT count() FROM watchline.{name}": name != "v_spans" for name in views()},
        "SELECT app, tenant, redactions FROM watchline.v_interactions": True,
        "SELECT * FROM watchline.v_interactions": False,
        "SELECT count() FROM watchline.v_interactions WHERE output LIKE 'a%'": False,  # a filter reads too
        "SELECT count() FROM watchline.v_interactions GROUP BY input ORDER BY input": False,
        "SELECT subject FROM watchline.v_interactions": False,
        "SELECT comment FROM watchline.v_feedback": False,
        "SELECT count() FROM watchline.interactions": False,
        "SELECT count() FROM watchline.contents": False,
        "SELECT 1 SETTINGS use_query_cache = 1": False,
        "SELECT name FROM system.users": True,
        "SHOW GRANTS FOR watchline_worker": True,
        "INSERT INTO watchline.feedback (rating) VALUES (1)": False,
        "ALTER TABLE watchline.feedback DELETE WHERE 1": False,
        "GRANT ALTER ON watchline.* TO watchline_worker": False,
    },
    "watchline_privacy": {
        **{f"SELECT * FROM watchline.{name} LIMIT 0": True for name in views()},
        "SELECT count() FROM watchline.interactions": False,
        "INSERT INTO watchline.governance (position) VALUES (1)": False,
        "ALTER TABLE watchline.feedback DELETE WHERE 1": False,
    },
}


@pytest.mark.parametrize("user", RIGHTS)
def test_a_user_may_do_what_it_is_for_and_no_more(user: str, folder: Path) -> None:
    cases = RIGHTS[user]
    assert dict(zip(cases, as_user(user, folder, TRY, *cases), strict=True)) == cases


def test_an_auditor_is_granted_each_column_that_is_no_text_and_no_person() -> None:
    texts = {
        column.name
        for table in ("interactions", "feedback")
        for column in TABLES[table]
        for text in ([column.text] if isinstance(column.text, Text) else (column.text or {}).values())
        if text.kind in ("prose", "value", "pseudonym")
    } | {"input", "output"}  # which the view makes of them
    grants = ElementTree.fromstring(USERS.read_text(encoding="utf-8")).findall("users/watchline_auditor/grants/query")
    for view in ("v_interactions", "v_feedback"):
        (granted,) = (
            m[1] for grant in grants if (m := re.match(rf"GRANT SELECT\((.*)\) ON .*{view}$", grant.text or ""))
        )
        assert {*granted.split(", ")} == {column.name for column in views()[view].columns} - texts


def test_the_reader_reads_through_the_command_line(folder: Path) -> None:
    assert as_user("watchline_reader", folder, READ)


def test_rollups_refresh_with_the_rights_of_who_migrated(folder: Path) -> None:
    rollups = ("quality_hourly", "usage_hourly")
    statements = [f"SYSTEM {what} VIEW watchline.{name}_refresh" for name in rollups for what in ("REFRESH", "WAIT")]
    allowed = as_user("watchline_migrate", folder, TRY, *statements)
    assert allowed == [True] * len(statements)  # WAIT fails where the refresh did


def test_users_sql_is_what_the_engine_parses_and_users_xml_says(clickhouse: Callable[..., Any]) -> None:
    client = clickhouse("users", migrated=False)

    def formatted(sql: str) -> str:
        return str(
            client.query("SELECT formatQuerySingleLine({sql:String})", parameters={"sql": sql}).result_rows[0][0]
        )

    parsed = [formatted(statement) for statement in migrate.statements(USERS.with_suffix(".sql"))]
    document = ElementTree.fromstring(USERS.read_text(encoding="utf-8"))
    said = [
        formatted(f"{grant.text} {'TO' if (grant.text or '').startswith('GRANT') else 'FROM'} {user.tag}")
        for user in document.findall("users/*")
        for grant in user.findall("grants/query")
    ]
    # What takes back the rights of earlier versions stands before there is something to take back, in users.sql alone.
    grants = [text for text in parsed if text.startswith("GRANT") or text in said]
    assert grants == said
    assert {text.split(" FROM ")[-1] for text in parsed if text.startswith("REVOKE") and text not in said} == {
        "watchline_worker",
        "watchline_auditor",
    }
    created = dict(re.findall(r"^CREATE USER IF NOT EXISTS (\w+) (.*)$", "\n".join(parsed), re.M))
    assert list(created) == [user.tag for user in document.findall("users/*")]
    for user, text in created.items():
        password = user.removeprefix("watchline_") + "_password"
        settings = ", ".join(_settings(document, user))
        expected = (
            f"IDENTIFIED WITH sha256_password BY {{{password}:String}}{' SETTINGS ' if settings else ''}{settings}"
        )
        assert text == expected


# Which run with the rights of the migration, and no other's.
MIGRATING = ("streams/clickhouse/retention.py", "streams/governance/eraser.py")
READS = {
    "watchline_migrate": ("schemas/**/*.py", "schemas/clickhouse/*.sql", *MIGRATING),
    "watchline_worker": ("streams/**/*.py",),
    "watchline_reader": ("streams/**/*.py", "dashboards/*.py", "dashboards/audit/*.sql", "dashboards/runbooks/*.md"),
    "watchline_auditor": ("streams/**/*.py", "dashboards/*.py", "dashboards/audit/*.sql"),
    "watchline_grafana": ("dashboards/provisioning/boards/*.json", "dashboards/provisioning/alerting/*.yaml"),
}
# To all users, whatever `select_from_system_db_requires_grant` says; the server documents these.
OPEN = {"one", "databases", "tables", "columns", "settings"}  # the last: the session's own


@pytest.mark.parametrize("user", READS)
def test_a_user_is_granted_the_tables_of_system_that_its_sql_reads(user: str) -> None:
    root = Path(watchline.dashboards.__path__[0]).parent
    files = [list(root.glob(pattern)) for pattern in READS[user]]
    assert all(files)
    others = {root / name for name in MIGRATING if name not in READS[user]}
    theirs = {path for found in files for path in found} - others
    sql = "\n".join(path.read_text(encoding="utf-8") for path in theirs)
    read = {name.lower() for name in re.findall(r"\bsystem`?\.`?(\w+)", sql, re.I)}
    grants = ElementTree.fromstring(USERS.read_text(encoding="utf-8")).findall(f"users/{user}/grants/query")
    granted = {
        found[1]
        for grant in grants
        if (found := re.fullmatch(r"GRANT SELECT(?:\(.*\))? ON system\.(\w+)", grant.text or ""))
    }
    assert read <= granted | OPEN


def _settings(document: ElementTree.Element, profile: str) -> list[str]:
    """What a profile of users.xml sets, as SQL says it."""
    found = []
    for setting in document.findall(f"profiles/{profile}/*"):
        if setting.tag != "constraints":
            limits = document.find(f"profiles/{profile}/constraints/{setting.tag}")
            maximum, constant = (limits.find(name) if limits is not None else None for name in ("max", "readonly"))
            limited = f" MAX {maximum.text}" if maximum is not None else ""
            found.append(f"{setting.tag} = {setting.text}{limited}{' CONST' if constant is not None else ''}")
    return found


@pytest.mark.parametrize(
    ("user", "refused"),
    [
        (
            "watchline_auditor",
            {
                "people_touched",
                "personal_data_leaks",
                "prompts_served",
                "subject_access",
                "subject_judgements",
                "unsupported_answers",
            },
        ),
        ("watchline_reader", {"records_of_processing"}),
        ("watchline_privacy", set()),
    ],
)
def test_who_may_ask_which_audit_query(user: str, refused: set[str], folder: Path) -> None:
    """As `dashboards/audit/README.md` says: no pseudonym or text for the auditor, people's words not on call."""
    script = TRY.replace("allowed = []", "allowed = []\nclient.command('USE watchline')")
    allowed = as_user(user, folder, script, *(audits.load(name).statement() for name in audits.names()))
    assert {name for name, may in zip(audits.names(), allowed, strict=True) if not may} == refused
