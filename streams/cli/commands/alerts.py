"""`watchline alerts`: evaluates the alert rules and tells people; shows alerts, silences them, says who looks."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import importlib
import json
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from watchline.schemas.errors import ConfigurationError, WatchlineError
from watchline.streams.cli.arguments import UsageError, actions_of, add_format, command
from watchline.streams.cli.output import as_json, colour, out, safe, write


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "alerts",
        _list,
        help="evaluate the alert rules and tell people; list, silence, acknowledge",
        description="Evaluates the alert rules without Grafana and tells people by webhook, Slack, PagerDuty and "
        "e-mail. Several may run: one evaluates, another takes over within seconds when it ends. State, silences and "
        "acknowledgements are kept in Kafka.",
        example="  watchline alerts run\n  watchline alerts list\n  watchline alerts list --rules\n"
        "  watchline alerts test\n  watchline alerts test watchline-lag\n  watchline alerts test --rules\n"
        "  watchline alerts silence app=shop model=~'gpt-.*' --hours 2 --why 'known, fix on its way'",
    )
    action = actions_of(parser)
    action("run", _evaluate, "evaluate the rules until it is stopped")
    shown = action("list", _list, "show what isn't normal now")
    shown.add_argument(
        "--rules",
        action="store_true",
        help="show every rule: whether it fires, its number now and its limit, or why it is silent; as the engine says",
    )
    add_format(shown)
    add_format(action("history", _history, "show what changed, the latest first"))
    add_format(action("silences", _silences, "show silences"))
    silence = action("silence", _silence, "keep alerts with certain labels quiet for a time, or end that")
    silence.add_argument(
        "matchers",
        nargs="*",
        metavar="MATCHER",
        help="NAME=VALUE, or NAME=~PATTERN, which must match all of it; rule and severity are names too",
    )
    silence.add_argument("--hours", type=float, default=2.0, help="for how long (default: 2)")
    silence.add_argument("--why", default="", help="why; is shown")
    silence.add_argument("--who", default="", help="who does it (default: you)")
    silence.add_argument("--end", metavar="ID", help="end this silence instead")
    silence.add_argument("--everything", action="store_true", help="yes, matchers that match every alert are meant")
    silence.add_argument("--preview", action="store_true", help="only show which alerts it would keep quiet now")
    acknowledge = action("acknowledge", _acknowledge, "say that you look after an incident: it is not repeated")
    acknowledge.add_argument("rule", help="its name, as `watchline alerts list` shows it")
    acknowledge.add_argument("labels", nargs="*", metavar="NAME=VALUE", help="app and environment of the incident")
    acknowledge.add_argument("--who", default="", help="who does it (default: you)")
    test = action("test", _test, "send a test by each channel that is set, and say what each answered")
    test.add_argument(
        "planted",
        nargs="*",
        metavar="RULE",
        help="send what these rules tell, marked as a test: made-up rows that make each fire are evaluated in a "
        "database that is thrown away; what can be changed or closed by its key (webhook, PagerDuty) is closed at once",
    )
    test.add_argument(
        "--rules",
        nargs="*",
        metavar="RULE",
        help="send nothing: evaluate these rules once (default: all) and say of each whether it is sound, how long it "
        "takes, and what it would tell now, or why it is silent",
    )


def channels(settings: Any) -> list[Any]:
    """The channels that are set. Raises ConfigurationError, which names no address."""
    from watchline.dashboards.engine.channels import Mail, PagerDuty, Slack, Webhook
    from watchline.streams.health.outgoing import post

    made: list[Any] = []
    if url := settings.webhook_url.get_secret_value():
        made.append(Webhook("webhook", url, post))
    if url := settings.slack_url.get_secret_value():
        made.append(Slack("slack", url, post))
    if key := settings.pagerduty_key.get_secret_value():
        made.append(PagerDuty("pagerduty", key, post))
    if settings.alert_email:
        server = settings.smtp_url.get_secret_value()
        if not server:
            raise ConfigurationError("WATCHLINE_ALERT_EMAIL needs WATCHLINE_SMTP_URL")
        made.append(Mail("e-mail", server, sender=settings.alert_email_from, to=settings.alert_email))
    names = [channel.name for channel in made]
    if unknown := [name for name in settings.alerts_second_step if name not in names]:
        raise ConfigurationError(f"WATCHLINE_ALERTS_SECOND_STEP: {', '.join(unknown)}: no such channel is set")
    return made


def engine(settings: Any, queries: Any, journal: Any, rules: Callable[[], Any]) -> Any:
    """The engine as the settings want it. Raises ConfigurationError."""
    from watchline.dashboards.engine.engine import Engine, Step
    from watchline.dashboards.engine.notification import Addresses

    return Engine(
        rules=rules,
        queries=queries,
        journal=journal,
        channels=channels(settings),
        addresses=Addresses(page=settings.page_url, zone=settings.time_zone),
        second_steps=[Step(name, settings.alerts_second_step_s) for name in settings.alerts_second_step],
        repeat_s=settings.alerts_repeat_s,
    )


class Reconnecting:
    """Queries that open the store anew after it was away: each asks at most once."""

    def __init__(self, settings: Any) -> None:
        self._settings = settings
        self._client: Any = None

    def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> Any:
        """Runs one SELECT over the views, for a bounded time. Raises WatchlineError."""
        from watchline.schemas.errors import TransientError
        from watchline.streams.query.reader import reader
        from watchline.streams.query.run import Queries

        if self._client is None:
            self._client = reader(self._settings)
        try:
            return Queries(self._client, self._settings.clickhouse_database).query(sql, parameters)
        except TransientError:
            self.close()
            raise

    def close(self) -> None:
        """Closes the client."""
        if self._client is not None:
            with contextlib.suppress(Exception):
                self._client.close()
            self._client = None


def _evaluate(args: argparse.Namespace) -> int:
    from watchline.streams.embedded import store
    from watchline.streams.settings import load

    settings = load()
    if settings.alerts != "engine":
        raise ConfigurationError(
            f"WATCHLINE_ALERTS is {settings.alerts}: Watchline would tell people of the same alerts a second time"
        )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    with store.running(settings), evaluating(settings) as evaluator, measured(settings, evaluator) as metrics:
        names = [courier.channel.name for courier in evaluator.couriers]
        out(f"evaluating; people are told by {', '.join(names) or colour('no channel', 'yellow')}; metrics: {metrics}")
        sys.stdout.flush()
        stop.wait()
    return 0


@contextlib.contextmanager
def evaluating(settings: Any) -> Iterator[Any]:
    """An engine that evaluates the shipped rules in a thread while this is entered; its `book` is what the page shows.

    Raises ConfigurationError where a channel is set wrongly.
    """
    from watchline.streams.cli.recorded import reads_of
    from watchline.streams.kafka.alert_journal import AlertJournal

    rules = importlib.import_module("watchline.dashboards.alert_rules").all_rules
    with (
        closing(Reconnecting(settings)) as queries,
        closing(AlertJournal(settings)) as journal,
        reads_of(settings) as reads,
    ):
        evaluator = engine(settings, queries, journal, rules)
        evaluator.book.recorded = reads.act
        stop = threading.Event()
        thread = threading.Thread(target=evaluator.run, args=(stop,), name="alerts")
        thread.start()
        try:
            yield evaluator
        finally:
            stop.set()
            thread.join(timeout=60)  # a query is bounded


@contextlib.contextmanager
def measured(settings: Any, evaluator: Any) -> Iterator[str]:
    """Serves an engine's metrics while this is entered; gives their address, or why there is none."""
    from watchline.streams.health.engine_metrics import EngineMetrics

    with contextlib.ExitStack() as stack:
        try:
            where = stack.enter_context(
                EngineMetrics(evaluator.measures).served(settings.http_host, settings.alerts_port)
            )
        except OSError as error:
            where = f"none: WATCHLINE_HTTP_HOST, WATCHLINE_ALERTS_PORT: {error.strerror}"
        yield where


