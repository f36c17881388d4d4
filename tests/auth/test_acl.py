"""Access control lists."""

from __future__ import annotations

import ipaddress

import dns.name
import pytest

from auth.acl import ACCEPT_ALL, Action, Requester, compile_acl
from auth.errors import AclError


def decide(rules, address="192.0.2.7", key=None):
    name = dns.name.from_text(key) if key else None
    return compile_acl(rules).decide(Requester(ipaddress.ip_address(address), name))


ACCEPT, REJECT, DROP = {"action": "ACCEPT"}, {"action": "REJECT"}, {"action": "DROP"}


def accept(**checks):
    return [{"action": "ACCEPT", **checks}]


DECISIONS = [
    ([], {}, Action.REJECT),
    ([ACCEPT], {}, Action.ACCEPT),
    ([DROP, ACCEPT], {}, Action.DROP),
    (accept(**{"from": "192.0.2.7"}), {}, Action.ACCEPT),
    (accept(**{"from": "192.0.2.8"}), {}, Action.REJECT),
    (accept(**{"from": "192.0.2.0/24"}), {}, Action.ACCEPT),
    (accept(**{"from": ["198.51.100.1", "192.0.2.0/29"]}), {}, Action.ACCEPT),
    (accept(**{"from": "2001:db8::/32"}), {"address": "2001:db8::1"}, Action.ACCEPT),
    (accept(**{"from": "::/0"}), {}, Action.REJECT),
    (accept(**{"from": "0.0.0.0/0"}), {"address": "::1"}, Action.REJECT),
    (accept(key="k.example"), {"key": "K.example."}, Action.ACCEPT),
    (accept(key=["other", "k.example"]), {"key": "k.example."}, Action.ACCEPT),
    (accept(key="k.example"), {}, Action.REJECT),
    (accept(**{"from": "192.0.2.7", "key": "k"}), {}, Action.REJECT),
    (accept(**{"from": "192.0.2.7", "key": "k"}), {"key": "k."}, Action.ACCEPT),
    (accept(ANY=[{"key": "k"}, {"from": "192.0.2.7"}]), {}, Action.ACCEPT),
    (accept(ANY=[{"key": "k"}, {"from": "192.0.2.8"}]), {}, Action.REJECT),
    (accept(ALL=[{"from": "192.0.2.0/24"}, {"NOT": {"from": "192.0.2.8"}}]), {}, Action.ACCEPT),
    (accept(ALL=[{"from": "192.0.2.0/24"}, {"NOT": {"from": "192.0.2.7"}}]), {}, Action.REJECT),
    (accept(NOT={"ANY": [{"from": "192.0.2.7"}, {"key": "k"}]}), {}, Action.REJECT),
    ([{"action": "REJECT", "from": "192.0.2.7"}, ACCEPT], {}, Action.REJECT),
    ([{"action": "REJECT", "from": "192.0.2.7"}, ACCEPT], {"address": "192.0.2.8"}, Action.ACCEPT),
]


@pytest.mark.parametrize(("rules", "who", "action"), DECISIONS)
def test_the_first_rule_that_matches_decides(rules, who, action):
    assert decide(rules, **who) is action


def test_accept_all_accepts():
    assert ACCEPT_ALL.decide(Requester(ipaddress.ip_address("::1"))) is Action.ACCEPT


WRONG = [
    (None, "query_acl: must be a list of rules"),
    ("ACCEPT", "query_acl: must be a list of rules"),
    ([1], "query_acl[0]: must be a map with an action"),
    ([ACCEPT, {}], "query_acl[1]: action is missing"),
    ([{"action": "ALLOW"}], "query_acl[0].action: must be one of ACCEPT, REJECT, DROP, not 'ALLOW'"),
    ([{"action": ["ACCEPT"]}], "query_acl[0].action: must be one of ACCEPT, REJECT, DROP, not ['ACCEPT']"),
    (accept(form="::1"), "query_acl[0].form: unknown check; known are from, key, ANY, ALL, NOT"),
    (accept(**{"from": []}), "query_acl[0].from: must not be empty"),
    (accept(**{"from": 7}), "query_acl[0].from: 7 is not an address or prefix"),
    (accept(**{"from": "192.0.2.1/24"}), "query_acl[0].from: 192.0.2.1/24 has host bits set"),
    (accept(**{"from": "nobody"}), "query_acl[0].from: 'nobody' does not appear to be an IPv4 or IPv6 network"),
    (accept(key=5), "query_acl[0].key: 5 is not a key name"),
    (accept(key="a..b"), "query_acl[0].key: 'a..b' is not a key name: A DNS label is empty."),
    (accept(ANY=[]), "query_acl[0].ANY: must not be empty"),
    (accept(ALL=[{"from": "x"}]), "query_acl[0].ALL[0].from: 'x' does not appear to be an IPv4 or IPv6 network"),
    (accept(NOT=[1]), "query_acl[0].NOT: must be a map of checks"),
]


@pytest.mark.parametrize(("rules", "message"), WRONG)
def test_what_is_no_acl_is_refused_with_its_place(rules, message):
    with pytest.raises(AclError) as caught:
        compile_acl(rules, "query_acl")
    assert str(caught.value) == message
