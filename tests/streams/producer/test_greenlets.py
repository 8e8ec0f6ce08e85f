"""Apps under gevent and eventlet, whose threads are greenlets: none of them stands still while Kafka is away."""

from __future__ import annotations

import pytest

from tests.streams.producer.apps import run_app
from tests.streams.producer.published import envelopes, make_topics

pytestmark = pytest.mark.slow

PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all(); from gevent import spawn",
    "eventlet": "import eventlet; eventlet.monkey_patch(); from eventlet import spawn",
}
AWAY = """
import faulthandler, threading, time
faulthandler.dump_traceback_later(30, exit=True)  # a frozen app ends with 1
from watchline.streams import Producer
producer = Producer("127.0.0.1:1", app="green", before_send=lambda event: event, linger_s=0.01)
turns = []
def turn():
    while True:
        time.sleep(0.01)
        turns.append(1)
spawn(turn)
for _ in range(50):
    producer.emit(input="q", model="m")
    time.sleep(0.02)
before = len(turns)
assert before > 10, before
assert not producer.flush(1)
assert len(turns) > before + 10, (before, len(turns))
assert not producer.close(0.2)
stats = producer.stats
assert (stats.emitted, stats.buffered, stats.restarts) == (50, 0, 0), stats
print("done")
"""
SENDS = """
import faulthandler, sys, threading, time
faulthandler.dump_traceback_later(40, exit=True)
from watchline.streams import Producer
producer = Producer(sys.argv[1], app="green", topic_prefix=sys.argv[2])
def work(name):
    for number in range(50):
        producer.emit(input=f"{name} {number}", model="m")
        time.sleep(0)
threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert producer.flush(20), producer.stats
assert producer.close() and producer.stats.delivered == 200, producer.stats
"""


@pytest.mark.parametrize("library", PATCHES)
def test_no_greenlet_stands_still_while_kafka_is_away(library: str) -> None:
    assert run_app(f"{PATCHES[library]}\n{AWAY}")[0] == "done\n"


@pytest.mark.parametrize("library", PATCHES)
def test_what_greenlets_emit_arrives(library: str, broker: str, topic_prefix: str) -> None:
    make_topics(broker, topic_prefix)
    run_app(f"{PATCHES[library]}\n{SENDS}", broker, topic_prefix)
    found = [item.input for envelope in envelopes(broker, topic_prefix, 200) for item in envelope.interactions]
    assert sorted(found) == sorted(f"{name} {number}" for name in "abcd" for number in range(50))


def test_neither_library_is_imported_for_an_app_that_has_none() -> None:
    code = """
        import sys
        from watchline.streams import Producer
        Producer("127.0.0.1:1", app="plain").close(0)
        print(sorted({"gevent", "eventlet", "greenlet"} & set(sys.modules)))
    """
    assert run_app(code)[0] == "[]\n"
