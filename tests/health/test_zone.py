"""Scenarios of the Zone test cases, written from the specification."""

import dns.name
import dns.rcode
import pytest

from health.engine.cases.zone import newer
from health.engine.levels import Level
from tests.health.stage import AT_ONE, AT_TWO, NS1, NS2, ONE, SERVERS, TWO, ZONE, check, example, own_soa, stage
from tests.kit.internet import ROOT_SERVERS, SOA, Internet, arguments, tags
from tests.kit.internet_behaviour import answers_with, edited, loses, no_aa, says, silent, to

ELSEWHERE = "192.0.2.77"


def soa(**fields):
    """The SOA of a zone with these fields."""
    names = ("mname", "rname", "serial", "refresh", "retry", "expire", "minimum")
    values = dict(zip(names, SOA.split(), strict=True)) | {name: str(value) for name, value in fields.items()}
    return " ".join(values.values())


def everywhere(internet, behaviour):
    """Both servers behave so."""
    for address in (ONE, TWO):
        internet.behave(address, behaviour)
    return internet


def with_mail(*records, **options):
    """The stage with records at its apex."""
    return stage(records="\n".join(f"@ 3600 IN {record}" for record in records), **options)


WELL = {
    "zone01": {"Z01_MNAME_IS_MASTER"},
    "zone02": {"REFRESH_MINIMUM_VALUE_OK"},
    "zone03": {"REFRESH_HIGHER_THAN_RETRY"},
    "zone04": {"RETRY_MINIMUM_VALUE_OK"},
    "zone05": {"EXPIRE_MINIMUM_VALUE_OK"},
    "zone06": {"SOA_DEFAULT_TTL_MAXIMUM_VALUE_OK"},
    "zone07": {"MNAME_IS_NOT_CNAME"},
    "zone08": {"MX_RECORD_IS_NOT_CNAME"},
    "zone09": {"Z09_MX_DATA"},
    "zone10": {"ONE_SOA"},
    "zone11": {"Z11_SPF_SYNTAX_OK"},
}
SILENCE_ONLY = {
    "zone01": set(),
    "zone08": {"NO_RESPONSE_MX_QUERY"},
    "zone09": set(),
    "zone10": {"NO_RESPONSE"},
    "zone11": {"Z11_UNABLE_TO_CHECK_FOR_SPF"},
}


def well():
    return with_mail("MX 10 mail", 'TXT "v=spf1 mx -all"')


@pytest.mark.parametrize(("case", "expected"), WELL.items())
def test_a_proper_zone_passes(case, expected):
    assert tags(check(well(), case)) == expected


@pytest.mark.parametrize(("case", "expected"), WELL.items())
def test_a_lost_packet_changes_nothing(case, expected):
    internet = well()
    internet.behave(ONE, loses(1))
    assert tags(check(internet, case)) == expected


@pytest.mark.parametrize("case", WELL)
def test_where_nobody_answers_little_is_said(case):
    assert tags(check(everywhere(well(), silent), case)) == SILENCE_ONLY.get(case, {"NO_RESPONSE_SOA_QUERY"})


@pytest.mark.parametrize("case", ["zone02", "zone03", "zone04", "zone05", "zone06", "zone07"])
@pytest.mark.parametrize("behaviour", [no_aa, to("SOA", answers_with()), to("SOA", says(dns.rcode.REFUSED))])
def test_only_an_soa_with_authority_is_read(case, behaviour):
    assert tags(check(everywhere(stage(), to("SOA", behaviour)), case)) == {"NO_RESPONSE_SOA_QUERY"}
    internet = stage()
    internet.behave(ONE, to("SOA", behaviour))
    assert tags(check(internet, case)) == WELL[case]


# --- Zone01


def test_serial_numbers_wrap():
    assert newer(2, 1)
    assert newer(0, 2**32 - 1)
    assert not newer(1, 1)
    assert not newer(1, 2)
    assert not newer(2**31, 0)
    assert not newer(0, 2**31)


