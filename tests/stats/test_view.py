"""What is known of all instances: pages, states, processes."""

from __future__ import annotations

import json
import os

import pytest
from prometheus_client.parser import text_string_to_metric_families

from auth.counted import OF_ZONES, PARTS
from bob.api import InstanceStatus, SystemStatus
from daemonkit.counter_page import page_bytes, page_path
from daemonkit.counters import Counters
from daemonkit.durations import Durations
from daemonkit.spec import Spec
from daemonkit.zone_page import PARTS_AT, ZonePage
from stats.bind import document
from stats.daemon import _modules
from stats.prometheus import Zones, exposition
from stats.view import look, total, total_durations
from stats.zonecounts import ZoneCounters, ZoneCounts


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


def test_what_a_dead_process_said_of_a_gauge_is_told_no_more_and_no_gauge_is_a_sum(pages, tmp_path):
    values = {"responses": 3, "images.bytes": 4096}
    for number in ("0", "1", "2", "7"):
        pages("auth", number, **values)
    running = [instance(number, pid=os.getpid()) for number in ("0", "1")]
    view = look(tmp_path, status(*running, instance("2", "backing-off")))
    assert total(view.of("auth"), {"images.bytes"}) == {"responses": 12, "images.bytes": 4096}
    shown = _modules(view.of("auth"), {"auth": Spec.load("auth")})["auth"]
    assert shown.counters == {"responses": 12, "images.bytes": 4096}
    assert {number: list(one.counters) for number, one in shown.instances.items()} == {
        "0": ["responses", "images.bytes"],
        "1": ["responses", "images.bytes"],
        "2": ["responses"],
        "7": ["responses"],
    }
    text = exposition(view, Zones(), ZoneCounts({}), {"auth": Spec.load("auth")}, "1.0").decode()
    told = {family.name: [one.labels["member"] for one in family.samples] for family in members(text)}
    assert told["bobdns_auth_images_bytes"] == ["auth/0", "auth/1"]
    assert told["bobdns_auth_responses"] == ["auth/0", "auth/1", "auth/2", "auth/7"]


def test_a_place_that_is_no_more_is_not_told_as_down(pages, tmp_path):
    pages("auth", "7", responses=5)
    view = look(tmp_path, status(instance("0", pid=os.getpid()), instance("1", "backing-off", restarts=2)))
    text = exposition(view, Zones(), ZoneCounts({}), {}, "1.0").decode()
    told = {family.name: {one.labels["member"]: one.value for one in family.samples} for family in members(text)}
    assert told["bobdns_component_up"] == {"auth/0": 1, "auth/1": 0, "bob/0": 1}
    assert told["bobdns_component_restarts"] == {"auth/0": 0, "auth/1": 2, "bob/0": 0}


def members(text):
    """The metrics that places have."""
    for family in text_string_to_metric_families(text):
        if family.samples and "member" in family.samples[0].labels:
            yield family


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


def samples(view, zones=None, module="auth", counted=None):
    """name -> {labels beside component and member: value}"""
    specs = {module: Spec.load(module)}
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(
        exposition(view, zones or Zones(), counted or ZoneCounts({}), specs, "1.0").decode()
    ):
        for one in family.samples:
            labels = {name: text for name, text in one.labels.items() if name not in ("component", "member")}
            found.setdefault(one.name, {})[",".join(labels.values())] = one.value
    return found


def test_a_process_that_bob_has_not_missed_yet_is_not_up(tmp_path):
    view = look(tmp_path, status(instance("0", pid=2**22 + 1)))  # above the highest process id there is
    text = exposition(view, Zones(), ZoneCounts({}), {}, "1.0").decode()
    assert 'bobdns_component_up{component="auth",member="auth/0"} 0.0' in text


