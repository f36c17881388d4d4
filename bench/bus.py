"""What the bus costs: time of a round trip, commands and events a second, a broker's return; four processes.

python bench/bus.py [SECONDS]
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from daemonkit import control
from msgq.session import Event, IncomingCall, Session


async def echo(address: str) -> None:
    """Answer, and count events."""
    session = Session(address, "echo/0")
    heard = 0

    async def answer(call: IncomingCall) -> dict[str, Any]:
        return {"heard": heard} if call.command == "heard" else call.arguments

    async def hear(_event: Event) -> None:
        nonlocal heard
        heard += 1

    session.set_command_handler(answer)
    await session.start()
    session.subscribe("news", hear)
    await asyncio.Event().wait()


async def start_broker(directory: Path) -> tuple[asyncio.subprocess.Process, object]:
    ours, theirs = control.control_pair()
    environment = {
        **os.environ,
        control.ENV_CONTROL_FD: str(theirs.fileno()),
        control.ENV_COMPONENT: "msgq",
        control.ENV_INSTANCE: "0",
        control.ENV_RUN_DIR: str(directory),
        control.ENV_STATE_DIR: str(directory),
        control.ENV_LOG_LEVEL: "warning",
    }
    broker = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", "msgq", env=environment, pass_fds=[theirs.fileno()]
    )
    theirs.close()
    return broker, ours


async def calls(session: Session, seconds: float, side_by_side: int, arguments: dict[str, str]) -> list[float]:
    """Round-trip times of calls made one after the other by so many callers."""
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def caller() -> None:
        while (begun := time.perf_counter()) < end:
            await session.call_raw("echo", "echo", arguments, changes=False)
            times.append(time.perf_counter() - begun)

    await asyncio.gather(*(caller() for _ in range(side_by_side)))
    return times


def report(what: str, times: list[float], seconds: float) -> None:
    cuts = statistics.quantiles(times, n=100)
    median, worst = cuts[49] * 1e6, cuts[98] * 1e6
    print(f"{what:<28} {len(times) / seconds:8.0f}/s   median {median:7.0f} us   99th percentile {worst:7.0f} us")


async def main(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        address = f"ipc://{name}/bus/msgq.sock"
        broker, _held = await start_broker(Path(name))
        helper = await asyncio.create_subprocess_exec(sys.executable, __file__, "--echo", address)
        session = Session(address, "bench/0")
        await session.start()
        here = asyncio.Event()

        async def joined(_event: Event) -> None:
            here.set()

        session.subscribe("membership", joined)
        if not session.members("echo"):
            await here.wait()
        await calls(session, 0.5, 1, {})
        for side_by_side, size in ((1, 0), (10, 0), (100, 0), (1, 10_000), (1, 1_000_000)):
            times = await calls(session, seconds, side_by_side, {"x": "x" * size})
            report(f"{side_by_side} caller(s), {size} octets", times, seconds)
        await events(session, seconds)
        back = asyncio.Event()
        session.on_epoch(back.set)
        broker.kill()
        await broker.wait()
        begun = time.perf_counter()
        broker, _held = await start_broker(Path(name))
        await back.wait()
        print(f"broker killed: registered with the next {(time.perf_counter() - begun) * 1e3:.0f} ms after its start")
        await session.close()
        for process in (helper, broker):
            process.kill()
            await process.wait()


async def events(session: Session, seconds: float) -> None:
    published, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        await session.publish("news", {"n": published})
        published += 1
    await session.call_raw("echo", "echo", {})
    heard = (await session.call_raw("echo", "heard", {}))["heard"]
    spent = time.perf_counter() - begun
    print(f"{'events':<28} {published / spent:8.0f}/s   {published - heard} of {published} not heard")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--echo"]:
        asyncio.run(echo(sys.argv[2]))
    else:
        asyncio.run(main(float(sys.argv[1]) if sys.argv[1:] else 2.0))