@pytest.mark.parametrize(("mname", "tag"), [("localhost.", "Z01_MNAME_IS_LOCALHOST"), (".", "Z01_MNAME_IS_DOT")])
def test_an_mname_that_names_nothing_is_told_with_its_servers(mname, tag):
    internet = stage()
    own_soa(internet, TWO, mname=mname)
    entries = check(internet, "zone01")
    assert tags(entries) == {tag, "Z01_MNAME_IS_MASTER"}
    assert arguments(entries, tag) == [{"ns_ip_list": [TWO]}]


def hidden(*addresses, serial=2027011501, behaviour=None):
    """The MNAME is no name server of the zone, but one at these addresses."""
    records = "\n".join(f"master 60 IN {'AAAA' if ':' in a else 'A'} {a}" for a in addresses)
    internet = stage(soa=soa(mname="master.{origin}"), records=records)
    for address in addresses:
        internet.serve(internet.zones[dns.name.from_text(ZONE)], [address])
        own_soa(internet, address, mname="master.child.example.", serial=serial)
        if behaviour:
            internet.behave(address, behaviour)
    return internet


def test_a_hidden_master_is_not_in_the_list():
    entries = check(hidden(ELSEWHERE), "zone01")
    assert tags(entries) == {"Z01_MNAME_NOT_IN_NS_LIST", "Z01_MNAME_IS_MASTER"}
    assert arguments(entries, "Z01_MNAME_NOT_IN_NS_LIST") == [{"nsname": "master.child.example"}]
    assert arguments(entries, "Z01_MNAME_IS_MASTER") == [{"ns_list": [f"master.child.example/{ELSEWHERE}"]}]


def test_an_mname_without_address_is_told():
    entries = check(hidden(), "zone01")
    assert tags(entries) == {"Z01_MNAME_NOT_IN_NS_LIST", "Z01_MNAME_NOT_RESOLVE"}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"], ids=["IPv4", "IPv6"])
def test_an_mname_at_the_local_host_is_told_and_not_asked(address):
    entries = check(hidden(address), "zone01")
    assert tags(entries) == {"Z01_MNAME_NOT_IN_NS_LIST", "Z01_MNAME_HAS_LOCALHOST_ADDR"}
    assert arguments(entries, "Z01_MNAME_HAS_LOCALHOST_ADDR")[0]["ns_ip"] == address


@pytest.mark.parametrize(
    ("behaviour", "tag"),
    [
        (silent, "Z01_MNAME_NO_RESPONSE"),
        (says(dns.rcode.REFUSED), "Z01_MNAME_UNEXPECTED_RCODE"),
        (answers_with(), "Z01_MNAME_MISSING_SOA_RECORD"),
        (no_aa, "Z01_MNAME_NOT_AUTHORITATIVE"),
    ],
)
def test_an_mname_that_does_not_serve_the_zone_is_told(behaviour, tag):
    entries = check(hidden(ELSEWHERE, behaviour=behaviour), "zone01")
    assert tags(entries) == {"Z01_MNAME_NOT_IN_NS_LIST", tag}
    assert arguments(entries, tag)[0]["ns"] == f"master.child.example/{ELSEWHERE}"


def test_every_address_of_the_mname_is_asked():
    internet = hidden(ELSEWHERE, "2001:db8::77")
    internet.behave("2001:db8::77", silent)
    assert tags(check(internet, "zone01")) >= {"Z01_MNAME_NO_RESPONSE", "Z01_MNAME_IS_MASTER"}


def test_a_master_that_is_behind_is_none():
    internet = stage()
    own_soa(internet, TWO, serial=2027011502)
    entries = check(internet, "zone01")
    assert tags(entries) == {"Z01_MNAME_NOT_MASTER"}
    assert arguments(entries, "Z01_MNAME_NOT_MASTER") == [
        {"ns_list": [AT_ONE], "soaserial": 2027011501, "soaserial_list": ["2027011502"]}
    ]


