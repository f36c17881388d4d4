"""A run: order, what runs only after what, deadlines, faults in cases."""

from __future__ import annotations

import asyncio
import time

import dns.name
import pytest

from health.engine import plan, runner
from health.engine.context import DelegationSigner, Undelegated
from health.engine.errors import DomainNameError, UnknownCase
from health.engine.hints import Hints
from health.engine.levels import Level
from health.engine.network import NoResponse, Silence
from health.engine.plan import MODULES, case_keys
from health.engine.profiles import Profile
from health.engine.registry import Case, info
from tests.kit import internet_time
from tests.kit.internet import Internet, arguments, tags
from tests.kit.internet_behaviour import no_aa, silent
from tests.kit.internet_signing import secure


@pytest.fixture
def internet():
    made = Internet()
    made.zone("example", {"ns1.nic.example": ["192.0.2.1"], "ns2.nic.example": ["2001:db8::2"]})
    made.zone("child.example", {"ns1.child.example": ["192.0.2.11"], "ns2.child.example": ["192.0.2.12"]})
    return made


def run_cases(entries):
    return [entry.case for entry in entries if entry.tag == "TEST_CASE_START"]


def test_there_are_73_cases():
    assert len(case_keys()) == 73


def test_a_whole_run_has_all_modules_in_order(internet):
    secure(internet, ".", "example", "child.example")
    entries = internet.check("child.example", minimum=Level.DEBUG3)
    assert "MODULE_ERROR" not in tags(entries), arguments(entries, "MODULE_ERROR")
    assert [entry.arguments["module"] for entry in entries if entry.tag == "MODULE_END"] == list(MODULES)
    assert "HAS_NAMESERVER_NO_WWW_A_TEST" in tags(entries)
    assert "CANNOT_CONTINUE" not in tags(entries)


def test_cases_run_in_the_order_of_their_numbers(internet):
    """But for DNSSEC07 and DNSSEC11, which decide about the others."""
    secure(internet, ".", "example", "child.example")
    ran = run_cases(internet.check("child.example", minimum=Level.DEBUG))
    for module in MODULES:
        expected = sorted(case for case in ran if case.startswith(module))
        if module == "DNSSEC":
            expected = ["DNSSEC07", "DNSSEC11", *(case for case in expected if case not in ("DNSSEC07", "DNSSEC11"))]
        assert [case for case in ran if case.startswith(module)] == expected


def test_a_run_says_what_it_is_and_what_it_uses(internet):
    entries = internet.check("child.example", "syntax01", minimum=Level.DEBUG)
    assert [entry.tag for entry in entries][:4] == ["START_TIME", "TEST_TARGET", "GLOBAL_VERSION", "DEPENDENCY_VERSION"]
    used = [entry["name"] for entry in arguments(entries, "DEPENDENCY_VERSION")]
    assert used == ["dnspython", "cryptography", "idna"]


def test_each_case_is_framed(internet):
    entries = internet.check("child.example", minimum=Level.DEBUG)
    starts, ends = run_cases(entries), [entry.case for entry in entries if entry.tag == "TEST_CASE_END"]
    assert starts == ends
    assert len(starts) == len(set(starts)) > 40


def test_two_runs_give_the_same(internet):
    def found():
        return [(entry.case, entry.tag, entry.arguments) for entry in internet.check("child.example")]

    assert found() == found()


def test_without_a_working_server_it_ends_after_basic(internet):
    for address in ("192.0.2.11", "192.0.2.12"):
        internet.behave(address, no_aa)
    entries = internet.check("child.example", minimum=Level.DEBUG)
    assert run_cases(entries) == ["Basic01", "Basic02", "Basic03"]
    assert entries[-1].tag == "CANNOT_CONTINUE"


def test_a_child_that_does_not_exist_ends_it_after_the_first_case(internet):
    entries = internet.check("nobody.example", minimum=Level.DEBUG)
    assert run_cases(entries) == ["Basic01"]
    assert entries[-1].tag == "CANNOT_CONTINUE"


def test_an_unsigned_zone_has_two_dnssec_cases(internet):
    entries = internet.check("child.example", minimum=Level.DEBUG)
    assert [case for case in run_cases(entries) if case.startswith("DNSSEC")] == ["DNSSEC07", "DNSSEC11"]