@contextlib.contextmanager
def _book() -> Iterator[Any]:
    from watchline.streams.settings import load

    with reading(load()) as book:
        yield book


@contextlib.contextmanager
def reading(settings: Any) -> Iterator[Any]:
    """What is known of alerts, kept up to date while this is entered, without evaluating any: for a page elsewhere.

    Raises TransientError where Kafka doesn't answer.
    """
    from watchline.dashboards.engine.book import Book
    from watchline.streams.cli.recorded import reads_of
    from watchline.streams.kafka.alert_journal import AlertJournal

    with closing(AlertJournal(settings, evaluates=False)) as journal, reads_of(settings) as reads:
        book = Book(journal)
        book.recorded = reads.act
        book.load()
        stop = threading.Event()

        def follow() -> None:
            while not stop.wait(1.0):
                with contextlib.suppress(WatchlineError):  # what was read last stays
                    book.refresh()

        thread = threading.Thread(target=follow, name="alerts-reader", daemon=True)
        thread.start()
        try:
            yield book
        finally:
            stop.set()
            thread.join()


def _list_rules(args: argparse.Namespace) -> int:
    from watchline.dashboards.alert_rules import all_rules
    from watchline.streams.settings import load

    settings = load()
    with reading(settings) as book:
        rules, trouble = book.standing(settings.time_zone), book.trouble()
    known = {each["rule"] for each in rules}
    missing = [{"rule": rule.uid, "says": "not evaluated yet"} for rule in all_rules() if rule.uid not in known]
    if args.format == "json":
        out(as_json([*rules, *missing], indent=2))
        return 0
    for sentence in trouble:
        out(colour(safe(sentence), "yellow"))
    columns = ["rule", "state", "value", "limit", "says"]
    write(columns, [[_cell(each.get(column)) for column in columns] for each in [*rules, *missing]], args.format)
    return 0