def test_a_master_that_is_ahead_is_one():
    assert tags(check(hidden(ELSEWHERE, serial=2027011502), "zone01")) >= {"Z01_MNAME_IS_MASTER"}


def test_a_serial_number_that_wrapped_is_ahead():
    internet = stage(soa=soa(serial=4294967290))
    own_soa(internet, TWO, serial=3)
    assert tags(check(internet, "zone01")) == {"Z01_MNAME_NOT_MASTER"}


# --- Zone02 to Zone06


@pytest.mark.parametrize(
    ("case", "fields", "expected"),
    [
        ("zone02", {"refresh": 14399}, "REFRESH_MINIMUM_VALUE_LOWER"),
        ("zone02", {"refresh": 14400}, "REFRESH_MINIMUM_VALUE_OK"),
        ("zone03", {"refresh": 3600, "retry": 3600}, "REFRESH_LOWER_THAN_RETRY"),
        ("zone03", {"refresh": 3600, "retry": 3599}, "REFRESH_HIGHER_THAN_RETRY"),
        ("zone04", {"retry": 3599}, "RETRY_MINIMUM_VALUE_LOWER"),
        ("zone04", {"retry": 3600}, "RETRY_MINIMUM_VALUE_OK"),
        ("zone05", {"expire": 604799}, "EXPIRE_MINIMUM_VALUE_LOWER"),
        ("zone05", {"expire": 604800}, "EXPIRE_MINIMUM_VALUE_OK"),
        ("zone05", {"expire": 604800, "refresh": 604801}, "EXPIRE_LOWER_THAN_REFRESH"),
        ("zone06", {"minimum": 86401}, "SOA_DEFAULT_TTL_MAXIMUM_VALUE_HIGHER"),
        ("zone06", {"minimum": 86400}, "SOA_DEFAULT_TTL_MAXIMUM_VALUE_OK"),
        ("zone06", {"minimum": 300}, "SOA_DEFAULT_TTL_MAXIMUM_VALUE_OK"),
        ("zone06", {"minimum": 299}, "SOA_DEFAULT_TTL_MAXIMUM_VALUE_LOWER"),
    ],
)
def test_the_timers_of_the_soa_have_limits(case, fields, expected):
    assert tags(check(stage(soa=soa(**fields)), case)) == {expected}


def test_expire_may_be_wrong_in_two_ways():
    entries = check(stage(soa=soa(expire=1, refresh=2)), "zone05")
    assert tags(entries) == {"EXPIRE_MINIMUM_VALUE_LOWER", "EXPIRE_LOWER_THAN_REFRESH"}


@pytest.mark.parametrize(
    ("case", "name", "limit", "expected"),
    [
        ("zone02", "SOA_REFRESH_MINIMUM_VALUE", 14401, "REFRESH_MINIMUM_VALUE_LOWER"),
        ("zone04", "SOA_RETRY_MINIMUM_VALUE", 3601, "RETRY_MINIMUM_VALUE_LOWER"),
        ("zone05", "SOA_EXPIRE_MINIMUM_VALUE", 1209601, "EXPIRE_MINIMUM_VALUE_LOWER"),
        ("zone06", "SOA_DEFAULT_TTL_MAXIMUM_VALUE", 3599, "SOA_DEFAULT_TTL_MAXIMUM_VALUE_HIGHER"),
        ("zone06", "SOA_DEFAULT_TTL_MINIMUM_VALUE", 3601, "SOA_DEFAULT_TTL_MAXIMUM_VALUE_LOWER"),
    ],
)
def test_the_limits_are_those_of_the_profile(case, name, limit, expected):
    entries = check(stage(), case, profile={"test_cases_vars": {case: {name: limit}}})
    assert tags(entries) == {expected}
    assert limit in arguments(entries, expected)[0].values()


# --- Zone07


