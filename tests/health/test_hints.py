"""Root hints."""

from __future__ import annotations

import dns.name
import pytest

from health.engine.errors import HintsError
from health.engine.hints import Hints

GOOD = """; a comment
.            3600 IN NS a.root.test.  ; another
A.ROOT.TEST. 3600 A 192.0.2.1
a.root.test. AAAA 2001:db8::1
"""


def test_there_are_thirteen_root_servers_with_two_addresses_each():
    servers = Hints.built_in().servers
    assert len(servers) == 13
    assert all(len(addresses) == 2 for addresses in servers.values())


def test_a_file_is_read(tmp_path):
    path = tmp_path / "hints"
    path.write_text(GOOD)
    assert Hints.load(path).servers == {dns.name.from_text("a.root.test."): ("192.0.2.1", "2001:db8::1")}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no NS record"),
        (". NS a.test.\n", "no address for a.test."),
        ("$TTL 3600\n", ":1: directives"),
        (GOOD + "example. NS a.test.\n", ":5: only NS"),
        (GOOD + ". SOA a. b. 1 2 3 4 5\n", ":5: not a record"),
        (GOOD + ". MX mail.\n", ":5: only NS"),
        (". NS a.test.\na.test. A 192.0.2.256\n", ":2:"),
        (". NS a.test.\na.test. A 2001:db8::1\n", ":2:"),
        (". NS a..test.\n", ":1:"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, reason):
    path = tmp_path / "hints"
    path.write_text(text)
    with pytest.raises(HintsError) as caught:
        Hints.load(path)
    assert reason in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(HintsError):
        Hints.load(tmp_path / "nowhere")
