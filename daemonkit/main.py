"""The one main of every daemon: from the environment bob gave it to its exit code.

environment -> logging, kept in a file -> self-check -> control channel, heart-beats -> bus -> configuration -> READY
    -> stop
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from daemonkit import control
from daemonkit.errors import DaemonError, ExitCode, Rejected
from daemonkit.log import own_log, start_logging
from daemonkit.log_files import keep_lines
from daemonkit.module import Module
from daemonkit.paths import Directories
from daemonkit.process import check_installation, die_with_parent, name_process
from daemonkit.runtime import Place, Runtime
from daemonkit.spec import Spec


def main(module: type[Module]) -> NoReturn:
    """Run a daemon until bob stops it."""
    try:
        place = place_of(os.environ, tuple(sys.argv[1:]))
    except KeyError as error:
        sys.stderr.write(f"{module.name} is started by bob, not by hand ({error.args[0]} is not set): try `bob run`\n")
        sys.exit(ExitCode.USAGE)
    level, form = (os.environ.get(name) for name in (control.ENV_LOG_LEVEL, control.ENV_LOG_FORMAT))
    start_logging(place.member, level or "info", form or "text")
    keep_lines(place.directories.last_lines, place.component)
    die_with_parent(os.getppid())
    name_process(place.member)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is bob's to hear
    _leave(run(module, place))


def place_of(environment: Mapping[str, str], arguments: tuple[str, ...]) -> Place:
    """What bob told this process; raises KeyError for what is missing."""
    return Place(
        component=environment[control.ENV_COMPONENT],
        instance=environment[control.ENV_INSTANCE],
        directories=Directories(Path(environment[control.ENV_STATE_DIR]), Path(environment[control.ENV_RUN_DIR])),
        control=socket.socket(fileno=int(environment[control.ENV_CONTROL_FD])),
        spec=environment.get(control.ENV_SPEC),
        arguments=arguments,
    )


def run(module: type[Module], place: Place) -> ExitCode:
    """Run the module in its place; its exit code."""
    place.control.setblocking(False)
    try:
        check_installation()
        spec = Spec.load(Path(place.spec)) if place.spec else Spec.load(module.name)
        return asyncio.run(_live(module, place, spec))
    except Rejected as error:
        return _give_up(place, ExitCode.CONFIGURATION, f"its configuration is refused: {error}")
    except DaemonError as error:
        return _give_up(place, ExitCode.TEMPORARY, str(error))


async def _live(module: type[Module], place: Place, spec: Spec) -> ExitCode:
    """The runtime is made on the loop it runs on."""
    return await Runtime(module, place, spec).run()


def _leave(code: ExitCode) -> NoReturn:
    """End now: everything is released, and the interpreter would only wait for worker threads that may hang."""
    logging.shutdown()  # waits for what is queued, within a bound
    os._exit(code)


def _give_up(place: Place, code: ExitCode, reason: str) -> ExitCode:
    """Say why, on the log and to bob, which shows it to the operator."""
    own_log(place.component).error("DAEMON_NOT_STARTED", reason=reason)
    try:
        place.control.send(control.encode(control.Stopping(reason)))
    except OSError:  # bob is gone; nobody to tell
        pass
    return code
