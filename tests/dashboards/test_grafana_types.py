"""The boards against Grafana's own types (`@grafana/schema`, from npm) and the query model of the ClickHouse plugin.

No Grafana runs in the tests: this is what can be checked without one. TypeScript's enums are read as their texts, which
is what they are in JSON; two things that Grafana writes and reads are not in its type: a variable's `definition`, and
what a query of the plugin has (its `src/types/sql.ts`, 4.20.0).
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.test_boards import boards

pytestmark = pytest.mark.slow

PACKAGES = ("@grafana/schema@13.2.3", "typescript@5.9.3")
OPTIONS = {
    "timeseries": "timeseries/panelcfg/x/TimeSeriesPanelCfg",
    "stat": "stat/panelcfg/x/StatPanelCfg",
    "bargauge": "bargauge/panelcfg/x/BarGaugePanelCfg",
    "table": "table/panelcfg/x/TablePanelCfg",
    "heatmap": "heatmap/panelcfg/x/HeatmapPanelCfg",
    "state-timeline": "statetimeline/panelcfg/x/StateTimelinePanelCfg",
}
HEAD = """
import type { Dashboard, DataQuery, Panel, VariableModel, AnnotationQuery } from "@grafana/schema";

type Json<T> = T extends string ? `${T}` : T extends number | boolean | null | undefined ? T
    : T extends (infer E)[] ? Json<E>[]
    : T extends object ? { [K in keyof T]: Json<T[K]> } : unknown;
type Query = Json<DataQuery> & { editorType: "sql"; format: 0 | 1 | 2 | 3; rawSql: string;
    queryType: "timeseries" | "table" | "logs" | "traces" };
type Annotation = Omit<Json<AnnotationQuery>, "target"> & { target: Query };
type Variable = Json<VariableModel> & { definition?: string };
type OnePanel = Omit<Json<Panel>, "targets"> & { targets: Query[] };
type Row = { type: "row"; id: number; title: string; collapsed: boolean; panels: []; gridPos: Json<Panel>["gridPos"] };
type Board = Omit<Json<Dashboard>, "annotations" | "templating" | "panels"> & {
    annotations: { list: Annotation[] }; templating: { list: Variable[] }; panels: (OnePanel | Row)[] };
type Partly<T> = T extends object ? { [K in keyof T]?: Partly<T[K]> } : T;
"""


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm here")
    folder = tmp_path_factory.mktemp("grafana")
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    if done.returncode != 0:
        pytest.skip(f"npm can't fetch Grafana's types: {done.stderr.strip()[-200:]}")
    return folder


def errors(folder: Path, text: str) -> list[str]:
    (folder / "boards.ts").write_text(text, encoding="utf-8")
    compiler = folder / "node_modules" / ".bin" / "tsc"
    flags = ["--strict", "--noEmit", "--skipLibCheck", "--module", "node16", "--moduleResolution", "node16"]
    done = subprocess.run([compiler, *flags, "boards.ts"], cwd=folder, capture_output=True, text=True, timeout=240)
    return [line for line in done.stdout.splitlines() if line.startswith("boards.ts")]


def written(every: list[dict[str, Any]]) -> str:
    imports = "".join(
        f'import type {{ Options as O{number} }} from "@grafana/schema/dist/esm/raw/composable/{module}_types.gen";\n'
        for number, module in enumerate(OPTIONS.values())
    )
    lines = [HEAD, imports]
    for number, board in enumerate(every):
        lines.append(f"export const board{number}: Board = {json.dumps(board)};")
        for panel in board["panels"]:
            if panel["type"] != "row":
                kind = list(OPTIONS).index(panel["type"])
                options = json.dumps(panel["options"])
                lines.append(f"export const options{number}_{panel['id']}: Partly<Json<O{kind}>> = {options};")
    return "\n".join(lines)


def test_the_boards_have_grafanas_types(node_modules: Path) -> None:
    assert errors(node_modules, written(boards())) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schemaVersion",), "42"),
        (("panels", 1, "gridPos", "x"), "left"),
        (("panels", 1, "targets", 0, "format"), 7),
        (("panels", 1, "fieldConfig", "defaults", "thresholds", "mode"), "relative"),
        (("panels", 1, "options", "colorMode"), "glowing"),
        (("templating", "list", 1, "refresh"), 9),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_a_wrong_type_is_seen(path: tuple[Any, ...], value: Any, node_modules: Path) -> None:
    board = boards()[0]
    place: Any = board
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert errors(node_modules, written([board]))
