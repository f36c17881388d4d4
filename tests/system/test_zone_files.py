"""A directory of zone files in the real suite: served through images, followed, and safe from bad files."""

from __future__ import annotations

import base64
import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import dns.message
import dns.query
import dns.tsig
import pytest

from tests.kit.suite import Suite, wait_until
from tests.system.test_memmgr import image_of, zone

pytestmark = pytest.mark.system

DEADLINE = 60.0  # s; ten times what is expected and more
ZONES = 1000  # of a few records


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zones")


@pytest.fixture(scope="module")
def suite(directory: Path) -> Iterator[Suite]:
    for number in range(ZONES):
        (directory / f"zone{number}.test.zone").write_text(zone(1, f"192.0.2.{number % 250}"))
    with Suite(config=f"data_sources: {{files: {{type: master-files, directory: {directory}}}}}\n") as suite:
        suite.start()
        yield suite


def write(directory: Path, origin: str, text: str) -> Path:
    """As an operator should: beside it, and renamed."""
    path = directory / f"{origin}.zone"
    beside = directory / f".{origin}.new"
    beside.write_text(text)
    beside.replace(path)
    return path


def address(suite: Suite, origin: str) -> str:
    """That of www; or the rcode."""
    reply = suite.query(f"www.{origin}.", "A")
    return str(reply.answer[0][0].address) if reply.answer else str(reply.rcode().name)


def has_address(suite: Suite, origin: str, wanted: str) -> bool:
    return address(suite, origin) == wanted


def running(suite: Suite) -> int:
    """The process of memmgr, 0 while it waits to be started again."""
    return int(suite.components()["memmgr/0"]["pid"] or 0)


def problems(suite: Suite) -> list[str]:
    found = suite.control("call", "memmgr", "status", check=False)
    return [] if found is None else [text for source in found["sources"] for text in source["problems"]]


def test_all_zones_come_to_have_images(suite: Suite) -> None:
    wait_until(lambda: image_of(suite, f"zone{ZONES - 1}.test", 1), DEADLINE, "the zones have images")
    wait_until(partial(has_address, suite, "zone7.test", "192.0.2.7"), DEADLINE, "one is served")
    assert address(suite, f"zone{ZONES - 1}.test") == f"192.0.2.{(ZONES - 1) % 250}"


def test_an_answer_is_explained_with_the_file_it_comes_from(suite: Suite, directory: Path) -> None:
    path = directory / "zone7.test.zone"
    (step,) = suite.control("explain", "www.zone7.test", "A")["steps"]
    assert step["zone"]["file"] == {"path": str(path), "changed": path.stat().st_mtime}
    assert step["zone"]["written"] is None


def test_a_changed_file_is_served_by_itself(suite: Suite, directory: Path) -> None:
    write(directory, "zone1.test", zone(2, "192.0.2.251"))
    wait_until(lambda: address(suite, "zone1.test") == "192.0.2.251", DEADLINE, "the change is served")
    wait_until(lambda: image_of(suite, "zone1.test", 2), DEADLINE, "from an image")


def test_a_changed_file_is_served_when_the_reload_ends(suite: Suite, directory: Path) -> None:
    write(directory, "zone2.test", zone(2, "192.0.2.252"))
    suite.bobctl("zone", "reload")
    assert image_of(suite, "zone2.test", 2)
    assert address(suite, "zone2.test") == "192.0.2.252"


def test_a_bad_file_keeps_the_last_good_version_and_is_told(suite: Suite, directory: Path) -> None:
    path = write(directory, "zone3.test", zone(2, "192.0.2.300"))
    write(directory, "zone4.test", zone(2, "192.0.2.254"))
    suite.bobctl("zone", "reload")
    assert address(suite, "zone3.test") == "192.0.2.3"
    assert address(suite, "zone4.test") == "192.0.2.254"
    (problem,) = problems(suite)
    assert problem.startswith(f"{path}:5: error: ")
    suite.says(problem)
    assert problem in suite.bobctl("status").stdout
    write(directory, "zone3.test", zone(3, "192.0.2.253"))
    suite.bobctl("zone", "reload")
    assert address(suite, "zone3.test") == "192.0.2.253"
    assert problems(suite) == []


