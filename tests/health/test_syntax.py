"""Scenarios of the Syntax test cases, written from the specification."""

import dns.name
import dns.rcode
import pytest

from tests.health.stage import AT_TWO, NS1, ONE, TWO, ZONE, check, example, own_ns, own_soa, stage
from tests.kit.internet import Internet, arguments, tags
from tests.kit.internet_behaviour import answers_with, says, silent, to


def plain(entries):
    return [(entry.tag, dict(entry.arguments)) for entry in entries]


# --- Syntax01 to Syntax03: nothing but the name


@pytest.mark.parametrize(
    ("domain", "tag"),
    [
        ("child.example", "ONLY_ALLOWED_CHARS"),
        ("xn--caf-dma.example", "ONLY_ALLOWED_CHARS"),
        ("1-2.example", "ONLY_ALLOWED_CHARS"),
        (".", "ONLY_ALLOWED_CHARS"),
        ("under_score.example", "NON_ALLOWED_CHARS"),
        ("0/25.2.0.192.in-addr.arpa", "NON_ALLOWED_CHARS"),
    ],
)
def test_the_characters_of_the_name_are_judged(domain, tag):
    assert plain(check(Internet(), "syntax01", domain)) == [(tag, {"domain": domain})]


def test_hyphens_inside_labels_are_well():
    entries = check(Internet(), "syntax02", "in-side.example")
    assert plain(entries) == [("NO_ENDING_HYPHENS", {"domain": "in-side.example"})]


@pytest.mark.parametrize(
    ("domain", "found"),
    [
        ("-first.example", [("INITIAL_HYPHEN", "-first")]),
        ("last-.example", [("TERMINAL_HYPHEN", "last-")]),
        (
            "-both-.deep-.example",
            [("INITIAL_HYPHEN", "-both-"), ("TERMINAL_HYPHEN", "-both-"), ("TERMINAL_HYPHEN", "deep-")],
        ),
    ],
)
def test_hyphens_at_the_ends_of_labels_are_said(domain, found):
    entries = check(Internet(), "syntax02", domain)
    assert plain(entries) == [(tag, {"domain": domain, "label": label}) for tag, label in found]


@pytest.mark.parametrize("domain", ["child.example", "xn--caf-dma.example", "a--b.example", "abc--d.example"])
def test_hyphens_elsewhere_and_in_a_labels_are_well(domain):
    assert plain(check(Internet(), "syntax03", domain)) == [("NO_DOUBLE_DASH", {"domain": domain})]


@pytest.mark.parametrize(
    ("domain", "labels"),
    [("ab--c.example", ["ab--c"]), ("xn--caf-dma.ab--c.de--f", ["ab--c", "de--f"])],
)
def test_hyphens_in_positions_three_and_four_are_said(domain, labels):
    found = [dict(entry.arguments) for entry in check(Internet(), "syntax03", domain)]
    assert found == [{"domain": domain, "label": label} for label in labels]


# --- the names of hosts: Syntax04, Syntax07, Syntax08

HOSTS = [
    ("ns.good.test", [("{}_SYNTAX_OK", {})]),
    ("n_s.good.test", [("{}_NON_ALLOWED_CHARS", {})]),
    ("ab--c.good.test", [("{}_DISCOURAGED_DOUBLE_DASH", {"label": "ab--c"})]),
    ("xn--caf-dma.good.test", [("{}_SYNTAX_OK", {})]),
    ("192.0.2.1", [("{}_NUMERIC_TLD", {"tld": "1"})]),
    (
        "a_b.ab--c.7",
        [
            ("{}_NON_ALLOWED_CHARS", {}),
            ("{}_DISCOURAGED_DOUBLE_DASH", {"label": "ab--c"}),
            ("{}_NUMERIC_TLD", {"tld": "7"}),
        ],
    ),
]


def expected(prefix: str, host: str, found: list[tuple[str, dict[str, str]]]):
    return [(tag.format(prefix), {"domain": host, **more}) for tag, more in found]


@pytest.mark.parametrize(("host", "found"), HOSTS)
def test_the_names_of_name_servers_are_judged(host, found):
    internet = stage({NS1: [ONE]})
    own_ns(internet, ONE, NS1, host)
    entries = check(internet, "syntax04")
    of_host = [item for item in plain(entries) if item[1]["domain"] == host]
    assert of_host == expected("NAMESERVER", host, found)
    assert {"domain": NS1} in arguments(entries, "NAMESERVER_SYNTAX_OK")


def test_a_zone_whose_only_name_server_is_misnamed_has_no_good_one():
    entries = check(stage({"n_s.child.example": [ONE]}), "syntax04")
    assert plain(entries) == [("NAMESERVER_NON_ALLOWED_CHARS", {"domain": "n_s.child.example"})]


def test_the_names_in_the_delegation_are_judged_too():
    entries = check(stage({NS1: [ONE]}, delegation={NS1: [ONE], "n_s.other.test": []}), "syntax04")
    assert arguments(entries, "NAMESERVER_NON_ALLOWED_CHARS") == [{"domain": "n_s.other.test"}]


