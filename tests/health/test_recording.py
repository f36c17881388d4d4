"""What was recorded can be replayed: the same entries without a network."""

from __future__ import annotations

import dns.name
import dns.rdatatype
import pytest

from health.engine.errors import HealthError
from health.engine.hints import Hints
from health.engine.network import NoResponse, Query, Silence
from health.engine.recording import Recorder, Replay
from health.engine.runner import Test
from tests.kit import internet_time
from tests.kit.internet import NOW, Internet
from tests.kit.internet_behaviour import from_source, loses, silent
from tests.kit.internet_signing import secure

CASES = ["Basic", "Consistency", "Nameserver04"]


@pytest.fixture
def internet():
    made = Internet()
    made.zone("example", {"ns1.nic.example": ["192.0.2.1"]})
    made.zone("child.example", {f"ns{n}.child.example": [f"192.0.2.1{n}"] for n in range(1, 5)})
    secure(made, ".", "example", "child.example")
    made.behave("192.0.2.12", silent)
    made.behave("192.0.2.13", loses(1))
    made.behave("192.0.2.14", from_source("192.0.2.77"))
    return made


def entries(network, clock, hints):
    async def run():
        test = Test("child.example", network=network, clock=clock, hints=hints, cases=CASES)
        return [(e.module, e.case, e.tag, e.level, e.arguments) async for e in test.run() if e.tag != "START_TIME"]

    return internet_time.run(run())


def test_a_replay_finds_what_the_recording_found(internet, tmp_path):
    path = tmp_path / "recording"
    hints = Hints(internet.root_servers)
    with path.open("w") as file:
        live = entries(Recorder(internet, file, internet.clock), internet.clock, hints)
    replay = Replay(path)
    assert replay.clock.now() == NOW
    assert entries(replay, replay.clock, hints) == live
    assert any(tag == "DIFFERENT_SOURCE_IP" for _, _, tag, _, _ in live)


def test_what_nobody_asked_is_silent(tmp_path):
    path = tmp_path / "recording"
    path.write_text('{"format": 1, "time": 1}\n')
    query = Query("192.0.2.1", dns.name.root, dns.rdatatype.SOA)
    found = internet_time.run(Replay(path).query(query))
    assert isinstance(found, NoResponse)
    assert found.reason is Silence.TIMEOUT


@pytest.mark.parametrize("text", ["", "{}\n", "no json\n", '{"time": 1}\n{}\n', '{"time": 1}\n{"silence": "X"}\n'])
def test_a_file_that_is_no_recording_is_refused(tmp_path, text):
    path = tmp_path / "recording"
    path.write_text(text)
    with pytest.raises(HealthError, match="recording"):
        Replay(path)