def test_cases_and_modules_can_be_chosen(internet):
    entries = internet.check("child.example", "consistency01", "Basic", "Zone/zone02", minimum=Level.DEBUG)
    assert run_cases(entries) == ["Basic01", "Basic02", "Consistency01", "Zone02"]


def test_a_case_that_does_not_exist_is_refused(internet):
    with pytest.raises(UnknownCase, match="dnssec12"):
        internet.check("child.example", "dnssec12")


def test_a_name_that_is_none_is_refused(internet):
    with pytest.raises(DomainNameError):
        internet.check("a..example")


def test_a_profile_disables_cases_and_changes_levels(internet):
    profile = {
        "test_cases": ["basic01", "basic02", "consistency01"],
        "test_levels": {"CONSISTENCY": {"ONE_SOA_SERIAL": "ERROR"}},
    }
    entries = internet.check("child.example", profile=profile, minimum=Level.DEBUG)
    assert run_cases(entries) == ["Basic01", "Basic02", "Consistency01"]
    assert [entry.level for entry in entries if entry.tag == "ONE_SOA_SERIAL"] == [Level.ERROR]


def test_address03_runs_where_address02_is_disabled(internet):
    profile = {"test_cases": ["basic01", "basic02", "address03"]}
    assert "Address03" in run_cases(internet.check("child.example", profile=profile, minimum=Level.DEBUG))


def test_without_both_families_there_is_no_network(internet):
    entries = internet.check("child.example", profile={"net": {"ipv4": False, "ipv6": False}})
    assert entries[-1].tag == "NO_NETWORK"
    assert not any(host.asked for host in internet.hosts.values())


def test_a_family_that_is_off_is_no_failure(internet):
    internet.zone("dual.example", {"ns1.dual.example": ["192.0.2.31", "2001:db8::31"]})
    entries = internet.check("dual.example", profile={"net": {"ipv6": False}}, minimum=Level.DEBUG)
    assert "IPV6_DISABLED" in tags(entries)
    assert "B02_AUTH_RESPONSE_SOA" in tags(entries)
    assert not any(host.asked for address, host in internet.hosts.items() if ":" in address)


def test_one_dead_address_costs_less_than_ten_seconds(internet):
    def seconds():
        return max(entry.time for entry in internet.check("child.example"))

    healthy = seconds()
    internet.behave("192.0.2.12", silent)
    assert seconds() < healthy + 10


def test_at_the_deadline_what_was_found_stands_and_is_marked(internet):
    internet.behave("192.0.2.12", silent)
    entries = internet.check("child.example", profile={"limits": {"deadline": 4}})
    assert "B01_CHILD_FOUND" in tags(entries)
    assert entries[-1].tag == "DEADLINE_PASSED"
    assert entries[-1].level is Level.CRITICAL
    assert arguments(entries, "DEADLINE_PASSED") == [{"seconds": 4, "cases": sorted(["Basic02", *MODULES[1:]])}]
    assert entries[-1].time < 6


def test_silent_root_servers_are_told_from_a_domain_that_is_not_there(internet):
    assert "ROOTS_SILENT" not in tags(internet.check("nowhere.example"))
    for addresses in internet.root_servers.values():
        for address in addresses:
            internet.behave(address, silent)
    entries = internet.check("nowhere.example")
    assert [entry.tag for entry in entries][-2:] == ["ROOTS_SILENT", "CANNOT_CONTINUE"]
    given_ones = Undelegated(((dns.name.from_text("ns1.child.example"), ("192.0.2.99",)),))
    assert "ROOTS_SILENT" not in tags(internet.check("child.example", undelegated=given_ones))


class Stuck:
    """A door that forgets its time-outs."""

    async def query(self, query):
        await asyncio.sleep(1e9)
        return NoResponse(Silence.TIMEOUT)