@pytest.mark.parametrize(("host", "found"), HOSTS)
def test_the_mname_is_judged(host, found):
    internet = stage({NS1: [ONE]})
    own_soa(internet, ONE, mname=f"{host}.")
    assert plain(check(internet, "syntax07")) == expected("MNAME", host, found)


@pytest.mark.parametrize(("host", "found"), HOSTS)
def test_mail_exchanges_are_judged(host, found):
    assert plain(check(stage(records=f"@ 3600 IN MX 10 {host}."), "syntax08")) == expected("MX", host, found)


@pytest.mark.parametrize("records", ["", "@ 3600 IN MX 0 ."], ids=["none", "null MX"])
def test_without_mail_exchanges_nothing_is_judged(records):
    assert check(stage(records=records), "syntax08") == []


def test_silence_about_mail_exchanges_is_said():
    internet = stage()
    for address in (ONE, TWO):
        internet.behave(address, to("MX", silent))
    assert plain(check(internet, "syntax08")) == [("NO_RESPONSE_MX_QUERY", {})]


def test_the_next_server_is_read_where_one_is_silent():
    internet = stage(records="@ 3600 IN MX 10 m_x")
    internet.behave(ONE, silent)
    assert tags(check(internet, "syntax08")) == {"MX_NON_ALLOWED_CHARS"}
    assert tags(check(internet, "syntax07")) == {"MNAME_SYNTAX_OK"}
    assert tags(check(internet, "syntax05")) == {"RNAME_NO_AT_SIGN"}


@pytest.mark.parametrize("case", ["syntax05", "syntax07"])
@pytest.mark.parametrize("behaviour", [silent, to("SOA", answers_with())], ids=["silent", "no SOA"])
def test_no_soa_to_read_is_said(case, behaviour):
    internet = stage()
    for address in (ONE, TWO):
        internet.behave(address, behaviour)
    assert plain(check(internet, case)) == [("NO_RESPONSE_SOA_QUERY", {})]


# --- Syntax05


def test_an_rname_without_at_sign_is_well():
    assert plain(check(stage(), "syntax05")) == [("RNAME_NO_AT_SIGN", {"rname": "hostmaster.child.example"})]


@pytest.mark.parametrize("rname", [r"hostmaster\@child.example.", r"a.b\@c.example."])
def test_an_at_sign_in_the_rname_is_said(rname):
    internet = stage({NS1: [ONE]})
    own_soa(internet, ONE, rname=rname)
    shown = dns.name.from_text(rname).to_text(omit_final_dot=True)
    assert plain(check(internet, "syntax05")) == [("RNAME_MISUSED_AT_SIGN", {"rname": shown})]


# --- Syntax06


def mailed(rname: str, records: str = "") -> Internet:
    """The stage with this RNAME, and a zone mail.test with these records."""
    internet = stage()
    internet.zone("mail.test", {"ns1.mail.test": ["192.0.2.40"]}, records=records)
    for address in (ONE, TWO):
        own_soa(internet, address, rname=rname)
    return internet


USABLE = "mx 3600 IN A 192.0.2.41"


@pytest.mark.parametrize(
    "records",
    [
        f"@ 3600 IN MX 10 mx\n{USABLE}",
        "@ 3600 IN MX 10 mx\nmx 3600 IN AAAA 2001:db8::41",
        "@ 3600 IN A 192.0.2.41",
        f"@ 3600 IN MX 10 mx\nmx 3600 IN A 127.0.0.2\n{USABLE}",
    ],
)
def test_a_mail_address_whose_domain_takes_mail_is_valid(records):
    entries = check(mailed("admin.mail.test.", records), "syntax06")
    assert plain(entries) == [("RNAME_RFC822_VALID", {"rname": "admin@mail.test"})]


def test_a_dot_in_the_local_part_is_kept():
    entries = check(mailed(r"the\.admin.mail.test.", "@ 3600 IN A 192.0.2.41"), "syntax06")
    assert plain(entries) == [("RNAME_RFC822_VALID", {"rname": "the.admin@mail.test"})]


def test_a_mail_domain_that_is_an_alias_is_followed_to_its_mx():
    records = f"alias 3600 IN CNAME real\nreal 3600 IN MX 10 mx\n{USABLE}"
    assert tags(check(mailed("admin.alias.mail.test.", records), "syntax06")) == {"RNAME_RFC822_VALID"}


def test_a_mail_domain_that_is_an_alias_without_mx_is_followed_to_its_address():
    records = "alias 3600 IN CNAME real\nreal 3600 IN A 192.0.2.41"
    assert tags(check(mailed("admin.alias.mail.test.", records), "syntax06")) == {"RNAME_RFC822_VALID"}


