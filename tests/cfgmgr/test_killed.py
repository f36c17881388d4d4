"""The real cfgmgr over the real broker, killed by SIGKILL at each call that changes its files, from its start through a
commit: afterwards the old revision or the new one is in effect, the same in the store and for every member.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cfgmgr import api
from daemonkit import control, membership
from daemonkit.paths import Directories
from msgq.errors import BusError
from msgq.session import Session
from tests.cfgmgr.bench import Member, Recorder, context_of, eventually
from tests.kit.killpoint import Killer

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(400)]

PYTHON = [sys.executable, "-X", "dev", "-W", "error", "-I", "-m"]
DEADLINE = 60.0  # seconds; twenty times what is expected


class Rig:
    """A broker, members in this process, and cfgmgr again and again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.places = Directories(directory / "state", directory / "run")
        self.places.state.mkdir()
        self.places.bus_socket.parent.mkdir(parents=True, mode=0o700)
        self.processes: list[tuple[subprocess.Popen[bytes], socket.socket]] = []
        self.members: list[tuple[Recorder, Member]] = []

    async def __aenter__(self):
        self.start("msgq")
        self.client = Session(self.places.bus_address, "tester/0", pid=os.getpid())
        await self.client.start(DEADLINE)
        cfgmgr = self.start("cfgmgr")
        for instance in ("0", "1"):
            session = Session(self.places.bus_address, f"auth/{instance}", pid=os.getpid())
            context = context_of("auth", instance, session, self.directory)
            module = Recorder(context)
            member = Member(module, membership.Membership(module, context), session)
            self.members.append((module, member))
            await member.membership.join()
            await member.membership.configure()
        await self.end(cfgmgr)
        return self

    async def __aexit__(self, *error):
        for module, member in self.members:
            await module.context.close()
            await member.session.close()
        await self.client.close()
        for process, ours in self.processes:
            process.kill()
            process.wait()
            ours.close()

    def start(self, name, environment=None):
        """A daemon as bob starts it."""
        ours, theirs = control.control_pair()
        told = {
            control.ENV_CONTROL_FD: str(theirs.fileno()),
            control.ENV_COMPONENT: name,
            control.ENV_INSTANCE: "0",
            control.ENV_STATE_DIR: str(self.places.state),
            control.ENV_RUN_DIR: str(self.places.run),
            control.ENV_LOG_LEVEL: "error",
        }
        process = subprocess.Popen(
            [*PYTHON, name], env={**os.environ, **(environment or {}), **told}, pass_fds=[theirs.fileno()]
        )
        theirs.close()
        self.processes.append((process, ours))
        return process

    async def end(self, process):
        process.kill()
        await asyncio.get_running_loop().run_in_executor(None, process.wait)

    async def call(self, request, process):
        """Ask cfgmgr as soon as it is there; None when its process ended."""
        async with asyncio.timeout(DEADLINE):
            while process.poll() is None:
                with contextlib.suppress(BusError):
                    return await self.client.call(request, timeout=DEADLINE)
                await asyncio.sleep(0.01)
        return None

    def values(self):
        return {module.live["auth"]["version"] for module, _ in self.members}

    def settled(self):
        prepared = [member.membership._configuration.prepared_revision for _, member in self.members]
        return len(self.values()) == 1 and prepared == [None, None]

    async def change(self, value, process):
        """Commit a value; whether it was acknowledged. Ends at once when cfgmgr does."""
        if await self.call(api.Set("alice", "auth.version", value), process) is None:
            return False
        with contextlib.suppress(BusError):
            await self.client.call(api.Commit("alice"), timeout=DEADLINE)
            return True
        return False


async def test_cfgmgr_killed_at_every_step_leaves_one_revision_for_all(tmp_path, monkeypatch):
    monkeypatch.setattr(membership, "PREPARED_TIMEOUT", 1.0)
    killer = Killer(tmp_path / "killer")
    with tempfile.TemporaryDirectory(prefix="bob-", dir="/tmp", ignore_cleanup_errors=True) as short:
        async with Rig(Path(short)) as rig:
            store = rig.places.state / "config"
            trace = Path(short) / "trace"
            process = rig.start("cfgmgr", {**killer.environment(store), "KILLPOINT_TRACE": str(trace)})
            assert await rig.change("traced", process)
            await rig.end(process)
            calls = trace.read_text().splitlines()
            assert {"create", "write", "fsync", "rename", "unlink"} <= {line.split()[0] for line in calls}
            before = "traced"
            for at in range(1, len(calls) + 1):
                value = f"step {at}"
                process = rig.start("cfgmgr", {**killer.environment(store), "KILLPOINT_AT": str(at)})
                acknowledged = await rig.change(value, process)
                assert await asyncio.get_running_loop().run_in_executor(None, process.wait) == -signal.SIGKILL
                process = rig.start("cfgmgr")
                shown = await rig.call(api.Show("auth.version"), process)
                assert shown.value in (before, value), (at, calls[at - 1])
                assert shown.value == value or not acknowledged, (at, calls[at - 1])
                await eventually(rig.settled, DEADLINE)
                assert rig.values() == {shown.value}, (at, calls[at - 1])
                status = await rig.call(api.Status(), process)
                assert status.damage == [], (at, calls[at - 1])
                if status.candidates:
                    await rig.client.call(api.Discard("alice"), timeout=DEADLINE)
                await rig.end(process)
                before = shown.value
