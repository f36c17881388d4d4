"""The whole suite as root that gives root up: low ports after the drop, for sockcreator alone. Needs root."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path

import pytest

from bob.errors import ExitStatus
from bob.privileges import CAP_NET_BIND_SERVICE
from tests.bob.installation import interpreter_for, nobody
from tests.bob.world import CHILD
from tests.kit.suite import Suite, alive, wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

NET_BIND = 1 << CAP_NET_BIND_SERVICE
DEADLINE = 60.0


@pytest.fixture(scope="module")
def python():
    directory = Path(tempfile.mkdtemp(prefix="bob-python-", dir="/tmp"))
    found = interpreter_for(nobody(), directory)
    if found is None:
        pytest.skip("no interpreter that the user nobody can run")
    yield found
    shutil.rmtree(directory)


def low_port() -> int:
    for port in range(600, 1024):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no low port is free")


class Dropped(Suite):
    """A suite that root starts and that runs as nobody."""

    def __init__(self, python: Path, **how):
        super().__init__(**how)
        self.python = python
        self.port = low_port()
        self.directory.chmod(0o755)

    def command(self):
        command = super().command()
        command[0] = str(self.python)
        command[command.index("--user") + 1] = "nobody"
        return command


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_root_is_given_up_and_low_ports_are_sockcreator_s_alone(python):
    with Dropped(python, arguments=["--log-level", "debug"]) as suite:
        child = suite.directory / "child"
        child.write_text(f"#!{python} -IS\n{CHILD.read_text()}")
        child.chmod(0o755)
        told = suite.state / "told"
        spec = suite.directory / "child.yaml"
        spec.write_text("module: child\ntitle: A child of the tests\n")
        arguments = f"[bind, file, '{low_port() + 1}', {told}]"
        component = f"{{program: {child}, spec: {spec}, arguments: {arguments}}}"
        suite.config.write_text(f"components: {{child: {component}}}\n")
        suite.start(wait=False)
        wait_until(suite.answers, DEADLINE * 2, "the suite answers on a low port")
        wait_until(lambda: told.exists() and told.read_text().endswith("}"), DEADLINE, "the child has tried")
        assert json.loads(told.read_text())["bound"] is False
        assert suite.process is not None
        creator = by_name(suite, "creator.py")
        assert creator is not None
        for pid in (suite.process.pid, *suite.descendants()):
            facts = status(pid)
            assert facts["Uid"].split() == [str(nobody().uid)] * 4
            assert facts["Gid"].split() == [str(nobody().gid)] * 4
            permitted = NET_BIND if pid in (suite.process.pid, creator) else 0
            assert int(facts["CapPrm"], 16) == permitted, facts["Name"]
            assert int(facts["CapEff"], 16) == (NET_BIND if pid == creator else 0)
            assert int(facts["CapInh"], 16) == int(facts["CapAmb"], 16) == 0
            assert int(facts["CapBnd"], 16) == NET_BIND
            if pid != suite.process.pid:  # who is forked may look into its own /proc, and dump core, as after an exec
                assert Path(f"/proc/{pid}").stat().st_uid == nobody().uid
        assert suite.state.stat().st_uid == suite.run.stat().st_uid == nobody().uid
        binds_again_after_its_death(suite, creator)
        assert suite.stop() == 0


def binds_again_after_its_death(suite: Suite, creator: int) -> None:
    os.kill(creator, signal.SIGKILL)
    wait_until(lambda: by_name(suite, "creator.py") not in (None, creator), DEADLINE, "another sockcreator")
    victim = auth_process(suite)
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: not alive(victim), DEADLINE)
    suite.config.write_text("auth: {identity: new}\ncomponents: {auth: {instances: 5}}\n")
    assert suite.process is not None
    suite.process.send_signal(signal.SIGHUP)  # five instances want five sockets
    wait_until(lambda: sockets_on(suite.port) >= 5, DEADLINE, "more sockets on the low port")


def by_name(suite: Suite, word: str) -> int | None:
    found = [pid for pid in suite.descendants() if word in command_line(pid)]
    return found[0] if found else None


def auth_process(suite: Suite) -> int:
    return next(pid for pid in suite.descendants() if Path(f"/proc/{pid}/comm").read_text() == "auth/0\n")


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def sockets_on(port: int) -> int:
    lines = Path("/proc/net/udp").read_text().splitlines()[1:]
    return sum(line.split()[1].endswith(f":{port:04X}") for line in lines)


def test_an_installation_that_the_user_cannot_read_is_told(tmp_path):
    if interpreter_for(nobody(), tmp_path / "python") == Path(sys.executable):
        pytest.skip("nobody can read this installation")
    with Dropped(Path(sys.executable)) as suite:
        suite.start(wait=False)
        assert suite.process is not None
        assert suite.process.wait(DEADLINE) == ExitStatus.NO_PERMISSION
        assert "the user nobody cannot read" in suite.log.read_text()


def test_a_missing_account_is_told(tmp_path):
    with Dropped(Path("/nonexistent")) as suite:
        suite.python = Path(sys.executable)
        command = suite.command()
        command[command.index("--user") + 1] = "no-such-user"
        suite.command = lambda: command  # type: ignore[method-assign]
        suite.start(wait=False)
        assert suite.process is not None
        assert suite.process.wait(DEADLINE) == ExitStatus.NO_PERMISSION
        assert "there is no account 'no-such-user'" in suite.log.read_text()