@pytest.mark.parametrize("rname", [".", "root.", r"two\ words.mail.test.", r"a\.\.b.mail.test.", r"x\@y.mail.test."])
def test_what_is_no_mail_address_is_said(rname):
    entries = check(mailed(rname, "@ 3600 IN A 192.0.2.41"), "syntax06")
    assert tags(entries) == {"RNAME_RFC822_INVALID"}
    assert len(entries) == 1


@pytest.mark.parametrize(
    ("domain", "records"),
    [
        ("missing.mail.test", ""),
        ("mail.test", ""),
        ("mail.test", "@ 3600 IN TXT none"),
    ],
    ids=["NXDOMAIN", "no address", "other data"],
)
def test_a_domain_that_takes_no_mail_is_said(domain, records):
    entries = check(mailed(f"admin.{domain}.", records), "syntax06")
    assert plain(entries) == [("RNAME_MAIL_DOMAIN_INVALID", {"domain": domain})]


def test_a_mail_domain_nobody_answers_for_is_invalid():
    internet = mailed("admin.mail.test.", "@ 3600 IN A 192.0.2.41")
    internet.behave("192.0.2.40", silent)
    assert plain(check(internet, "syntax06")) == [("RNAME_MAIL_DOMAIN_INVALID", {"domain": "mail.test"})]


@pytest.mark.parametrize("address", ["A 127.0.0.1", "AAAA ::1"])
def test_a_mail_target_that_is_localhost_is_said(address):
    records = f"@ 3600 IN MX 10 mx\nmx 3600 IN {address}"
    entries = check(mailed("admin.mail.test.", records), "syntax06")
    assert plain(entries) == [
        ("RNAME_MAIL_DOMAIN_LOCALHOST", {"domain": "mx.mail.test", "localhost": address.split()[1]}),
        ("RNAME_MAIL_DOMAIN_INVALID", {"domain": "mx.mail.test"}),
    ]
    assert entries[0].level.name == "WARNING"


def test_a_mail_exchange_that_is_an_alias_is_said():
    records = f"@ 3600 IN MX 10 alias\nalias 3600 IN CNAME mx\n{USABLE}"
    entries = check(mailed("admin.mail.test.", records), "syntax06")
    assert plain(entries) == [
        ("RNAME_MAIL_ILLEGAL_CNAME", {"domain": "alias.mail.test"}),
        ("RNAME_MAIL_DOMAIN_INVALID", {"domain": "alias.mail.test"}),
    ]
    assert entries[0].level.name == "WARNING"


def test_one_bad_mail_exchange_is_said_and_spoils_the_address():
    records = f"@ 3600 IN MX 10 mx\n@ 3600 IN MX 20 missing\n{USABLE}"
    entries = check(mailed("admin.mail.test.", records), "syntax06")
    assert plain(entries) == [("RNAME_MAIL_DOMAIN_INVALID", {"domain": "missing.mail.test"})]


def test_a_null_mx_takes_no_mail():
    entries = check(mailed("admin.mail.test.", "@ 3600 IN MX 0 ."), "syntax06")
    assert plain(entries) == [("RNAME_MAIL_DOMAIN_INVALID", {"domain": "mail.test"})]


@pytest.mark.parametrize(
    ("behaviour", "tag", "argument"),
    [
        (silent, "NO_RESPONSE", {"ns": AT_TWO, "domain": ZONE}),
        (to("SOA", answers_with()), "NO_RESPONSE_SOA_QUERY", {}),
    ],
)
def test_a_server_without_soa_is_told_and_left_out(behaviour, tag, argument):
    internet = mailed("admin.mail.test.", "@ 3600 IN A 192.0.2.41")
    internet.behave(TWO, behaviour)
    entries = check(internet, "syntax06")
    assert tags(entries) == {tag, "RNAME_RFC822_VALID"}
    assert arguments(entries, tag) == [argument]


def test_every_rname_is_judged():
    internet = mailed("admin.mail.test.", "@ 3600 IN A 192.0.2.41")
    own_soa(internet, TWO, rname="admin.missing.test.")
    entries = check(internet, "syntax06")
    assert tags(entries) == {"RNAME_MAIL_DOMAIN_INVALID", "RNAME_RFC822_VALID"}


# --- what decides about what


def test_a_name_with_other_characters_is_not_looked_at_further():
    internet = example()
    internet.zone("under_score.example", {"ns1.nic.example": ["192.0.2.1"]})
    entries = internet.check("under_score.example", "syntax")
    cases = {entry.case for entry in entries if entry.module == "Syntax"}
    assert cases == {"Syntax01", "Syntax02", "Syntax03"}


def test_without_soa_rname_and_mname_are_not_judged():
    internet = stage()
    for address in (ONE, TWO):
        internet.behave(address, to("SOA", says(dns.rcode.SERVFAIL)))
    cases = {entry.case for entry in internet.check(ZONE, "syntax") if entry.module == "Syntax"}
    assert "Syntax04" in cases
    assert not cases & {"Syntax06", "Syntax07"}