def test_an_mname_that_is_an_alias_is_told_for_each_type():
    internet = stage(soa=soa(mname="master.{origin}"), records="master 60 IN CNAME ns1")
    entries = check(internet, "zone07")
    assert arguments(entries, "MNAME_IS_CNAME") == [{"mname": "master.child.example"}] * 2
    assert tags(entries) == {"MNAME_IS_CNAME"}


def test_an_mname_without_any_address_is_told():
    entries = check(stage(soa=soa(mname="master.{origin}")), "zone07")
    assert tags(entries) == {"MNAME_IS_NOT_CNAME", "MNAME_HAS_NO_ADDRESS"}
    assert arguments(entries, "MNAME_HAS_NO_ADDRESS") == [{"mname": "master.child.example"}]


def test_an_alias_to_nothing_has_no_address():
    internet = stage(soa=soa(mname="master.{origin}"), records="master 60 IN CNAME nothing")
    assert tags(check(internet, "zone07")) == {"MNAME_IS_CNAME", "MNAME_HAS_NO_ADDRESS"}


def test_one_type_of_address_is_enough():
    internet = stage(soa=soa(mname="master.{origin}"), records="master 60 IN AAAA 2001:db8::1")
    assert tags(check(internet, "zone07")) == {"MNAME_IS_NOT_CNAME"}


# --- Zone08


def test_an_exchange_in_the_zone_that_is_an_alias_is_told():
    internet = stage(records="@ 60 IN MX 10 mail\nmail 60 IN CNAME ns1")
    assert tags(check(internet, "zone08")) == {"MX_RECORD_IS_CNAME"}


def test_an_exchange_elsewhere_that_is_an_alias_is_told():
    internet = example()
    internet.records(internet.zones[dns.name.from_text("example")], "mail 60 IN CNAME ns1.nic")
    internet.zone(ZONE, SERVERS, records="@ 60 IN MX 10 mail.example.\n@ 60 IN MX 20 ns1")
    assert tags(check(internet, "zone08")) == {"MX_RECORD_IS_CNAME", "MX_RECORD_IS_NOT_CNAME"}


@pytest.mark.parametrize("records", [(), ("MX 0 .",)])
def test_without_exchange_there_is_nothing_to_say(records):
    assert tags(check(with_mail(*records), "zone08")) == set()


def test_mx_records_without_authority_are_not_read():
    assert tags(check(everywhere(well(), to("MX", no_aa)), "zone08")) == {"NO_RESPONSE_MX_QUERY"}


# --- Zone09


@pytest.mark.parametrize(
    ("behaviour", "tag", "more"),
    [
        (silent, "Z09_NO_RESPONSE_MX_QUERY", {}),
        (says(dns.rcode.SERVFAIL), "Z09_UNEXPECTED_RCODE_MX", {"rcode": "SERVFAIL"}),
        (no_aa, "Z09_NON_AUTH_MX_RESPONSE", {}),
    ],
)
def test_a_server_that_does_not_tell_mx_is_named(behaviour, tag, more):
    internet = well()
    internet.behave(TWO, to("MX", behaviour))
    entries = check(internet, "zone09")
    assert arguments(entries, tag) == [{"ns_ip_list": [TWO], **more}]
    assert arguments(entries, "Z09_MX_DATA") == [{"mailtarget_list": ["mail.child.example"], "ns_ip_list": [ONE]}]


def test_a_server_without_soa_is_not_asked_for_mx():
    internet = well()
    internet.behave(TWO, to("SOA", no_aa), to("MX", says(dns.rcode.REFUSED)))
    assert tags(check(internet, "zone09")) == {"Z09_MX_DATA"}


def test_servers_may_disagree_on_whether_there_is_mx():
    internet = well()
    internet.behave(TWO, to("MX", answers_with()))
    entries = check(internet, "zone09")
    assert tags(entries) == {"Z09_INCONSISTENT_MX", "Z09_NO_MX_FOUND", "Z09_MX_FOUND", "Z09_MX_DATA"}
    assert arguments(entries, "Z09_NO_MX_FOUND") == [{"ns_ip_list": [TWO]}]
    assert arguments(entries, "Z09_MX_FOUND") == [{"ns_ip_list": [ONE]}]


