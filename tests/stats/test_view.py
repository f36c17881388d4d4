"""What is known of all instances: pages, states, processes."""

from __future__ import annotations

import os

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bob.api import InstanceStatus, SystemStatus
from daemonkit.counter_page import page_bytes, page_path
from daemonkit.counters import Counters
from daemonkit.durations import Durations
from daemonkit.spec import Spec
from stats.prometheus import Zones, exposition
from stats.view import look, total, total_durations


def status(*instances):
    return SystemStatus("1", os.getpid(), "bob", "running", 1.0, "/s", "/r", 3, (), tuple(instances), ())


def instance(number, state="running", pid=None, restarts=0):
    return InstanceStatus("auth", number, state, 1.0, "needed", pid, 3, "", restarts, "", 0, (), None, False)


@pytest.fixture
def pages(tmp_path):
    def write(component, number, **values):
        path = page_path(tmp_path, component, number)
        path.write_bytes(page_bytes(list(values), values, 1))

    return write


def states(view):
    return {place.member: place.state for place in view.places}


def test_states_come_from_bob_and_counts_from_pages(pages, tmp_path):
    pages("auth", "0", responses=3)
    pages("auth", "1", responses=4)
    pages("auth", "7", responses=5)
    view = look(tmp_path, status(instance("0", pid=os.getpid()), instance("1", "backing-off", restarts=2)))
    assert states(view) == {"auth/0": "running", "auth/1": "backing-off", "auth/7": "gone", "bob/0": "running"}
    assert total(view.of("auth")) == {"responses": 12}
    alive, dead, _ = view.of("auth")
    assert alive.usage is not None
    assert alive.usage.memory_bytes > 2**20
    assert (dead.usage, dead.pid, dead.restarts) == (None, None, 2)


def test_without_bob_the_counts_are_shown_and_nobody_is_told_as_running(pages, tmp_path):
    pages("auth", "0", responses=3)
    view = look(tmp_path, None)
    assert states(view) == {"auth/0": "unknown"}
    assert samples(view)["bobdns_up"] == {"": 0}
    assert "bobdns_component_up" not in samples(view)


def test_a_page_that_cannot_be_read_is_told_and_the_others_are_read(pages, tmp_path):
    pages("auth", "0", responses=3)
    page_path(tmp_path, "auth", "1").write_bytes(b"junk")
    view = look(tmp_path, status(instance("0")))
    assert total(view.of("auth")) == {"responses": 3}
    assert list(view.problems) == ["auth.1.counters"]


def samples(view, zones=None, module="auth"):
    """name -> {labels beside component and member: value}"""
    specs = {module: Spec.load(module)}
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(exposition(view, zones or Zones(), specs, "1.0").decode()):
        for one in family.samples:
            labels = {name: text for name, text in one.labels.items() if name not in ("component", "member")}
            found.setdefault(one.name, {})[",".join(labels.values())] = one.value
    return found


def test_a_process_that_bob_has_not_missed_yet_is_not_up(tmp_path):
    view = look(tmp_path, status(instance("0", pid=2**22 + 1)))  # above the highest process id there is
    text = exposition(view, Zones(), {}, "1.0").decode()
    assert 'bobdns_component_up{component="auth",member="auth/0"} 0.0' in text


def test_counters_that_differ_in_one_respect_are_one_metric(pages, tmp_path):
    names = {name: number for number, name in enumerate(Spec.load("auth").statistics)}
    pages("auth", "0", **names)
    found = samples(look(tmp_path, status(instance("0"))))
    assert found["bobdns_auth_responses_by_rcode_total"]["nxdomain"] == names["rcode.nxdomain"]
    assert found["bobdns_auth_requests_by_transport_total"] == {
        "udp": names["request.udp"],
        "tcp": names["request.tcp"],
    }
    assert found["bobdns_auth_requests_by_family_total"] == {"1": names["request.v4"], "2": names["request.v6"]}
    assert found["bobdns_auth_tcp_accepted_total"] == {"": names["tcp.accepted"]}
    told = sum(len(values) for name, values in found.items() if name.startswith("bobdns_auth_"))
    assert told == len(names)


def test_zones(tmp_path):
    found = samples(look(tmp_path, status()), Zones({"example.org": 7}, more=True, sources={"main": False}))
    assert found["bobdns_zone_serial"] == {"example.org": 7}
    assert found["bobdns_zone_serials_left_out"] == {"": 1}
    assert found["bobdns_data_source_up"] == {"main": 0}


def test_durations_are_told_of_each_place_and_summed(tmp_path):
    for number in ("0", "1"):
        counters = Counters(["responses"])
        durations = Durations(counters)
        durations.declare("command", ["status", "reload"])
        durations.note("command", "status", 0.002 if number == "0" else 2.0)
        values = dict(zip(counters.names, counters.slots, strict=True))
        page_path(tmp_path, "auth", number).write_bytes(page_bytes(list(values), values, 1))
    view = look(tmp_path, None)
    assert total(view.of("auth")) == {"responses": 0}
    assert total_durations(view.of("auth"))["command"]["status"].count == 2
    text = exposition(view, Zones(), {}, "1").decode()
    name = "bobdns_command_duration_seconds"
    ends = {
        one.labels["le"]: one.value
        for family in text_string_to_metric_families(text)
        if family.name == name
        for one in family.samples
        if one.name.endswith("_bucket") and one.labels["member"] == "auth/0"
    }
    assert (ends["0.001"], ends["0.0025"], ends["+Inf"]) == (0, 1, 1)
    assert 'command="reload"' not in text
