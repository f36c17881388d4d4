"""memmgr in the real suite: images come by themselves, and outlive it."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.kit.suite import DEADLINE, Suite, wait_until

pytestmark = pytest.mark.system


def zone(serial: int, address: str) -> str:
    return f"$TTL 300\n@ SOA ns hostmaster {serial} 3600 900 604800 300\n@ NS ns\nns A 192.0.2.1\nwww A {address}\n"


def image_of(suite: Suite, origin: str, serial: int) -> bool:
    found = suite.control("call", "memmgr", "zone_status", f'origins=["{origin}"]', check=False)
    return found is not None and (found["zones"][0]["state"], found["zones"][0]["serial"]) == ("image", serial)


def built(suite: Suite) -> int:
    return int(suite.control("call", "stats", "show", "component=memmgr")["modules"]["memmgr"]["counters"]["builds"])


@pytest.fixture(scope="module")
def suite():
    with Suite() as suite:
        suite.start()
        suite.loadzone("example.", zone(1, "192.0.2.80"))
        wait_until(lambda: image_of(suite, "example", 1), DEADLINE, "the zone has an image")
        yield suite


def test_a_changed_zone_gets_a_new_image(suite):
    suite.loadzone("example.", zone(2, "192.0.2.82"))
    wait_until(lambda: image_of(suite, "example", 2), DEADLINE, "the new data has an image")


def test_a_killed_memmgr_goes_on_without_building(suite):
    before, pid = built(suite), suite.pid("memmgr/0")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: suite.pid("memmgr/0") not in (0, pid), DEADLINE, "memmgr is restarted")
    serial = suite.query("example.").answer[0][0].serial
    wait_until(lambda: image_of(suite, "example", serial), DEADLINE, "the images are ready")
    assert built(suite) == before


def test_a_deleted_zone_is_gone_from_the_images(suite):
    suite.loadzone("example.net.", zone(1, "192.0.2.81"))
    wait_until(lambda: image_of(suite, "example.net", 1), DEADLINE, "the zone has an image")
    suite.bobctl("zone", "delete", "--yes", "example.net")
    wait_until(
        lambda: (
            suite.control("call", "memmgr", "zone_status", 'origins=["example.net"]')["zones"][0]["state"] == "absent"
        ),
        DEADLINE,
        "it is gone",
    )


def test_all_zones_are_built_anew_by_command(suite):
    before = built(suite)
    suite.control("call", "memmgr", "rebuild", "--wait", "--timeout", str(DEADLINE))
    wait_until(lambda: built(suite) > before, DEADLINE, "something was built")


def test_a_data_source_that_is_not_there_is_not_looked_at(suite):
    found = suite.bobctl("call", "memmgr", "reload", "source=nosuch")
    assert (found.returncode, "there is no data source 'nosuch'" in found.stderr) == (3, True), found.stderr


def test_without_memmgr_everything_is_answered():
    with Suite(config="components: {memmgr: {enabled: false}}\n") as suite:
        suite.start()
        suite.loadzone("example.", zone(1, "192.0.2.80"))
        wait_until(lambda: suite.serves("example.", 1), DEADLINE, "the zone is answered")
        assert "memmgr" in suite.control()["suite"]["disabled"]
        assert not (suite.state / "images").exists()


def test_a_restarted_suite_builds_nothing():
    with Suite() as suite:
        suite.loadzone("example.", zone(1, "192.0.2.80"))  # one that comes later may be written to the margin instead
        suite.start()
        wait_until(lambda: image_of(suite, "example", 1), DEADLINE, "the zone has an image")
        before = built(suite)
        assert suite.stop() == 0
        start = time.time()
        suite.start()
        wait_until(lambda: image_of(suite, "example", 1), DEADLINE, "the images are ready")
        assert built(suite) == before
        (image,) = [path for path in (suite.state / "images").glob("*.image") if path.stat().st_size > 4096 + 320]
        assert image.stat().st_mtime < start