def test_a_file_name_that_is_no_utf8_is_told_and_nobody_fails_for_it(suite: Suite, directory: Path) -> None:
    """Latin-1, as an old archive has them."""
    wait_until(lambda: running(suite), DEADLINE, "memmgr runs")
    before = {name: one["pid"] for name, one in suite.components().items()}
    path = Path(os.fsdecode(os.fsencode(directory) + b"/caf\xe9.test.zone"))
    path.write_text(zone(1, "192.0.2.9"))
    try:
        suite.bobctl("zone", "reload")
        (problem,) = problems(suite)
        assert problem.startswith(f"{directory}/caf\\xe9.test.zone: the name of the file is not that of a zone")
        suite.says("MEMMGR_SOURCE_PROBLEM")
        suite.says("caf\\xe9.test.zone: the name of the file is not that of a zone")
        assert any("caf\\xe9.test.zone" in one["text"] for one in suite.control("log", "tail", "memmgr")["lines"])
        assert "caf\\xe9.test.zone" in suite.bobctl("status").stdout
        assert address(suite, "zone6.test") == "192.0.2.6"
        assert {name: one["pid"] for name, one in suite.components().items()} == before
    finally:
        path.unlink()
    suite.bobctl("zone", "reload")
    assert problems(suite) == []


def test_a_bad_file_is_told_beside_what_goes_on_being_served(suite: Suite, directory: Path) -> None:
    """By status, list and show of zones, and by the reload that found it: all said what the bad file has, nothing."""
    path = write(directory, "zone8.test", zone(2, "192.0.2.300"))
    told = f"{path}:5: error: "
    one = suite.bobctl("zone", "reload", "zone8.test")
    assert (one.returncode, told in one.stderr) == (1, True), one.stderr
    assert "serial 1 goes on being served" in one.stderr
    every = suite.bobctl("zone", "reload")
    assert (every.returncode, told in every.stderr) == (1, True), every.stderr
    assert suite.bobctl("zone", "reload", "zone9.test").returncode == 0
    assert address(suite, "zone8.test") == "192.0.2.8"
    shown = suite.control("zone", "show", "zone8.test")
    assert (shown["state"], shown["serial"]) == ("stale", 1)
    assert shown["reason"].startswith(told)
    assert shown["reason"].endswith("; serial 1 goes on being served")
    served = [(each["state"], each["serial"], each["by"]) for each in shown["served"]]
    assert served == [("ready", 1, "image")] * len(shown["served"])
    (listed,) = suite.control("zone", "list", "--state", "stale")["zones"]
    assert listed == {name: value for name, value in shown.items() if name != "image"}
    assert suite.control("zone", "list", "--state", "broken")["zones"] == []
    explained = suite.control("explain", "www.zone8.test", "A")
    (step,) = explained["steps"]
    assert (explained["by"], explained["reply"]["rcode"]) == ("image", "NOERROR")
    assert explained["reply"]["answer"] == ["www.zone8.test. 300 IN A 192.0.2.8"]
    assert (step["zone"]["state"], step["zone"]["serial"]) == ("ready", 1)
    assert told in step["zone"]["reason"]
    assert step["zone"]["reason"].endswith("; serial 1 goes on being served")
    count = len(shown["served"])
    assert f"{count} of {count}" in suite.bobctl("zone", "list", "--name", "zone8.test").stdout
    write(directory, "zone8.test", zone(3, "192.0.2.253"))
    assert suite.bobctl("zone", "reload").returncode == 0
    shown = suite.control("zone", "show", "zone8.test")
    assert (shown["state"], shown["serial"], shown["reason"]) == ("ready", 3, "")


KEY = dns.tsig.Key("k.test.", base64.b64encode(b"zone files of tests sign here" * 2).decode(), "hmac-sha256")


def signed(suite: Suite, origin: str) -> str:
    """As address(), of a query that images do not answer."""
    query = dns.message.make_query(f"www.{origin}.", "A")
    query.use_tsig(KEY)
    reply = dns.query.udp(query, "127.0.0.1", port=suite.port, timeout=DEADLINE)
    assert reply.had_tsig
    return str(reply.answer[0][0].address) if reply.answer else str(reply.rcode().name)


