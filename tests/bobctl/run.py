"""bobctl as a real process, against a cmdctl in the test's own loop."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PYTHON = [sys.executable, "-X", "dev", "-W", "error", "-I", "-m", "bobctl"]


@dataclass(frozen=True)
class Done:
    """How it ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


async def bobctl(
    where: Path | None, *words: str, stdin: bytes | None = None, env: dict[str, str] | None = None
) -> Done:
    """Run one command; `where` is the control socket."""
    server = [] if where is None else ["--server", f"unix:{where}"]
    process = await asyncio.create_subprocess_exec(
        *PYTHON,
        *server,
        *words,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(env or {})},
    )
    out, err = await asyncio.wait_for(process.communicate(stdin), 60)
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())
