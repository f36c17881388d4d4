"""Everything before the first process: directories, account, locks. What is wrong is said at once (StartError)."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bob.directories import check_directories, clear_run_directory, make_directories
from bob.errors import StartError
from bob.listening import places_of
from bob.lock import DirectoryLock
from bob.privileges import become, choose_account, may_bind_low_ports
from bob.processes import READ_AHEAD
from bob.sockets import place_text
from bob.suite import Settings, Suite
from bob.systemd import ServiceManager
from bob.zygote_fork import Forked, fork_zygote
from daemonkit.errors import PathError
from daemonkit.log import start_logging
from daemonkit.log_files import keep_lines
from daemonkit.option_addresses import parse_endpoint
from daemonkit.paths import SYSTEM_CONFIG, Directories, directories, is_found_by_default

USER_LISTEN = ("127.0.0.1@5300", "::1@5300")  # without root (design section 9)
UMASK = 0o027
# A thousand addresses, UDP and TCP, for thirty processes; the soft limit is often 1024.
WANTED_FILES = 65536


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for."""

    config: Path | None = None
    state_dir: Path | None = None
    run_dir: Path | None = None
    listen: tuple[str, ...] = ()
    overlay: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    config_store: str = "files"
    log_level: str = "info"
    log_format: str = "text"
    core_dumps: bool = False  # as far as the limit of the caller allows


class Prepared:
    """A suite that can be run: its directories are there and ours alone."""

    def __init__(self, settings: Settings, locks: list[DirectoryLock], zygote: Forked | None) -> None:
        self._settings = settings
        self._locks = locks
        self._zygote = zygote

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for lock in self._locks:
            lock.close()

    async def run(self) -> int:
        """Run the suite; the exit status."""
        manager = ServiceManager(os.environ)
        announce = (lambda _: None) if manager.present else self._announce  # a service has nobody to tell
        return await Suite(self._settings, manager, announce, self._zygote).run()

    def _announce(self, listen: tuple[str, ...]) -> None:
        """Tell a newcomer what to type."""
        address, _, port = (listen or ("127.0.0.1@53",))[0].rpartition("@")
        address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 (what is shown, not bound)
        places = self._settings.directories
        where = "" if is_found_by_default(places) else f" --state-dir {places.state}"
        lines = [
            f"The suite is up and answers on {', '.join(listen) or 'no address'}. Try in another terminal:",
            f"    dig @{address} -p {port} example.org SOA",
            f"    {program('loadzone')}{where} example.com FILE",
            f"    {program('bobctl')}{where} status",
            "Ctrl-C stops everything.",
        ]
        text = "\n".join(lines) + "\n"
        # Standard output may be a pipe nobody reads: that must not hold up the supervisor.
        threading.Thread(target=_say, args=(text.encode(),), name="announcement", daemon=True).start()


def _say(text: bytes) -> None:
    try:
        os.write(1, text)
    except OSError:  # nobody listens
        pass


def program(name: str) -> str:
    """How to call one of our programs from here: by its name where that finds it, else by its path."""
    path = Path(sys.executable).parent / name
    if not path.exists() or shutil.which(name) == str(path):
        return name
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def prepare(request: Request) -> Prepared:
    """Make everything ready. As root this is where the user is changed. Raises StartError."""
    start_logging("bob", request.log_level, request.log_format)
    os.umask(UMASK)
    _raise_file_limit()
    if not request.core_dumps:
        _forbid_core_files()
    system = may_bind_low_ports()
    account = choose_account(request.user)
    places = directories(request.state_dir, request.run_dir, system=system)
    try:
        places.check()
    except PathError as error:
        raise StartError(str(error)) from error
    make_directories(places, account)
    become(account)
    check_directories(places)
    zygote = fork_zygote(READ_AHEAD)  # before the locks: nothing is open yet
    settings = Settings(
        directories=places,
        config=_config_file(request.config, system=system),
        listen=request.listen,
        default_listen=() if system else USER_LISTEN,
        overlay=request.overlay,
        log_level=request.log_level,
        log_format=request.log_format,
        config_store=request.config_store,
        later_config=SYSTEM_CONFIG if system and request.config is None else None,
        creator_places=_creator_places(request.listen or (() if system else USER_LISTEN)),
    )
    locks = _take(places)
    keep_lines(places.last_lines, "bob")  # behind the zygote, which must not hold what is ours alone
    return Prepared(settings, locks, zygote)


def _raise_file_limit() -> None:
    """As many descriptors as we may have, up to what we could need; children inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _forbid_core_files() -> None:
    """No core files: they would hold TSIG keys, cookie secrets and tokens. Children inherit it.

    Only the soft limit, so that `prlimit --core=unlimited --pid` lets an engineer have one of a process that runs; who
    collects core files through a pipe sees it, too (core(5)). PR_SET_DUMPABLE would say so more strictly, and take
    debuggers and most of /proc/PID from the account itself, which is who looks there when something is wrong.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _take(places: Directories) -> list[DirectoryLock]:
    """Make the directories ours alone."""
    locks = [DirectoryLock(places.state, "state directory", places)]
    try:
        if places.run.resolve() != places.state.resolve():
            locks.append(DirectoryLock(places.run, "run directory", places))
        clear_run_directory(places)
    except StartError:
        for lock in locks:
            lock.close()
        raise
    return locks


def _config_file(given: Path | None, *, system: bool) -> Path | None:
    """The seed, which the account must be able to read (this is after the change of user)."""
    file = given or (SYSTEM_CONFIG if system else None)
    if file is None:
        return None
    if os.access(file, os.R_OK) and file.is_file():
        return file.absolute()
    if given is None and _is_missing(file):
        return None
    raise StartError(f"the configuration file {file} cannot be read by the user the suite runs as, or is not there")


def _is_missing(file: Path) -> bool:
    try:
        file.stat()
    except FileNotFoundError:
        return True
    except OSError:
        pass
    return False


def _creator_places(listen: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(place_text(place) for place in places_of(map(parse_endpoint, listen)))
    except OSError as error:
        raise StartError(f"--listen: there is no such interface: {error}") from error