def test_a_bad_file_keeps_the_last_good_version_whoever_is_killed_and_over_a_restart(
    suite: Suite, directory: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(base64.b64encode(KEY.secret))
    secret.chmod(0o600)
    suite.control("config", "set", "keys", f'{{"k.test": {{"algorithm": "hmac-sha256", "secret_file": "{secret}"}}}}')
    suite.control("config", "commit", "-m", "a key")
    write(directory, "zone5.test", zone(2, "192.0.2.205"))
    suite.bobctl("zone", "reload")
    write(directory, "zone5.test", zone(3, "192.0.2.300"))
    suite.bobctl("zone", "reload")
    for how, who in (((), "image"), (("--key", "k.test"), "authworker")):
        explained = suite.control("explain", "www.zone5.test", "A", *how)
        assert (explained["by"], explained["reply"]["rcode"]) == (who, "NOERROR")
        assert [(step["zone"]["state"], step["zone"]["serial"]) for step in explained["steps"]] == [("ready", 2)]
    for member in ("memmgr/0", "authworker/0", "auth/0", "auth/1"):
        pid = suite.pid(member)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: suite.pid(member) not in (0, pid), DEADLINE, f"{member} is restarted")  # noqa: B023
        wait_until(lambda: problems(suite), DEADLINE, "memmgr has read the file")
        assert (address(suite, "zone5.test"), signed(suite, "zone5.test")) == ("192.0.2.205", "192.0.2.205"), member
    suite.stop()
    suite.start()
    wait_until(lambda: problems(suite), DEADLINE, "memmgr has read the file")
    assert (address(suite, "zone5.test"), signed(suite, "zone5.test")) == ("192.0.2.205", "192.0.2.205")
    write(directory, "zone5.test", zone(4, "192.0.2.245"))
    suite.bobctl("zone", "reload")
    assert (address(suite, "zone5.test"), signed(suite, "zone5.test")) == ("192.0.2.245", "192.0.2.245")


def test_files_come_and_go(suite: Suite, directory: Path) -> None:
    path = write(directory, "new.test", zone(1, "192.0.2.77"))
    suite.bobctl("zone", "reload")
    assert address(suite, "new.test") == "192.0.2.77"
    path.unlink()
    suite.bobctl("zone", "reload")
    assert address(suite, "new.test") == "REFUSED"


def test_a_file_that_is_removed_is_noticed_by_itself(suite: Suite, directory: Path) -> None:
    path = write(directory, "brief.test", zone(1, "192.0.2.78"))
    suite.bobctl("zone", "reload")
    assert address(suite, "brief.test") == "192.0.2.78"
    path.unlink()
    wait_until(lambda: address(suite, "brief.test") == "REFUSED", DEADLINE, "the zone is gone")


@pytest.mark.parametrize("pause", [0.0, 0.1, 0.5])
def test_a_memmgr_killed_during_a_reload_comes_to_the_new_files(suite: Suite, directory: Path, pause: float) -> None:
    serial = 10 + int(pause * 100)
    for number in range(100, 200):
        write(directory, f"zone{number}.test", zone(serial, f"192.0.2.{serial % 250}"))
    wait_until(lambda: running(suite), DEADLINE, "memmgr runs")
    pid = running(suite)
    suite.control("call", "memmgr", "reload", check=False, quiet=True) if pause == 0 else time.sleep(pause)
    os.kill(pid, signal.SIGKILL)
    for number in (100, 150, 199):  # whatever it was doing
        assert address(suite, f"zone{number}.test") != "SERVFAIL"
    wait_until(lambda: running(suite) not in (0, pid), DEADLINE, "memmgr is restarted")
    for number in (100, 150, 199):
        origin = f"zone{number}.test"
        wait_until(partial(image_of, suite, origin, serial), DEADLINE, "the new files have images")
        wait_until(partial(has_address, suite, origin, f"192.0.2.{serial % 250}"), DEADLINE, "auth has mapped them")
