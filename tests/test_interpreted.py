"""Interpreted, the compiled modules pass the tests that they pass compiled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A new compiled module belongs to a test that is named here.
TESTS = [
    "tests/auth/test_access_lists.py",
    "tests/auth/test_refused_by_images.py",
    "tests/auth/test_cookies.py",
    "tests/auth/test_image_engine.py",
    "tests/auth/test_rate_limiting.py",
    "tests/auth/test_segments.py",
    "tests/auth/test_siphash.py",
    "tests/auth/test_connections.py",
    "tests/auth/test_loop.py",
    "tests/auth/test_tcp.py",
    "tests/auth/test_tcp_loop.py",
    "tests/auth/test_udp.py",
    "tests/conformance/odd_packets/test_tcp.py",
    "tests/conformance/rfc1035/test_section_4_2_2.py",
    "tests/conformance/rfc7766",
    "tests/conformance/rfc7828",
    "tests/datasrc/test_batches.py",
    "tests/datasrc/test_filerows.py",
    "tests/datasrc/test_keytable.py",
    "tests/datasrc/test_packed_order.py",
    "tests/datasrc/test_packed_nodes.py",
    "tests/datasrc/test_packed_targets.py",
    "tests/datasrc/test_zonescan.py",
    "tests/datasrc/test_zonetext_zone.py",
    "tests/fuzz/test_corpus.py",
    "tests/image/test_builder.py",
    "tests/image/test_census.py",
    "tests/image/test_courtesy.py",
    "tests/image/test_damaged.py",
    "tests/image/test_hashing.py",
    "tests/image/test_listing.py",
    "tests/image/test_moved_zones.py",
    "tests/image/test_referring.py",
    "tests/image/test_refusing.py",
    "tests/image/test_responder.py",
    "tests/image/test_sha1.py",
    "tests/image/test_signed.py",
    "tests/memmgr/test_one_version.py",
    "tests/memmgr/test_patch.py",
    "tests/memmgr/test_patch_hosts.py",
    "tests/memmgr/test_patch_signed.py",
]
# What says the same of other zones takes minutes so.
COMING_AND_GOING = "tests/memmgr/test_patch_signed.py::test_names_come_and_go_without_a_rebuild"
# How long something takes is shown by the loops that are compiled: these have seconds of room, and no more.
PUNCTUAL = [
    "tests/conformance/rfc7766/test_section_6_2.py::test_an_idle_connection_is_closed_after_the_idle_time",
    "tests/conformance/rfc7766/test_section_6_2.py::test_a_connection_that_never_asks_is_closed_after_the_idle_time",
    "tests/conformance/rfc7766/test_section_6_2.py::test_part_of_a_message_does_not_restart_the_idle_time",
    "tests/conformance/rfc7766/test_section_6_2.py::test_whole_messages_restart_the_idle_time",
    "tests/conformance/rfc7766/test_section_8.py::test_answers_are_not_held_back_by_nagles_algorithm",
    "tests/conformance/rfc7828/test_section_3.py::test_zero_is_sent_where_connections_are_scarce",
]
# Megabytes of text, read once more.
LARGE = [
    "tests/datasrc/test_batches.py::test_large_sets_end_a_batch",
    "tests/image/test_hashing.py::test_a_zone_of_names_that_met_is_searched_as_any_other",
]
LEFT_OUT = [
    *(f"{COMING_AND_GOING}[{zone}]" for zone in ("nsec-few", "nsec-all", "nsec3-all", "opt-out-few", "opt-out-all")),
    *PUNCTUAL,
    *LARGE,
]


@pytest.mark.timeout(1200)
def test_interpreted_they_pass_the_same_tests(request):
    if request.config.getoption("--interpreted"):
        pytest.skip("this is that run")
    arguments = ["-m", "pytest", "--interpreted", "-q", "-p", "no:cacheprovider", "--durations=0", *TESTS]
    arguments += [f"--deselect={test}" for test in LEFT_OUT]
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
