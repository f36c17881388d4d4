"""A real bus for tests: the msgq daemon as a process, with us as its bob, and members in processes of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from pathlib import Path

from daemonkit import control
from msgq.incoming import CommandHandler
from msgq.session import Session

START_TIMEOUT = 30.0
PYTHON = (sys.executable, "-X", "dev", "-W", "error")
ROOT = Path(__file__).parents[2]


class RealBus:
    """A broker that can be killed, stopped and started again."""

    def __init__(self, directory: Path, python: tuple[str, ...] = PYTHON) -> None:
        self.directory = directory
        self.python = python
        self.address = f"ipc://{directory}/bus/msgq.sock"
        self.process: Process | None = None
        self._control: socket.socket | None = None
        self._sessions: list[Session] = []
        self._members: list[RealMember] = []

    def session(self, member: str) -> Session:
        session = Session(self.address, member)
        self._sessions.append(session)
        return session

    async def member(self, member: str, handler: CommandHandler | None = None) -> Session:
        session = self.session(member)
        if handler is not None:
            session.set_command_handler(handler)
        await session.start(START_TIMEOUT)
        return session

    async def hung_member(self, member: str) -> RealMember:
        """A process that takes commands and never answers."""
        process = await asyncio.create_subprocess_exec(
            *self.python, "-m", "tests.msgq.living", self.address, member, stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        hung = RealMember(process)
        self._members.append(hung)
        assert process.stdout is not None
        async with asyncio.timeout(START_TIMEOUT):
            assert await process.stdout.readline() == b"ready\n"
        return hung

    async def start_broker(self) -> None:
        ours, theirs = control.control_pair()
        environment = {
            **os.environ,
            control.ENV_CONTROL_FD: str(theirs.fileno()),
            control.ENV_COMPONENT: "msgq",
            control.ENV_INSTANCE: "0",
            control.ENV_RUN_DIR: str(self.directory),
            control.ENV_STATE_DIR: str(self.directory),
            control.ENV_LOG_LEVEL: "warning",
        }
        self.process = await asyncio.create_subprocess_exec(
            *self.python, "-m", "msgq", env=environment, pass_fds=[theirs.fileno()], cwd=ROOT
        )
        theirs.close()
        self._control = ours
        async with asyncio.timeout(START_TIMEOUT):
            while not isinstance(await self._message(), control.Ready):
                pass

    async def kill_broker(self) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        self._hang_up()

    async def stop_broker(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    async def resume_broker(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    async def end_broker(self) -> int:
        """Stop it as bob does; its exit code."""
        assert self.process is not None
        self.tell_broker(control.Stop())
        code = await asyncio.wait_for(self.process.wait(), START_TIMEOUT)
        self._hang_up()
        return code

    def tell_broker(self, message: control.ToChild) -> None:
        assert self._control is not None
        self._control.send(control.encode(message))

    def broker_memory(self) -> int:
        """Resident bytes of the broker."""
        assert self.process is not None
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")

    async def close(self) -> None:
        for session in self._sessions:
            await session.close()
        for member in self._members:
            await member.kill()
        if self.process is not None:
            await self.kill_broker()

    async def _message(self) -> control.FromChild:
        assert self._control is not None
        packet = await asyncio.get_running_loop().sock_recv(self._control, control.MAX_PACKET)
        assert packet, "the broker ended before it was ready"
        return control.decode_from_child(packet)

    def _hang_up(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None


class RealMember:
    """A member in a process of its own."""

    def __init__(self, process: Process) -> None:
        self.process = process

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        # The transport of the pipe closes a turn after the process was seen to end.
        if self.process.stdout is not None:
            await self.process.stdout.read()


async def hang(address: str, member: str) -> None:
    """Be a member that subscribes to `news`, answers `echo` and nothing else."""
    session = Session(address, member)

    async def answer(call):
        if call.command != "echo":
            await asyncio.Event().wait()
        return call.arguments

    async def hear(event):
        pass

    session.set_command_handler(answer)
    await session.start(START_TIMEOUT)
    session.subscribe("news", hear)
    await session.call_raw(member, "echo", {}, timeout=START_TIMEOUT)  # the broker knows of the subscription
    print("ready", flush=True)  # noqa: T201 - said to the test that started us
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(hang(sys.argv[1], sys.argv[2]))
