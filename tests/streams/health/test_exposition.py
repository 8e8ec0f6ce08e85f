"""The page of metrics in both forms: who gets which, and whether Prometheus's own parser takes it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from urllib.request import Request, urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families as classic_families

from tests.documentation.metrics_table import families
from tests.streams.health.test_page import Member, Monitors
from watchline.streams.health import page
from watchline.streams.health.exposition import CLASSIC, OPEN_METRICS, Form, accepted
from watchline.streams.health.metrics import STALE_S, Metrics
from watchline.streams.health.progress import Progress
from watchline.streams.ingest.metrics import Metrics as ReceiverMetrics

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;"
    "q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (PROMETHEUS_2, OPEN_METRICS),
        (PROMETHEUS_3, OPEN_METRICS),
        ("application/openmetrics-text", OPEN_METRICS),
        ("Application/OpenMetrics-Text; Version=1.0.0; q=0.4, text/plain;q=0.4", OPEN_METRICS),
        ("text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.5", CLASSIC),
        ("application/openmetrics-text;version=2.0.0", CLASSIC),
        ("application/openmetrics-text;q=0", CLASSIC),
        ("application/openmetrics-text;q=nonsense", CLASSIC),
        ("text/html,application/xhtml+xml,*/*;q=0.8", CLASSIC),
        ("application/*", CLASSIC),
        ("*/*", CLASSIC),
        ("", CLASSIC),
    ],
)
def test_who_asks_for_openmetrics_gets_it_and_all_others_the_classic_form(accept: str, form: Form) -> None:
    assert accepted(accept) is form


def test_the_page_is_in_the_form_that_its_header_names() -> None:
    async def answers() -> list[tuple[str, str]]:
        runner, port = await page.serve(Member(), Progress(), Metrics({}), Monitors(), "127.0.0.1", 0)

        def get(headers: dict[str, str]) -> tuple[str, str]:
            with urlopen(Request(f"http://127.0.0.1:{port}/metrics", headers=headers), timeout=10) as answer:
                return answer.headers["Content-Type"], answer.read().decode()

        found = [await asyncio.to_thread(get, headers) for headers in ({}, {"Accept": PROMETHEUS_2})]
        await runner.cleanup()
        return found

    (classic_type, classic), (open_type, open_metrics) = asyncio.run(answers())
    assert (classic_type, open_type) == (CLASSIC.content_type, OPEN_METRICS.content_type)
    assert open_metrics.endswith("# EOF\n")
    assert "# EOF" not in classic
    by_name = {family.name for family in classic_families(classic)}
    assert by_name == {name + "_info" * (family.type == "info") for name, family in families(open_metrics).items()}


def every_page(form: Form) -> list[bytes]:
    metrics = Metrics({"pii": "1", "toxicity": "2"}, canaries="raw")
    for source in STALE_S:
        metrics.heard(source)
    return [metrics.scrape(Progress(), form), ReceiverMetrics().scrape(form)]


def test_promtool_finds_nothing_to_say_of_the_metrics() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    for content in every_page(CLASSIC):
        done = subprocess.run(["promtool", "check", "metrics"], input=content, capture_output=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_each_name_has_one_help_and_counters_end_in_total_in_both_forms() -> None:
    for form in (CLASSIC, OPEN_METRICS):
        for content in every_page(form):
            lines = content.decode().splitlines()
            helps = [line.split()[2] for line in lines if line.startswith("# HELP")]
            assert len(helps) == len(set(helps))
            assert not [line for line in lines if "_created" in line]
            counters = [line.split()[2] for line in lines if line.startswith("# TYPE") and line.endswith(" counter")]
            samples = {line.partition("{")[0].split()[0] for line in lines if not line.startswith("#")}
            named = {name.removesuffix("_total") + "_total" for name in counters}
            # By app and field, or field and kind: what was never seen would be thousands of series.
            assert named - samples <= {"watchline_invalid_fields_total", "watchline_replaced_identifiers_total"}