def test_counters_that_differ_in_one_respect_are_one_metric(pages, tmp_path):
    names = {name: number for number, name in enumerate(Spec.load("auth").statistics)}
    pages("auth", "0", **names)
    found = samples(look(tmp_path, status(instance("0", pid=os.getpid()))))
    assert found["bobdns_auth_responses_by_rcode_total"]["nxdomain"] == names["rcode.nxdomain"]
    assert found["bobdns_auth_requests_by_transport_total"] == {
        "udp": names["request.udp"],
        "tcp": names["request.tcp"],
    }
    assert found["bobdns_auth_requests_by_family_total"] == {"1": names["request.v4"], "2": names["request.v6"]}
    of_types = found["bobdns_auth_queries_by_type_total"]
    assert (of_types["AAAA"], of_types["other"]) == (names["qtype.aaaa"], names["qtype.other"])
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
    text = exposition(view, Zones(), ZoneCounts({}), {}, "1").decode()
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


NUMBERS = {name: number for number, name in enumerate(OF_ZONES, 1)}


@pytest.fixture
def zones(tmp_path):
    """Counters of three zones in the files of two processes, a third in each part and file."""
    for _ in range(2):
        page, _ = ZonePage.take(tmp_path, OF_ZONES, PARTS)
        origins = [b"\3org\0", b"\7example\3org\0", b"\3com\0"]
        page.rows_of(origins)
        page.mark(origins)
        for index, _name in enumerate(OF_ZONES):
            page.slots[PARTS_AT // 8 + index] += index + 1
    return ZoneCounters(tmp_path)


def test_zones_that_are_counted_come_in_pages(zones):
    assert list(zones.page(None, 2).zones) == ["com", "org"]
    assert zones.page(None, 2).more
    rest = zones.page("org", 2)
    assert (list(rest.zones), rest.more) == (["example.org"], False)
    assert list(zones.page("b", 1).zones) == ["com"]
    assert zones.of("ORG.").zones == {"org": {name: 2 * number for name, number in NUMBERS.items()}}
    assert zones.of("nobody").zones == {}
    with pytest.raises(ValueError, match="is no domain name"):
        zones.page("a..b", 1)


def test_metrics_of_zones_have_the_zone_as_a_label(zones, tmp_path):
    found = samples(look(tmp_path, status()), counted=zones.page(None, 2))
    assert found["bobdns_zone_qrysuccess_total"] == {"org": 2 * NUMBERS["qrysuccess"], "com": 0}
    assert found["bobdns_zone_responses_by_rcode_total"]["nxdomain,org"] == 2 * NUMBERS["rcode.nxdomain"]
    assert found["bobdns_zone_requests_by_opcode_total"]["notify,org"] == 2 * NUMBERS["opcode.notify"]
    assert found["bobdns_zone_counters_left_out"] == {"": 1}
    told = {name for name in found if name.startswith("bobdns_zone_")}
    assert "bobdns_zone_requests_by_transport_total" in told
    assert not any(labels.endswith(",com") for labels in found["bobdns_zone_responses_by_rcode_total"])


def told(path, view, zones, counted):
    found = document(path, view, zones, counted, "1")
    assert found is not None
    return found[0].decode()


def test_bind_has_them_in_its_zones(zones, tmp_path):
    view, counted = look(tmp_path, status()), zones.page(None, 2)
    serials = Zones({"org": 7, "net": 8})
    xml = told("/xml/v3/zones", view, serials, counted)
    success = 2 * NUMBERS["qrysuccess"]
    assert f'<counters type="rcode"><counter name="Requestv4">{2 * NUMBERS["request.v4"]}</counter>' in xml
    assert f'<counter name="QrySuccess">{success}</counter>' in xml
    assert xml.count("<counters") == 2  # com has no serial, and is counted
    of_zones = json.loads(told("/json/v1/zones", view, serials, counted))["views"]["_default"]["zones"]
    assert (of_zones[0]["rcodes"]["QrySuccess"], of_zones[0]["qtypes"]) == (success, {})
    assert "rcodes" not in of_zones[1]