def test_servers_may_disagree_on_the_mx_data():
    internet = well()
    internet.behave(TWO, to("MX", answers_with(f"{ZONE} 60 IN MX 10 other.example.")))
    entries = check(internet, "zone09")
    assert tags(entries) == {"Z09_INCONSISTENT_MX_DATA", "Z09_MX_DATA"}
    found = [a["ns_ip_list"] for a in arguments(entries, "Z09_MX_DATA")]
    assert sorted(found, key=str) == [[ONE], [TWO]]


def test_a_zone_without_mx_misses_it():
    assert tags(check(stage(), "zone09")) == {"Z09_MISSING_MAIL_TARGET"}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (["MX 0 ."], set()),
        (["MX 5 ."], {"Z09_NULL_MX_NON_ZERO_PREF"}),
        (["MX 0 .", "MX 10 mail"], {"Z09_NULL_MX_WITH_OTHER_MX"}),
        (["MX 5 .", "MX 10 mail"], {"Z09_NULL_MX_WITH_OTHER_MX", "Z09_NULL_MX_NON_ZERO_PREF"}),
    ],
)
def test_a_null_mx_stands_alone_with_preference_0(records, expected):
    assert tags(check(with_mail(*records), "zone09")) == expected


def served(origin, *records):
    """A zone with these records at its apex, wherever it is."""
    internet = Internet(root_servers=ROOT_SERVERS)
    text = "\n".join(f"@ 60 IN {record}" for record in records)
    if origin == ".":
        internet.records(internet.zones[dns.name.root], text)
    else:
        internet.zone(origin, {f"ns1.{origin}": [ONE], f"ns2.{origin}": [TWO]}, records=text)
    return internet


@pytest.mark.parametrize(
    ("origin", "tag"),
    [(".", "Z09_ROOT_EMAIL_DOMAIN"), ("test", "Z09_TLD_EMAIL_DOMAIN"), ("arpa", "Z09_TLD_EMAIL_DOMAIN")],
)
def test_mail_at_the_root_or_a_top_level_domain_is_told(origin, tag):
    assert tags(check(served(origin, "MX 10 mail.test."), "zone09", domain=origin)) == {tag}


@pytest.mark.parametrize("origin", [".", "test", "arpa", "2.0.192.in-addr.arpa"])
def test_no_mail_is_expected_there(origin):
    assert tags(check(served(origin), "zone09", domain=origin)) == set()


# --- Zone10


def more_soa(*texts):
    return to("SOA", answers_with(*(f"{text} 60 IN SOA a. b. 1 2 3 4 5" for text in texts)), ZONE)


def twice(reply):
    """The SOA record two times."""
    reply.answer = [*reply.answer, *reply.answer]


@pytest.mark.parametrize(
    ("behaviour", "tag", "more"),
    [
        (silent, "NO_RESPONSE", {}),
        (to("SOA", answers_with()), "NO_SOA_IN_RESPONSE", {}),
        (more_soa("www.example"), "WRONG_SOA", {"owner": "www.example", "name": ZONE}),
        (more_soa(ZONE, "www.example"), "WRONG_SOA", {"owner": "www.example", "name": ZONE}),
        (to("SOA", edited(twice)), "MULTIPLE_SOA", {"count": 2}),
    ],
)
def test_a_server_with_other_than_one_soa_is_named(behaviour, tag, more):
    internet = stage()
    internet.behave(TWO, behaviour)
    entries = check(internet, "zone10")
    assert tags(entries) == {tag}
    assert arguments(entries, tag) == [{"ns": AT_TWO, **more}]


def test_several_soa_records_are_an_error():
    internet = stage()
    internet.behave(TWO, to("SOA", edited(twice)))
    assert [entry.level for entry in check(internet, "zone10")] == [Level.ERROR]


# --- Zone11


