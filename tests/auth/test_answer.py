"""The answer algorithm: examples of the RFCs, and the corners between them."""

from __future__ import annotations

import pytest

from auth.acl import compile_acl
from auth.settings import AnyAnswer, Settings
from auth.zones import ZonePolicy, ZoneTable
from datasrc.source import Finder
from image.layout import MAX_CHAIN
from tests.auth.world import TCP, World

EXAMPLE = """
@       NS      ns
@       NS      ns.elsewhere.test.
@       MX      10 mail
ns      A       192.0.2.1
mail    A       192.0.2.2
mail    AAAA    2001:db8::2
www     A       192.0.2.3
www     A       192.0.2.4
a.b.c   TXT     "deep"
alias   CNAME   www
twice   CNAME   alias
away    CNAME   www.elsewhere.test.
gone    CNAME   nowhere
empty   CNAME   b.c
into    CNAME   x.sub
other   CNAME   www.second.
self    CNAME   self
ring1   CNAME   ring2
ring2   CNAME   ring1
_s._tcp SRV     0 0 80 www
cut     NS      ns.cut
ns.cut  A       192.0.2.10
ns.cut  AAAA    2001:db8::10
sub     NS      ns.sub
sub     NS      ns.cut
sub     NS      ns.elsewhere.test.
ns.sub  A       192.0.2.11
deep.ns.sub A   192.0.2.12
"""
SECOND = "@ NS ns.example.\nwww A 198.51.100.1\nback CNAME www.example.\nloop CNAME loop2.example.\n"


@pytest.fixture(scope="module")
def world():
    return World({"example.": EXAMPLE + "loop2 CNAME loop.second.\n", "second.": SECOND})


SOA = "example. 60 SOA ns.example. host.example. 1 7200 900 604800 60"
WWW = ["www.example. 300 A 192.0.2.3", "www.example. 300 A 192.0.2.4"]
ALIAS = "alias.example. 300 CNAME www.example."

# name, type, rcode, AA, answer, authority
ANSWERS = [
    ("www.example.", "A", "NOERROR", True, WWW, []),
    ("www.example.", "AAAA", "NOERROR", True, [], [SOA]),
    ("nowhere.example.", "A", "NXDOMAIN", True, [], [SOA]),
    ("x.www.example.", "A", "NXDOMAIN", True, [], [SOA]),
    ("c.example.", "A", "NOERROR", True, [], [SOA]),
    ("b.c.example.", "TXT", "NOERROR", True, [], [SOA]),
    ("a.b.c.example.", "TXT", "NOERROR", True, ['a.b.c.example. 300 TXT "deep"'], []),
    ("example.", "SOA", "NOERROR", True, [SOA.replace(" 60 SOA", " 300 SOA")], []),
    ("alias.example.", "A", "NOERROR", True, [ALIAS, *WWW], []),
    ("alias.example.", "CNAME", "NOERROR", True, [ALIAS], []),
    ("alias.example.", "MX", "NOERROR", True, [ALIAS], [SOA]),
    ("twice.example.", "A", "NOERROR", True, ["twice.example. 300 CNAME alias.example.", ALIAS, *WWW], []),
    ("away.example.", "A", "NOERROR", True, ["away.example. 300 CNAME www.elsewhere.test."], []),
    ("gone.example.", "A", "NXDOMAIN", True, ["gone.example. 300 CNAME nowhere.example."], [SOA]),
    ("empty.example.", "A", "NOERROR", True, ["empty.example. 300 CNAME b.c.example."], [SOA]),
    (
        "other.example.", "A", "NOERROR", True,
        ["other.example. 300 CNAME www.second.", "www.second. 300 A 198.51.100.1"], [],
    ),
    ("back.second.", "A", "NOERROR", True, ["back.second. 300 CNAME www.example.", *WWW], []),
    ("self.example.", "A", "NOERROR", True, ["self.example. 300 CNAME self.example."], []),
    (
        "ring1.example.", "A", "NOERROR", True,
        ["ring1.example. 300 CNAME ring2.example.", "ring2.example. 300 CNAME ring1.example."], [],
    ),
    (
        "loop.second.", "A", "NOERROR", True,
        ["loop.second. 300 CNAME loop2.example.", "loop2.example. 300 CNAME loop.second."], [],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "rdtype", "rcode", "aa", "answer", "authority"), ANSWERS)