def _list(args: argparse.Namespace) -> int:
    if args.rules:
        return _list_rules(args)
    with _book() as book:
        alerts, trouble = book.alerts(), book.trouble()
    if args.format == "json":
        out(as_json(alerts, indent=2))
        return 0
    for sentence in trouble:
        out(colour(safe(sentence), "yellow"))
    if not alerts:
        out("nothing is known to be wrong" if trouble else "nothing: every rule is normal")
        return 0
    columns = ["severity", "state", "rule", "labels", "since", "summary", "silenced_by", "acknowledged_by"]
    write(columns, [[_cell(alert[column]) for column in columns] for alert in alerts], args.format)
    return 0


def _history(args: argparse.Namespace) -> int:
    with _book() as book:
        entries = book.history()
    columns = ["at", "rule", "labels", "before", "after", "reason"]
    write(columns, [[_cell(entry.get(column)) for column in columns] for entry in entries], args.format)
    return 0


def _silences(args: argparse.Namespace) -> int:
    with _book() as book:
        silences = book.silences()
    columns = ["id", "matches", "until", "who", "why", "holds", "overlong", "ended", "ended_by"]
    write(columns, [[_cell(silence[column]) for column in columns] for silence in silences], args.format)
    return 0


def _silence(args: argparse.Namespace) -> int:
    who = args.who or getpass.getuser()
    with _book() as book:
        if args.end:
            book.end_silence(args.end, who)
            out(f"silence {safe(args.end)} has ended")
            return 0
        covered = book.preview(args.matchers) if args.matchers or args.everything else []
        if not args.preview:
            until = datetime.now(UTC) + timedelta(hours=args.hours)
            id = book.silence(args.matchers, until, who, args.why, everything=args.everything)
            out(f"silence {id} until {until:%Y-%m-%d %H:%M} UTC")
        for alert in covered:
            out(safe(f"  {alert['severity']}  {alert['summary']}"))
        out(f"{len(covered)} of the present alerts are quiet by it")
    return 0


def _acknowledge(args: argparse.Namespace) -> int:
    labels = dict(text.partition("=")[::2] for text in args.labels)
    if not all("=" in text for text in args.labels):
        raise UsageError("labels are NAME=VALUE")
    with _book() as book:
        book.acknowledge(args.rule, labels, args.who or getpass.getuser())
    out("noted: it is repeated no more, unless it becomes more severe")
    return 0


