"""The real suite where nothing is compiled, as on a machine without a C compiler: the same programs, slower."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import dns.rdatatype
import pytest

from daemonkit.process import PACKAGES, installation_root
from tests.kit import suite as kit
from tests.kit.suite import DEADLINE, Suite, alive, wait_until
from tests.system.test_images_served import answered_from_images, has_address
from tests.system.test_memmgr import zone

pytestmark = pytest.mark.system

COMPILED = ("auth.loop", "auth.raw", "image.searcher", "datasrc.zonescan")


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """A suite of an environment that has our packages without what is compiled of them."""
    directory = tmp_path_factory.mktemp("interpreted")
    for package in PACKAGES:
        shutil.copytree(
            installation_root() / package, directory / package, ignore=shutil.ignore_patterns("*.so", "__pycache__")
        )
    environment = directory / "environment"
    venv.create(environment, symlinks=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "here.pth").write_text(f"{directory}\n{sysconfig.get_path('purelib')}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kit, "PYTHON", [str(environment / "bin" / "python"), *kit.PYTHON[1:]])
        with Suite(
            config="data_sources:\n  main: {type: database, url: 'sqlite:///{state_dir}/zones.sqlite'}\n"
        ) as suite:
            suite.start()
            assert suite.loadzone("example.", zone(1, "192.0.2.1")).returncode == 0
            yield suite


def test_it_is_python_that_runs(suite: Suite) -> None:
    program = f"import {','.join(COMPILED)}, sys; print(*(sys.modules[name].__file__ for name in sys.argv[1:]))"
    command = [*kit.PYTHON[:-1], "-c", program, *COMPILED]
    files = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    assert [Path(file).suffix for file in files] == [".py"] * len(COMPILED)
    for pid in suite.descendants():
        mapped = Path(f"/proc/{pid}/maps").read_text()
        assert str(installation_root() / "auth") not in mapped


def test_it_answers_from_images_over_udp_and_tcp(suite: Suite) -> None:
    wait_until(lambda: answered_from_images(suite), DEADLINE, "images are in use")
    for tcp in (False, True):
        reply = suite.query("www.example.", "A", tcp=tcp)
        assert reply.answer[0][0].address == "192.0.2.1"
        assert suite.query("nobody.example.", "A", tcp=tcp).authority[0].rdtype == dns.rdatatype.SOA


def test_what_changes_is_served_and_a_killed_instance_is_replaced(suite: Suite) -> None:
    assert suite.loadzone("example.", zone(2, "192.0.2.2")).returncode == 0
    wait_until(lambda: has_address(suite, "192.0.2.2"), DEADLINE, "the change is served")
    pid = suite.pid("auth/0")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not alive(pid), DEADLINE)
    wait_until(lambda: suite.pid("auth/0") not in (0, pid), DEADLINE, "another process has its sockets")
    for _ in range(20):
        assert has_address(suite, "192.0.2.2")