def test_answers(world, name, rdtype, rcode, aa, answer, authority):
    reply = world.ask(name, rdtype)
    assert (reply.rcode, reply.aa, reply.tc) == (rcode, aa, False)
    assert sorted(reply.answer) == sorted(answer)
    assert reply.authority == authority
    assert reply.additional == []


@pytest.mark.parametrize("name", ["cut.example.", "ns.cut.example.", "x.y.cut.example."])
@pytest.mark.parametrize("rdtype", ["A", "NS", "ANY", "SOA", "TXT"])
def test_at_and_below_a_cut_there_are_referrals(world, name, rdtype):
    reply = world.ask(name, rdtype)
    assert (reply.rcode, reply.aa, reply.answer) == ("NOERROR", False, [])
    assert reply.authority == ["cut.example. 300 NS ns.cut.example."]
    assert reply.additional == ["ns.cut.example. 300 A 192.0.2.10", "ns.cut.example. 300 AAAA 2001:db8::10"]


def test_a_referral_has_glue_of_the_cut_and_of_its_siblings(world):
    reply = world.ask("sub.example.", "A")
    assert sorted(reply.additional) == [
        "ns.cut.example. 300 A 192.0.2.10",
        "ns.cut.example. 300 AAAA 2001:db8::10",
        "ns.sub.example. 300 A 192.0.2.11",
    ]


def test_glue_is_looked_for_only_while_there_is_room():
    """A delegation with very many name servers costs no more than fills a reply."""
    hosts = "".join(f"sub NS n{index}.sub\nn{index}.sub A 192.0.2.1\n" for index in range(1000))
    world = World({"example.": f"@ NS ns\n{hosts}"})
    looked = 0
    find = Finder.find

    def counting(self, *args, **how):
        nonlocal looked
        looked += 1
        return find(self, *args, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Finder, "find", counting)
        assert world.ask("sub.example.", size=1232).tc
    assert looked < 100
    assert len(world.ask("sub.example.", client=TCP).additional) == 1000


def test_a_chain_into_a_cut_ends_in_a_referral_and_keeps_aa(world):
    reply = world.ask("into.example.", "A")
    assert (reply.rcode, reply.aa) == ("NOERROR", True)
    assert reply.answer == ["into.example. 300 CNAME x.sub.example."]
    assert len(reply.authority) == 3


def test_a_name_that_is_nobodys_is_refused(world):
    reply = world.ask("www.elsewhere.test.", "A")
    assert (reply.rcode, reply.aa, reply.answer) == ("REFUSED", False, [])
    assert reply.errors() == {20: ""}


def test_the_case_of_question_and_data_is_kept():
    world = World({"example.": "@ NS ns\nWWW A 192.0.2.3\n*.W A 192.0.2.4\n"})
    reply = world.ask("wWw.eXample.", "A")
    assert reply.question.startswith(b"\3wWw\7eXample\0")
    assert reply.answer == ["WWW.example. 300 A 192.0.2.3"]
    assert world.ask("Q.w.Example.", "A").answer == ["Q.w.Example. 300 A 192.0.2.4"]


def test_the_ttl_of_a_denial_is_the_lower_of_soa_and_minimum():
    world = World({"example.": "@ NS ns\n"})
    assert world.ask("x.example.").authority[0].split()[1] == "60"
    world = World({"low.": "$TTL 30\n@ NS ns\n"})
    soa = world.ask("x.low.").authority[0].split()
    assert soa[1] == "60"


# RFC 4592 section 2.2.1.
WILD = """
@                   NS      ns.example.com.
@                   NS      ns.example.net.
*                   TXT     "this is a wildcard"
*                   MX      10 host1
sub.*               TXT     "this is not a wildcard"
host1               A       192.0.2.1
_ssh._tcp.host1     SRV     0 0 22 host1
_ssh._tcp.host2     SRV     0 0 22 host1
subdel              NS      ns.example.com.
subdel              NS      ns.example.net.
"""
SYNTHESISED = [
    ("host3.example.", "MX", ["host3.example. 300 MX 10 host1.example."]),
    ("host3.example.", "A", "NODATA"),
    ("foo.bar.example.", "TXT", ['foo.bar.example. 300 TXT "this is a wildcard"']),
    ("host1.example.", "MX", "NODATA"),
    ("sub.*.example.", "MX", "NODATA"),
    ("_telnet._tcp.host1.example.", "SRV", "NXDOMAIN"),
    ("host.subdel.example.", "A", "REFERRAL"),
    ("ghost.*.example.", "MX", "NXDOMAIN"),
    ("*.example.", "TXT", ['*.example. 300 TXT "this is a wildcard"']),
]