def with_spf(*policies, **options):
    return with_mail(*(f'TXT "{policy}"' for policy in policies), **options)


def test_no_policy_is_told():
    entries = check(with_spf("something else"), "zone11")
    assert arguments(entries, "Z11_NO_SPF_FOUND") == [{"domain": ZONE}]


@pytest.mark.parametrize("behaviour", [silent, no_aa, says(dns.rcode.REFUSED)])
def test_where_no_reply_is_usable_nothing_can_be_checked(behaviour):
    assert tags(check(everywhere(well(), to("TXT", behaviour)), "zone11")) == {"Z11_UNABLE_TO_CHECK_FOR_SPF"}


def test_a_policy_in_pieces_and_capitals_is_read():
    internet = with_mail('TXT "V=SPF1 I" "P4:192.0.2.1 -ALL"')
    assert arguments(check(internet, "zone11"), "Z11_SPF_SYNTAX_OK") == [{"domain": ZONE}]


@pytest.mark.parametrize("other", [(), (f'{ZONE} 60 IN TXT "v=spf1 ?all"',)])
def test_servers_may_disagree_on_the_policy(other):
    internet = with_spf("v=spf1 -all")
    internet.behave(TWO, to("TXT", answers_with(*other)))
    entries = check(internet, "zone11")
    assert tags(entries) == {"Z11_INCONSISTENT_SPF_POLICIES", "Z11_DIFFERENT_SPF_POLICIES_FOUND"}
    found = [a["ns_list"] for a in arguments(entries, "Z11_DIFFERENT_SPF_POLICIES_FOUND")]
    assert sorted(found, key=str) == [[AT_ONE], [AT_TWO]]


def test_the_same_policies_in_another_order_are_the_same():
    internet = with_spf("v=spf1 -all", "v=spf1 ?all")
    texts = [f'{ZONE} 60 IN TXT "v=spf1 {rest}"' for rest in ("?all", "-ALL")]
    internet.behave(TWO, to("TXT", answers_with(*texts)))
    entries = check(internet, "zone11")
    assert arguments(entries, "Z11_SPF_MULTIPLE_RECORDS") == [{"ns_list": [AT_ONE, AT_TWO]}]


def test_a_syntax_error_is_told():
    entries = check(with_spf("v=spf1 nonsense"), "zone11")
    assert tags(entries) == {"Z11_SPF_SYNTAX_ERROR"}
    assert arguments(entries, "Z11_SPF_SYNTAX_ERROR") == [{"domain": ZONE, "ns_list": [AT_ONE, AT_TWO]}]


@pytest.mark.parametrize("origin", ["test", "2.0.192.in-addr.arpa"])
@pytest.mark.parametrize(
    ("records", "tag"),
    [
        ([], "Z11_NO_SPF_NON_MAIL_DOMAIN"),
        (['TXT "v=spf1 -all"'], "Z11_NULL_SPF_NON_MAIL_DOMAIN"),
        (['TXT "v=spf1 mx -all"'], "Z11_NON_NULL_SPF_NON_MAIL_DOMAIN"),
        (['TXT "v=spf1 ~all"'], "Z11_NON_NULL_SPF_NON_MAIL_DOMAIN"),
    ],
)
def test_where_no_mail_is_expected_the_policy_should_allow_none(origin, records, tag):
    entries = check(served(origin, *records), "zone11", domain=origin)
    assert tags(entries) == {tag}
    assert arguments(entries, tag) == [{"domain": origin}]


def test_servers_of_either_side_are_asked():
    internet = stage({NS1: [ONE]}, delegation={NS2: [TWO]}, records='@ 60 IN TXT "v=spf1 x"\nns2 60 IN A 192.0.2.12')
    internet.serve(internet.zones[dns.name.from_text(ZONE)], [TWO])
    assert arguments(check(internet, "zone11"), "Z11_SPF_SYNTAX_ERROR")[0]["ns_list"] == [AT_ONE, AT_TWO]
