"""DNSSEC, Nameserver and Zone by Debian's zonemaster-cli (Engine 4.6): as test_zonemaster, on signed zones."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.health.signed_scenes import SIGNED_SCENES
from tests.health.stage import ZONE
from tests.interop.test_zonemaster import pytestmark as needs_zonemaster
from tests.kit.internet_zonemaster import namespace

TESTS = ("dnssec", "nameserver", "zone")

pytestmark = needs_zonemaster

# Cases that were rewritten or added since Engine 4.6: (their tags, ours).
OLD = {"ALGORITHM_OK", "DS_BUT_NOT_DNSKEY", "DNSKEY_BUT_NOT_DS"}
NEW = ("DS01_", "DS03_", "DS05_", "DS07_", "N15_", "Z11_")
# 4.6 wants an AAAA record at the apex before it says that AAAA is processed well, and never says KEY_SIZE_OK.
MORE = {"AAAA_WELL_PROCESSED", "KEY_SIZE_OK"}

ONLY_OURS = {
    "DS that does not match": {"DS02_NO_VALID_DNSKEY_FOR_ANY_DS"},  # 4.6 takes the key for one that DS stands for
    "unsigned at one server": {"DS10_SERVER_NO_DNSSEC"},  # DNSSEC10 was rewritten
}
ONLY_THEIRS = {
    # An unsigned zone ends our module after DNSSEC07 and DNSSEC11, as is specified since.
    "unsigned with DS": {"DS15_NO_CDS_CDNSKEY", "NO_RESPONSE_DNSKEY"},
}


@pytest.fixture(scope="module")
def theirs() -> dict[str, set[str]]:
    module = "tests.kit.internet_zonemaster"
    command = [*namespace(), sys.executable, "-m", module, ZONE, ",".join(TESTS), *SIGNED_SCENES]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=110)
    return {
        scene: {tag for module, tag in found if module != "SYSTEM"} for scene, found in json.loads(done.stdout).items()
    }


@pytest.mark.parametrize("scene", SIGNED_SCENES)
def test_both_implementations_find_the_same(scene, theirs):
    entries = SIGNED_SCENES[scene]().check(ZONE, *TESTS)
    ours = {entry.tag for entry in entries if entry.module != "System" and not entry.tag.startswith(NEW)}
    assert len(ours & theirs[scene]) >= 15
    assert theirs[scene] - ours - OLD == ONLY_THEIRS.get(scene, set())
    assert ours - theirs[scene] - MORE == ONLY_OURS.get(scene, set())