@pytest.mark.parametrize("looked_up", [False, True])
def test_a_door_that_never_answers_does_not_hold_the_test(internet, looked_up):
    async def run():
        test = runner.Test(
            "child.example",
            network=Stuck(),
            profile=Profile.default().overlaid({"limits": {"deadline": 5}}),
            hints=Hints(internet.root_servers),
            undelegated=given(("ns1.far.test", [])) if looked_up else None,
        )
        return [entry async for entry in test.run()], test.progress

    entries, progress = internet_time.run(run())
    assert entries[-1].tag == "DEADLINE_PASSED"
    assert progress.deadline_passed
    assert progress.percent == 100


def test_a_reader_that_stops_ends_the_test(internet):
    async def run():
        test = runner.Test("child.example", network=internet, hints=Hints(internet.root_servers))
        entries = test.run()
        await anext(entries)
        await entries.aclose()
        return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    assert internet_time.run(run()) == []


def test_a_fault_in_a_case_costs_only_that_case(internet, monkeypatch):
    async def broken(context):
        context.emit("KNOWN", domain=context.zone)
        context.emit("UNDECLARED")

    case = Case("Consistency01", "Consistency", broken, {"KNOWN": info("domain")})
    monkeypatch.setattr(runner, "case_of", lambda key: case if key == "consistency01" else plan.case_of(key))
    entries = internet.check("child.example", "Consistency")
    assert {"KNOWN", "ONE_SOA_RNAME", "ONE_SOA_MNAME"} <= tags(entries)
    (said,) = arguments(entries, "MODULE_ERROR")
    assert said["testcase"] == "Consistency01"
    assert "UNDECLARED" in str(said["msg"])


def given(*nameservers, ds=None):
    named = tuple((dns.name.from_text(name), tuple(addresses)) for name, addresses in nameservers)
    return Undelegated(named or None, ds)


def test_an_undelegated_zone_is_tested_through_the_given_servers(internet):
    internet.zone(
        "new.example", {"ns1.new.example": ["192.0.2.41"], "ns2.new.example": ["192.0.2.42"]}, delegated=False
    )
    undelegated = given(("ns1.new.example", ["192.0.2.41"]), ("ns2.new.example", ["192.0.2.42"]))
    entries = internet.check("new.example", undelegated=undelegated, minimum=Level.DEBUG)
    assert {"B01_PARENT_DISREGARDED", "B02_AUTH_RESPONSE_SOA", "NAMES_MATCH", "ADDRESSES_MATCH"} <= tags(entries)
    assert "MODULE_ERROR" not in tags(entries), arguments(entries, "MODULE_ERROR")


def test_given_servers_without_an_address_are_looked_up_or_said(internet):
    undelegated = given(("ns1.child.example", []), ("in.new.example", []), ("nobody.example", []))
    internet.zone("new.example", {"ns1.child.example": ["192.0.2.11"]}, delegated=False)
    entries = internet.check("new.example", "Basic", undelegated=undelegated)
    assert arguments(entries, "FAKE_DELEGATION_IN_ZONE_NO_IP") == [
        {"domain": "new.example", "nsname": "in.new.example"}
    ]
    assert arguments(entries, "FAKE_DELEGATION_NO_IP") == [{"domain": "new.example", "nsname": "nobody.example"}]
    assert "B02_AUTH_RESPONSE_SOA" in tags(entries)


def test_ds_alone_keeps_the_real_delegation(internet):
    undelegated = given(ds=(DelegationSigner(1, 8, 2, "00" * 32),))
    entries = internet.check("child.example", undelegated=undelegated, minimum=Level.DEBUG)
    assert "B02_AUTH_RESPONSE_SOA" in tags(entries)
    assert "MODULE_ERROR" not in tags(entries), arguments(entries, "MODULE_ERROR")


def test_the_root_can_be_tested(internet):
    entries = internet.check(".", minimum=Level.DEBUG)
    assert {"B01_ROOT_HAS_NO_PARENT", "B02_AUTH_RESPONSE_SOA"} <= tags(entries)
    assert "MODULE_ERROR" not in tags(entries), arguments(entries, "MODULE_ERROR")


def test_many_tests_at_once_share_a_loop(internet):
    async def run():
        return await asyncio.gather(*(internet.run("child.example") for _ in range(10)))

    begun = time.monotonic()
    found = internet_time.run(run())
    assert all(len(entries) == len(found[0]) for entries in found)
    assert time.monotonic() - begun < 60