def _test_rules(names: list[str]) -> int:
    from watchline.dashboards.alert_rules import all_rules
    from watchline.dashboards.engine.notification import Addresses
    from watchline.dashboards.engine.trial import tried
    from watchline.streams.cli.recorded import open_queries
    from watchline.streams.settings import load

    rules = {rule.uid: rule for rule in all_rules()}
    if unknown := sorted({*names} - {*rules}):
        raise UsageError(f"no such rule: {', '.join(unknown)}; there are: {', '.join(rules)}")
    settings = load()
    addresses = Addresses(page=settings.page_url, zone=settings.time_zone)
    failed = firing = 0
    with open_queries(settings) as queries:
        for rule in [rules[name] for name in names] or rules.values():
            trial = tried(rule, queries, datetime.now(UTC), addresses)
            failed += bool(trial.fault)
            firing += bool(trial.messages)
            if trial.fault:
                said, how = [trial.fault], "red"
            elif trial.messages:
                said, how = (
                    [line for message in trial.messages for line in (message.head, *message.lines[1:])],
                    "yellow",
                )
            else:
                said, how = [f"silent: {trial.silent}"], "green"
            out(f"{rule.uid:<40}{trial.took_s:6.2f} s  {colour(safe(said[0]), how)}")
            for line in said[1:]:
                out(f"{'':<50}{colour(safe(line), how)}")
    out(f"{len(names or rules)} tried: {firing} would tell somebody, {failed} can't be evaluated")
    return int(failed > 0)


def _test(args: argparse.Namespace) -> int:
    if args.rules is not None:
        if args.planted:
            raise UsageError("RULE sends what a rule tells on made-up rows, --rules sends nothing: take one of the two")
        return _test_rules(args.rules)
    from uuid import uuid4

    from watchline.dashboards.engine.notification import Addresses, as_test, compose_test
    from watchline.streams.settings import load

    settings = load()
    made = channels(settings)
    if not made:
        raise ConfigurationError(
            "no channel is set: WATCHLINE_WEBHOOK_URL, WATCHLINE_SLACK_URL, WATCHLINE_PAGERDUTY_KEY, or "
            "WATCHLINE_ALERT_EMAIL with WATCHLINE_SMTP_URL"
        )
    addresses = Addresses(page=settings.page_url, zone=settings.time_zone)
    failed = 0
    if not args.planted:
        for channel in made:
            test = compose_test(channel.name, delivery=uuid4().hex[:24], addresses=addresses)
            failed += not _sent(channel, test)
    for message in _planted(args.planted, addresses):
        out(safe(message.head))
        for channel in made:
            key = f"test-{uuid4().hex[:24]}"
            for is_over in (False, True) if channel.updates else (False,):
                test = as_test(message, key=key, delivery=uuid4().hex[:24], is_over=is_over)
                failed += not _sent(channel, test)
    return int(failed > 0)


def _sent(channel: Any, message: Any) -> bool:
    """Sends a message and says what came of it."""
    from watchline.dashboards.engine.channels import deliver

    try:
        answer = deliver(channel, message)
    except WatchlineError as error:
        out(f"{channel.name:<12}{colour(safe(str(error)), 'red')}")
        return False
    out(f"{channel.name:<12}{safe(answer)}")
    return True


def _planted(names: list[str], addresses: Any) -> Iterator[Any]:
    """The message of each rule, by its own SQL, on rows that make it fire. Raises FatalError where one doesn't."""
    import clickhouse_connect

    from watchline.dashboards.alert_rules import all_rules
    from watchline.dashboards.engine.trial import told
    from watchline.dashboards.planted import PLANTS, good
    from watchline.schemas.errors import FatalError
    from watchline.schemas.migrate import migrate
    from watchline.streams.query.run import Queries

    rules = {rule.uid: rule for rule in all_rules()}
    if unknown := sorted({*names} - {*rules}):
        raise UsageError(f"no such rule: {', '.join(unknown)}; there are: {', '.join(rules)}")
    if not names:
        return
    with (
        tempfile.TemporaryDirectory(prefix="watchline-test-") as folder,
        closing(clickhouse_connect.get_client(interface="chdb", path=folder)) as client,
    ):
        for count, name in enumerate(names):
            plant, database, now = PLANTS[name], f"test_{count}", datetime.now(UTC)
            migrate(client, database)
            good(client, now)
            plant.plant(client, now)
            at = max(now + plant.later, datetime.now(UTC) + timedelta(seconds=1))
            messages = told([rules[name]], Queries(client, database), at, addresses)
            ours = (
                message
                for message in messages
                if any(plant.labels.items() <= alert["labels"].items() for alert in message.facts["alerts"])
            )
            if (message := next(ours, None)) is None:
                raise FatalError(f"{name} does not fire on what was planted for it")
            yield message


def _cell(value: Any) -> Any:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={json.dumps(text, ensure_ascii=False)}" for name, text in value.items())
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else value
