"""A process that has the modules of a program imported and forks for each run of it: see killpoint.Killer.

Run as `python -I killpoint_fork.py MODULE:FUNCTION [MODULE ...]` with killpoint.so preloaded; the other modules are
what the program imports late. Each line on stdin is a run as JSON (argv, environment, input); each line on stdout is
how it ended (status, output, error).
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn


def _child(function: Callable[[], object], run: dict[str, Any], streams: list[int]) -> NoReturn:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.environ.update(run["environment"])
    ctypes.CDLL(None).killpoint_arm()
    sys.argv = ["program", *run["argv"]]
    try:
        function()
    except SystemExit as error:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(error.code if isinstance(error.code, int) else 1)
    os._exit(0)


def _run(function: Callable[[], object], run: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as error:
        given.write(run["input"].encode())
        given.seek(0)
        pid = os.fork()
        if pid == 0:
            _child(function, run, [given.fileno(), output.fileno(), error.fileno()])
        _, status = os.waitpid(pid, 0)
        texts = []
        for stream in (output, error):
            stream.seek(0)
            texts.append(stream.read().decode())
    return {"status": os.waitstatus_to_exitcode(status), "output": texts[0], "error": texts[1]}


def main() -> None:
    """Serve until stdin ends."""
    sys.path.append(str(Path(__file__).parents[2]))  # for a program that is part of the tests
    module, _, name = sys.argv[1].partition(":")
    function: Callable[[], object] = getattr(importlib.import_module(module), name)
    for other in sys.argv[2:]:
        importlib.import_module(other)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_run(function, json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
