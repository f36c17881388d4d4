"""Files of images that are damaged on the disk: all zones are answered right, and the log says what was found."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from memmgr.plan import BIG_RECORDS
from tests.kit.suite import DEADLINE, Suite, wait_until
from tests.system.test_memmgr import image_of, zone

pytestmark = pytest.mark.system

REFUSED = "MEMMGR_IMAGE_REFUSED"
ADDRESSES = {"www.example.": "192.0.2.82", "www.big.": "192.0.2.81"}


@pytest.fixture(scope="module")
def suite():
    with Suite() as suite:
        big = zone(1, "192.0.2.81") + "".join(f"n{number} A 192.0.2.7\n" for number in range(BIG_RECORDS))
        suite.loadzone("big.", big)  # it has an image of its own
        suite.loadzone("example.", zone(1, "192.0.2.80"))
        suite.start()
        wait_until(lambda: image_of(suite, "example", 1) and image_of(suite, "big", 1), DEADLINE, "images are there")
        suite.loadzone("example.", zone(2, "192.0.2.82"))
        wait_until(lambda: image_of(suite, "example", 2), DEADLINE, "the change is there")
        yield suite


def assert_right(suite: Suite) -> None:
    for name, address in ADDRESSES.items():
        assert [rdata.address for rdata in suite.query(name, "A").answer[0]] == [address]


def both_have_images(suite: Suite) -> bool:
    assert_right(suite)  # whoever answers, all the while
    return image_of(suite, "example", 2) and image_of(suite, "big", 1)


def largest(suite: Suite, pattern: str) -> Path:
    return max((suite.state / "images").glob(pattern), key=lambda path: path.stat().st_size)


def delta_of_the_change(suite: Suite) -> Path:
    return next(path for path in (suite.state / "images").glob("*.delta") if b"\xc0\x00\x02\x52" in path.read_bytes())


def entry_of_the_directory(octets: bytes) -> int:
    return next(at for at in range(4096, len(octets)) if octets[at])


VICTIMS: dict[str, tuple[Callable[[Suite], Path], Callable[[bytes], int]]] = {
    "the image of a zone": (lambda suite: largest(suite, "*.image"), lambda octets: octets.index(b"\xc0\x00\x02\x51")),
    "the delta with a change": (delta_of_the_change, lambda octets: octets.index(b"\xc0\x00\x02\x52")),
    "the directory": (lambda suite: largest(suite, "*.directory"), entry_of_the_directory),
}


@pytest.mark.parametrize("victim", VICTIMS)
def test_an_octet_that_changed_while_the_suite_was_stopped_is_not_answered_from(suite, victim):
    find, where = VICTIMS[victim]
    suite.stop()
    path = find(suite)
    octets = bytearray(path.read_bytes())
    octets[where(bytes(octets)) + 3] ^= 1
    path.write_bytes(octets)
    told = suite.words().count(REFUSED)
    suite.start()
    wait_until(lambda: both_have_images(suite), DEADLINE, "both zones have images again")
    wait_until(lambda: suite.words().count(REFUSED) > told, DEADLINE, "the log says it")
    assert path.name in suite.words().rpartition(REFUSED)[2].splitlines()[0]


@pytest.mark.parametrize("killed", [True, False])
def test_an_image_that_is_replaced_while_the_suite_runs_is_not_answered_from(suite, killed):
    """The successor of a killed memmgr maps what is there then; auth has mapped what was there before. memmgr sees it
    without that, too.
    """
    wait_until(lambda: both_have_images(suite), DEADLINE, "both zones have images")
    path, pid, told = largest(suite, "*.image"), suite.pid("memmgr/0"), suite.words().count(REFUSED)
    octets = bytearray(path.read_bytes())
    octets[octets.index(b"\xc0\x00\x02\x51") + 3] ^= 1
    other = path.with_suffix(".other")
    other.write_bytes(octets)
    other.replace(path)
    if killed:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: suite.words().count(REFUSED) > told, DEADLINE, "the log says it")
    wait_until(lambda: not path.exists(), DEADLINE, "its zones have been built anew, elsewhere")
    wait_until(lambda: both_have_images(suite), DEADLINE, "both zones have images again")
    assert path.name in suite.words().rpartition(REFUSED)[2].splitlines()[0]
    assert killed or suite.pid("memmgr/0") == pid
