"""Alerts from rows to the browser: the rules' own SQL, the engine, what it sends, and where the links in it lead."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.dashboards.engine.receivers import Receiver, http_receiver
from tests.dashboards.page.conftest import TOKEN, Served, evaluated, opener, served
from watchline.dashboards.alert_rules import all_rules
from watchline.dashboards.boards import all_boards
from watchline.dashboards.engine import grouping
from watchline.dashboards.engine.channels import Webhook
from watchline.dashboards.engine.engine import Engine
from watchline.dashboards.engine.notification import Addresses
from watchline.dashboards.planted import PLANTS, good
from watchline.streams.health.outgoing import post

pytestmark = pytest.mark.slow
SENT_FROM = "https://watchline.example"  # the page's address as people know it, where a tunnel or proxy is before it
BOARDS = {board.uid: board for board in all_boards()}
# One of each kind: a limit, little traffic, more than usual, shares of calls, of checks, money, what the monitor saw, a
# count, an app and a partition that are silent.
KINDS = (
    "unsupported-answers", "toxicity-slow", "injection-unusual", "errors", "latency-unusual", "failed-findings", "cost",
    "tenant-budget", "drift", "conflicts", "dead-letters", "offset-gaps", "no-data", "no-canary",
)  # fmt: skip
RULES = {rule.uid: replace(rule, for_s=0) for rule in all_rules() if rule.uid in {f"watchline-{one}" for one in KINDS}}


@dataclass(frozen=True)
class Told:
    """A page of an engine, and what a webhook got of it."""

    page: Served
    engine: Engine
    hook: Receiver

    def links(self, uid: str) -> dict[str, str]:
        """Where a rule's message leads, on the page as it is served here."""
        body = next(
            body for body in self.hook.bodies if body["rule"] == uid and PLANTS[uid].labels.items() <= _all(body)
        )
        return {name: link.replace(SENT_FROM, self.page.base) for name, link in body["links"].items()}


def _all(body: dict[str, Any]) -> Any:
    return {pair for alert in body["alerts"] for pair in alert["labels"].items()}


@pytest.fixture(scope="module")
def told(clickhouse: Callable[..., Any], reader_of: Callable[[Any], Any]) -> Iterator[Told]:
    client, now = clickhouse("told"), datetime.now(UTC)
    good(client, now)
    for plant, later in dict.fromkeys((PLANTS[uid].plant, PLANTS[uid].later) for uid in RULES):
        plant(client, now - later)
    time.sleep(1)  # windows end at a whole second
    with (
        opener(reader_of(client))() as queries,
        http_receiver() as hook,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(grouping, "SPREAD_S", -1.0)  # a message for each rule and app
        engine = evaluated(
            queries,
            *(replace(rule, about=rule.uid) for rule in RULES.values()),
            channels=[Webhook("webhook", hook.url, post)],
            watermark=lambda: datetime.now(UTC),
            addresses=Addresses(page=SENT_FROM),
        )
        with ThreadPoolExecutor(1) as thread:  # as couriers have one; in this one the browser's event loop runs
            while thread.submit(engine.couriers[0].step).result() == 0.0:
                pass
        with served(opener(reader_of(client)), engine=engine.book, boards=tuple(BOARDS.values())) as page:
            yield Told(page, engine, hook)


def open_page(tab: Any, page: Served) -> None:
    tab.goto(f"{page.base}/alerts#token={TOKEN}")
    tab.wait_for_selector(".summary")


def test_every_kind_is_there() -> None:
    assert len(RULES) == len(KINDS)


@pytest.mark.parametrize("uid", RULES)
def test_the_links_of_a_message_lead_to_panel_runbook_and_silence(tab: Any, told: Told, uid: str) -> None:
    links, rule = told.links(uid), RULES[uid]
    open_page(tab, told.page)
    tab.goto(links["board"])
    panel = f"#panel-{rule.board}-{rule.panel}"
    assert urlsplit(links["board"]).fragment == panel[1:]
    tab.wait_for_selector("#updated:not(:empty)", timeout=60_000)
    assert tab.inner_text("h1") == BOARDS[rule.board].title
    assert tab.locator(f"{panel} .failure").count() == 0
    top, height = tab.evaluate(f"[document.querySelector('{panel}').getBoundingClientRect().top, innerHeight]")
    assert 0 <= top < height
    asked = parse_qs(urlsplit(links["board"]).query)
    shown = tab.inner_text(".controls")
    for name in {variable.name for variable in BOARDS[rule.board].variables} & PLANTS[uid].labels.keys():
        assert asked[f"var-{name}"] == [PLANTS[uid].labels[name]] and PLANTS[uid].labels[name] in shown
    tab.goto(links["runbook"])
    assert tab.inner_text(".runbook h1") and tab.locator(".runbook li").count() > 1
    assert tab.locator(".runbook img, .runbook a, .runbook script").count() == 0
    tab.goto(links["silence"])
    tab.wait_for_selector("text=/It would quieten [1-9]/")
    assert f"rule: {uid}" in tab.inner_text(".silence fieldset")


def test_an_alert_is_silenced_and_acknowledged_and_remembered(tab: Any, told: Told) -> None:
    uid = "watchline-errors"
    open_page(tab, told.page)
    card = tab.locator(".alert", has_text="failing").first
    assert "firing" in card.inner_text().lower() and "acknowledge" in card.inner_text().lower()
    assert "normal → firing" in tab.locator(".history li", has_text="failing").first.inner_text()
    card.locator("button:has-text('Acknowledge')").click()
    card.locator("[aria-label='Your name']").fill("Ada")
    card.locator("button:has-text('I look at it')").click()
    tab.wait_for_selector(".alert:has-text('failing') >> text=Ada looks at it")
    tab.goto(told.links(uid)["silence"])
    tab.wait_for_selector("text=It would quieten 1 alert of now")
    tab.fill(".silence [aria-label=Why]", "known")
    tab.click(".silence button[type=submit]")
    tab.wait_for_selector(".silence", state="detached")
    tab.wait_for_selector(".alert.silenced:has-text('failing')")
    assert tab.url == f"{told.page.base}/alerts"
    (silence,) = told.engine.book.silences()
    assert silence["who"] == "Ada" and f'rule="{uid}"' in silence["matches"]
    tab.click("text=End it")
    tab.wait_for_selector("text=None is in force.")
    assert told.engine.tick() and not told.engine.book.silences()[0]["holds"]
    assert tab.locator(".alert.silenced").count() == 0


def test_runbooks_are_drawn_as_they_are_written(tab: Any, told: Told) -> None:
    open_page(tab, told.page)
    tab.click(".alert:has-text('Unsupported answers') >> a:text-is('Runbook')")
    tab.wait_for_selector(".runbook h1")
    assert tab.inner_text(".runbook h1") == "Unsupported answers"
    assert tab.locator(".runbook > ol > li").count() == 4 and tab.locator(".runbook > ol").count() == 1
    assert tab.locator(".runbook li pre").first.inner_text().startswith("SELECT splitByChar(':', label)[2] AS kind")
    text = tab.inner_text(".runbook")
    assert "**" not in text and "`" not in text and "\n1." not in text
