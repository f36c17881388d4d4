"""The same domains by Debian's zonemaster-cli (Engine 4.6): it finds what we find, but for what is explained here.

Where our own servers answer: tests/system/test_health.py.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from tests.health.scenes import SCENES
from tests.health.stage import ZONE
from tests.kit.internet_zonemaster import namespace

TESTS = (
    "basic",
    "address",
    "connectivity/connectivity01",
    "connectivity/connectivity02",
    "consistency",
    "delegation",
    "syntax",
)


pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not shutil.which("zonemaster-cli"), reason="zonemaster-cli is not installed"),
    pytest.mark.skipif(not namespace(), reason="no network namespace can be made here"),
]

# Cases that were rewritten since Engine 4.6: (their tag, ours).
OLD = {
    "HAS_PARENT",
    "HAS_NAMESERVERS",
    "NS_FAILED",
    "NO_GLUE_PREVENTS_NAMESERVER_TESTS",
    "NAMESERVER_IP_PRIVATE_NETWORK",
}
NEW = {"A01_", "B01_", "B02_"}
# SOA_RNAME and NS_SET: 4.6 gives the details only where servers differ; the catalogue has them for every value.
DETAILS = {"SOA_RNAME", "NS_SET"}

# 4.6 compares serials as text.
SERIALS = {"SOA_SERIAL_VARIATION"}
# 4.6 finds addresses by looking up only, and no server of a zone that does not answer for its own names; we use glue.
THROUGH_GLUE = {
    "CN01_UNEXPECTED_RCODE_NS_QUERY_UDP",
    "CN01_UNEXPECTED_RCODE_SOA_QUERY_UDP",
    "CN02_UNEXPECTED_RCODE_NS_QUERY_TCP",
    "CN02_UNEXPECTED_RCODE_SOA_QUERY_TCP",
    "DEL_DISTINCT_NS_IP",
    "DISTINCT_IP_ADDRESS",
    "ENOUGH_IPV4_NS_DEL",
    "IS_NOT_AUTHORITATIVE",
    "NAMESERVER_IP_WITHOUT_REVERSE",
    "UNEXPECTED_RCODE",
}
# Nothing can be said of names where there is none; 4.6 says that they match, and that they do not.
NO_NAMES = {"NAMES_MATCH", "TOTAL_NAME_MISMATCH", "NO_NS_CNAME", "REFERRAL_SIZE_OK"}

ONLY_OURS = {
    "serials 9 and 10": SERIALS,
    "all servers refuse": THROUGH_GLUE,
    "other glue": {"CN01_NO_RESPONSE_UDP", "CN02_NO_RESPONSE_TCP"},  # at the address that is only in the glue
}
ONLY_THEIRS = {
    "all servers refuse": {"NO_IPV4_NS_DEL"},
    "no such domain": NO_NAMES,
    "a DNAME": NO_NAMES,
}


@pytest.fixture(scope="module")
def theirs() -> dict[str, set[str]]:
    command = [*namespace(), sys.executable, "-m", "tests.kit.internet_zonemaster", ZONE, ",".join(TESTS), *SCENES]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=110)
    return {
        scene: {tag for module, tag in found if module != "SYSTEM"} for scene, found in json.loads(done.stdout).items()
    }


@pytest.mark.parametrize("scene", SCENES)
def test_both_implementations_find_the_same(scene, theirs):
    entries = SCENES[scene]().check(ZONE, *TESTS)
    ours = {entry.tag for entry in entries if entry.module != "System" and not entry.tag.startswith(tuple(NEW))}
    assert len(ours & theirs[scene]) >= 10
    assert theirs[scene] - ours - OLD == ONLY_THEIRS.get(scene, set())
    assert ours - theirs[scene] - DETAILS == ONLY_OURS.get(scene, set())
