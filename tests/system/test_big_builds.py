"""Big zone files in the real suite: while one is read, or its image is built, memmgr goes on with everything else."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from memmgr.aligning import SMALL_ZONE
from memmgr.buildloop import RETRY_EVERY
from tests.kit.suite import Suite, wait_until
from tests.system.test_memmgr import image_of, zone
from tests.system.test_zone_files import address, write

pytestmark = pytest.mark.system

DEADLINE = 120.0  # s; twenty times what is expected and more
OTHERS = 30.0  # s for a change of another zone, which takes milliseconds; what is big waits until we let it go
RECORDS = 1_500_000  # with those of the apex more than are built in memmgr itself
SLOW_RECORDS = 110_000  # in a file that is read beside the worker
PADDING = "x" * 80


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zones")


@pytest.fixture(scope="module")
def suite(directory: Path) -> Iterator[Suite]:
    with Suite() as suite:
        suite.config.write_text(
            "data_sources:\n"
            f"  main: {{type: database, url: 'sqlite:///{suite.state}/zones.sqlite'}}\n"
            f"  files: {{type: master-files, directory: {directory}}}\n"
        )
        suite.start()
        suite.loadzone("small.", zone(1, "192.0.2.1"))
        wait_until(lambda: image_of(suite, "small", 1), DEADLINE, "the small zone has an image")
        yield suite


def big() -> str:
    return zone(1, "192.0.2.2") + "".join(f"h{number} A 192.0.2.9\n" for number in range(RECORDS))


def slow() -> str:
    lines = "".join(f'h{number} TXT "{PADDING}"\n' for number in range(SLOW_RECORDS))
    return zone(1, "192.0.2.2") + lines


def builders(suite: Suite) -> list[int]:
    """The processes that build an image."""
    found = []
    for pid in suite.descendants():
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:  # it has just ended
            continue
        if b"memmgr.building" in arguments:
            found.append(pid)
    return found


def others_go_on(suite: Suite) -> None:
    """A change of the small zone is published, and memmgr says how it does."""
    before = suite.pid("memmgr/0")
    serial = suite.query("small.").answer[0][0].serial + 1
    suite.loadzone("small.", zone(serial, f"192.0.2.{serial}"))
    wait_until(lambda: image_of(suite, "small", serial), OTHERS, "the change is in an image")
    wait_until(lambda: address(suite, "small") == f"192.0.2.{serial}", OTHERS, "the change is answered")
    assert suite.control("call", "memmgr", "status")["state"] == "ready"
    assert suite.pid("memmgr/0") == before


def test_while_a_big_zone_is_built_others_are_published_and_a_killed_build_costs_only_itself(
    suite: Suite, directory: Path
) -> None:
    write(directory, "big", big())
    wait_until(lambda: builders(suite), DEADLINE, "a process builds the image")
    (builder,) = builders(suite)
    os.kill(builder, signal.SIGSTOP)
    stopped = time.monotonic()
    assert suite.control("call", "memmgr", "status")["building"] == 1
    others_go_on(suite)
    while time.monotonic() < stopped + RETRY_EVERY:  # when it fails, what failed before would be tried again
        others_go_on(suite)
    assert not image_of(suite, "big", 1)
    os.kill(builder, signal.SIGKILL)

    def failure() -> list[str]:
        return [each["reason"] for each in suite.control("call", "memmgr", "status")["failures"]]

    wait_until(failure, DEADLINE, "the failed build is told")
    assert failure() == ["the process that built it was killed by SIGKILL"]
    others_go_on(suite)
    suite.control("call", "memmgr", "rebuild", "origin=big")
    wait_until(lambda: image_of(suite, "big", 1), DEADLINE, "the zone is built by another process")
    wait_until(lambda: address(suite, "big") == "192.0.2.2", OTHERS, "the image is mapped")
    assert suite.query(f"h{RECORDS - 1}.big.", "A").answer[0][0].address == "192.0.2.9"


@pytest.fixture
def unopened(directory: Path) -> Iterator[int]:
    """The descriptor of the file of a big zone: whoever opens the file waits, until this one lets it go."""
    old = signal.signal(signal.SIGIO, signal.SIG_IGN)  # it tells that somebody waits: fcntl(2), F_SETLEASE
    beside = directory / ".slow"
    beside.write_text(slow())
    descriptor = os.open(beside, os.O_RDONLY)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError as error:
        pytest.skip(f"the file system of {directory} has no leases: {error}")
    beside.rename(directory / "slow.zone")
    yield descriptor
    os.close(descriptor)
    signal.signal(signal.SIGIO, old)


def test_while_a_big_file_is_read_others_are_built_and_published(suite: Suite, unopened: int) -> None:
    """Changes in place were made all along; what had to be built waited for the file."""
    broken = time.monotonic() + int(Path("/proc/sys/fs/lease-break-time").read_text())  # whoever waits goes on then
    wait_until(
        lambda: fcntl.fcntl(unopened, fcntl.F_GETLEASE) != fcntl.F_WRLCK, DEADLINE, "somebody wants to read the file"
    )
    others_go_on(suite)
    suite.loadzone("built.", zone(1, "192.0.2.3") + "".join(f"h{number} A 192.0.2.9\n" for number in range(SMALL_ZONE)))
    wait_until(lambda: image_of(suite, "built", 1), OTHERS, "the image of another zone is built")
    assert time.monotonic() > broken or not image_of(suite, "slow", 1)
    fcntl.fcntl(unopened, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    wait_until(lambda: image_of(suite, "slow", 1), DEADLINE, "the zone has an image")
    wait_until(lambda: address(suite, "slow") == "192.0.2.2", OTHERS, "the image is mapped")