@pytest.mark.parametrize(("name", "rdtype", "outcome"), SYNTHESISED)
def test_wildcards_as_in_rfc_4592(name, rdtype, outcome):
    reply = World({"example.": WILD}).ask(name, rdtype)
    match outcome:
        case "NODATA":
            assert reply.is_nodata("example.")
        case "NXDOMAIN":
            assert reply.is_nxdomain("example.")
        case "REFERRAL":
            assert reply.is_referral("subdel.example.")
        case _:
            assert reply.answer == outcome


def test_a_wildcard_cname_is_followed():
    world = World({"example.": "@ NS ns\n*.w CNAME www\nwww A 192.0.2.3\n"})
    assert world.ask("x.w.example.").answer == ["x.w.example. 300 CNAME www.example.", "www.example. 300 A 192.0.2.3"]


def test_a_wildcard_cname_to_itself_ends():
    world = World({"example.": "@ NS ns\n*.w CNAME y.w\n"})
    reply = world.ask("x.w.example.")
    assert reply.rcode == "NOERROR"
    assert reply.answer == ["x.w.example. 300 CNAME y.w.example.", "y.w.example. 300 CNAME y.w.example."]


# RFC 6672: name, type, rcode, answer.
DNAMES = (
    "@ NS ns\nd DNAME t\nx.t A 192.0.2.7\nt DNAME u\nx.u A 192.0.2.8\nlong DNAME " + ".".join(["l" * 60] * 4) + "\n"
)
REDIRECTED = [
    ("d.example.", "DNAME", "NOERROR", ["d.example. 300 DNAME e.example."]),
    ("d.example.", "A", "NOERROR", []),
    (
        "x.d.example.", "A", "NOERROR",
        ["d.example. 300 DNAME e.example.", "x.d.example. 300 CNAME x.e.example.", "x.e.example. 300 A 192.0.2.7"],
    ),
    ("x.d.example.", "CNAME", "NOERROR", ["d.example. 300 DNAME e.example.", "x.d.example. 300 CNAME x.e.example."]),
    ("x.d.example.", "ANY", "NOERROR", ["d.example. 300 DNAME e.example.", "x.d.example. 300 CNAME x.e.example."]),
    ("y.d.example.", "A", "NXDOMAIN", ["d.example. 300 DNAME e.example.", "y.d.example. 300 CNAME y.e.example."]),
    (
        "x.dd.example.", "A", "NOERROR",
        [
            "dd.example. 300 DNAME d.example.", "x.dd.example. 300 CNAME x.d.example.",
            "d.example. 300 DNAME e.example.", "x.d.example. 300 CNAME x.e.example.", "x.e.example. 300 A 192.0.2.7",
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "rdtype", "rcode", "answer"), REDIRECTED)
def test_dname_as_in_rfc_6672(name, rdtype, rcode, answer):
    reply = World({"example.": "@ NS ns\nd DNAME e\nx.e A 192.0.2.7\ndd DNAME d\n"}).ask(name, rdtype)
    assert (reply.rcode, reply.aa) == (rcode, True)
    assert reply.answer == answer


def test_a_substitution_that_is_too_long_is_yxdomain_with_the_dname():
    target = ".".join(["l" * 60] * 3)
    world = World({"example.": f"@ NS ns\nlong DNAME {target}\nto CNAME {'x' * 63}.long\n"})
    reply = world.ask(f"{'x' * 63}.long.example.")
    assert (reply.rcode, reply.aa) == ("YXDOMAIN", True)
    assert reply.owners(0) == [("long.example.", "DNAME")]
    assert world.ask("y.long.example.").rcode == "NXDOMAIN"
    chained = world.ask("to.example.")
    assert chained.rcode == "YXDOMAIN"
    assert [rdtype for _, rdtype in chained.owners(0)] == ["CNAME", "DNAME"]


def test_a_dname_used_twice_is_there_once():
    world = World({"example.": "@ NS ns\nd DNAME e\nx.e CNAME y.d\ny.e A 192.0.2.9\n"})
    owners = world.ask("x.d.example.").owners(0)
    assert owners.count(("d.example.", "DNAME")) == 1
    assert owners[-1] == ("y.e.example.", "A")


def test_a_dname_onto_itself_ends():
    reply = World({"example.": "@ NS ns\nd DNAME x.d\n"}).ask("a.d.example.")
    assert reply.rcode in ("NOERROR", "YXDOMAIN")
    assert reply.owners(0).count(("d.example.", "DNAME")) == 1


def test_a_long_chain_is_cut_without_an_error():
    chain = "".join(f"c{index} CNAME c{index + 1}\n" for index in range(1000))
    reply = World({"example.": "@ NS ns\n" + chain}).ask("c0.example.", size=4096)
    assert reply.rcode == "NOERROR"
    assert len(reply.answer) == MAX_CHAIN + 1


# Parent and child zone both served.
PARENT = "@ NS ns\nchild NS ns.child\nchild DS 1 8 2 " + "AB" * 32 + "\nns.child A 192.0.2.20\ninsecure NS ns.child\n"
CHILD = "@ NS ns\nns A 192.0.2.21\nwww A 192.0.2.22\n"


@pytest.fixture(scope="module")
def family():
    return World({"parent.": PARENT, "child.parent.": CHILD, "insecure.parent.": CHILD, "orphan.parent.": CHILD})


def test_the_child_answers_for_what_is_at_and_below_its_apex(family):
    assert family.ask("ns.child.parent.").answer == ["ns.child.parent. 300 A 192.0.2.21"]
    assert family.ask("child.parent.", "NS").aa
    assert family.ask("x.child.parent.").is_nxdomain("child.parent.")


def test_ds_is_answered_by_the_parent(family):
    assert family.ask("child.parent.", "DS").owners(0) == [("child.parent.", "DS")]
    assert family.ask("insecure.parent.", "DS").is_nodata("parent.")
    assert family.ask("www.child.parent.", "DS").is_nodata("child.parent.")


def test_ds_without_a_cut_or_a_parent_is_answered_by_the_child(family):
    assert family.ask("orphan.parent.", "DS").is_nodata("orphan.parent.")
    assert family.ask("parent.", "DS").is_nodata("parent.")


def test_a_grandparent_does_not_answer_ds():
    world = World({"top.": "@ NS ns\nmid NS ns.elsewhere.\n", "low.mid.top.": "@ NS ns\n"})
    assert world.ask("low.mid.top.", "DS").is_nodata("low.mid.top.")
    assert world.ask("mid.top.", "DS").is_nodata("top.")


def test_ds_of_the_root_is_answered_by_the_root():
    assert World({".": "@ NS ns.\n"}).ask(".", "DS").is_nodata(".")


def test_ds_of_a_listed_zone_without_data_comes_from_the_parent():
    table = ZoneTable({b"parent\0child\0": ZonePolicy()})
    world = World({"parent.": PARENT}, table=table)
    assert world.ask("child.parent.", "DS").owners(0) == [("child.parent.", "DS")]
    assert world.ask("child.parent.", "A").rcode == "SERVFAIL"


def test_the_root_zone_refers():
    world = World({".": "@ NS ns.\ntest NS ns.test\nns.test A 192.0.2.1\n"})
    assert world.ask("www.test.").is_referral("test.")
    assert world.ask("nothing.").is_nxdomain(".")


# ANY (RFC 8482).
def test_any_gets_one_small_set(world):
    reply = world.ask("example.", "ANY")
    assert len(set(reply.owners(0))) == 1
    assert not reply.tc


def test_any_gets_hinfo_where_configured():
    world = World({"example.": EXAMPLE}, Settings(any_answer=AnyAnswer.HINFO, any_ttl=77))
    assert world.ask("example.", "ANY").answer == ['example. 77 HINFO "RFC8482" ""']
    assert world.ask("alias.example.", "ANY").answer == [ALIAS]
    assert world.ask("c.example.", "ANY").is_nodata("example.")
    assert world.ask("nope.example.", "ANY").is_nxdomain("example.")


def test_any_at_a_wildcard_belongs_to_the_name_asked():
    assert World({"example.": WILD}).ask("q.example.", "ANY").owners(0) == [("q.example.", "MX")]


# Everything that may be sent.
COURTEOUS = Settings(minimal_responses=False)


@pytest.fixture(scope="module")
def courteous():
    return World({"example.": EXAMPLE, "elsewhere.test.": "@ NS ns\nns A 203.0.113.1\n"}, COURTEOUS)


def test_an_answer_carries_the_name_servers_and_their_addresses(courteous):
    reply = courteous.ask("www.example.", "A")
    assert reply.owners(1) == [("example.", "NS")] * 2
    assert sorted(reply.additional) == ["ns.elsewhere.test. 300 A 203.0.113.1", "ns.example. 300 A 192.0.2.1"]


def test_the_addresses_of_mx_and_srv_targets_are_there(courteous):
    assert ("mail.example.", "AAAA") in courteous.ask("example.", "MX").owners(2)
    assert ("www.example.", "A") in courteous.ask("_s._tcp.example.", "SRV").owners(2)


@pytest.mark.parametrize("rdtype", ["SVCB", "HTTPS"])
def test_a_courteous_answer_has_addresses_of_services(rdtype):
    """RFC 9460 sections 2.5 and 4.1: the target, or the owner itself; an alias to nothing has none."""
    rows = f"@ NS ns.elsewhere.\na {rdtype} 1 h\nb {rdtype} 1 .\nb A 192.0.2.1\nc {rdtype} 0 .\nc A 192.0.2.1\n"
    world = World({"example.": rows + f"d {rdtype} 0 h\nh AAAA 2001:db8::1\n"}, COURTEOUS)
    added = {owner: [name for name, _ in world.ask(f"{owner}.example.", rdtype).owners(2)] for owner in "abcd"}
    assert added == {"a": ["h.example."], "b": ["b.example."], "c": [], "d": ["h.example."]}


def test_a_set_is_in_one_section_only(courteous):
    reply = courteous.ask("example.", "NS")
    assert reply.authority == []
    assert courteous.ask("ns.example.", "A").owners(2).count(("ns.example.", "A")) == 0


def test_denials_carry_the_soa_only(courteous):
    assert courteous.ask("nope.example.").owners(1) == [("example.", "SOA")]


def test_the_name_servers_do_not_count_among_the_targets_asked_for():
    hosts = "".join(f"m MX {index} h{index}\nh{index} A 192.0.2.{index}\n" for index in range(13))
    world = World({"example.": f"@ NS ns\nns A 192.0.2.100\n{hosts}"}, COURTEOUS)
    assert len(world.ask("m.example.", "MX", size=4096).additional) == 14


def test_a_target_of_a_wildcard_gets_its_addresses_and_none_from_below_a_cut():
    text = "@ NS ns\nns A 192.0.2.1\nm MX 1 x.w\nc MX 1 x.cut\n*.w A 192.0.2.2\ncut NS ns\n*.cut A 192.0.2.3\n"
    world = World({"example.": text}, COURTEOUS)
    ns = "ns.example. 300 A 192.0.2.1"
    assert sorted(world.ask("m.example.", "MX").additional) == [ns, "x.w.example. 300 A 192.0.2.2"]
    assert world.ask("c.example.", "MX").additional == [ns]


def test_many_targets_get_no_addresses():
    """V14, CVE-2024-11187."""
    hosts = "".join(f"m MX {index} h{index}\nh{index} A 192.0.2.{index}\n" for index in range(14))
    world = World({"example.": f"@ NS ns\nns A 192.0.2.100\n{hosts}"}, COURTEOUS)
    assert world.ask("m.example.", "MX", size=4096).additional == []


# Who may ask.
def test_a_zone_out_of_reach_ends_a_chain_and_adds_nothing():
    reject = compile_acl([{"action": "REJECT"}])
    table = ZoneTable({b"second\0": ZonePolicy(reject)})
    world = World({"example.": EXAMPLE + "@ MX 5 www.second.\n", "second.": SECOND}, COURTEOUS, table)
    assert world.ask("www.second.").rcode == "REFUSED"
    assert world.ask("www.second.").errors() == {18: ""}
    reply = world.ask("other.example.")
    assert (reply.rcode, reply.answer) == ("NOERROR", ["other.example. 300 CNAME www.second."])
    assert ("www.second.", "A") not in world.ask("example.", "MX").owners(2)


def test_a_chain_into_a_zone_without_data_ends_there():
    world = World({"example.": EXAMPLE, "second.": ""})
    reply = world.ask("other.example.")
    assert (reply.rcode, len(reply.answer)) == ("NOERROR", 1)
