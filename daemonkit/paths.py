"""Where a suite keeps its state and its sockets, and how a client finds a running one (design section 9)."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from daemonkit.errors import PathError

SYSTEM_STATE = Path("/var/lib/bob")
SYSTEM_RUN = Path("/run/bob")
SYSTEM_CONFIG = Path("/etc/bob/bob.yaml")
USER_SUBDIRECTORY = "bobdns"
LOCK_NAME = "bob.pid"  # in both directories of a suite, locked by bob while it runs

LOCK_LINES = 3

# sun_path of unix(7) holds 108 bytes with the terminating zero.
MAX_SOCKET_PATH = 107


@dataclass(frozen=True, slots=True)
class Directories:
    """The two directories of one suite."""

    state: Path
    run: Path

    @property
    def bus_socket(self) -> Path:
        """The broker's socket."""
        return self.run / "bus" / "msgq.sock"

    @property
    def bus_address(self) -> str:
        """The broker's ZeroMQ endpoint."""
        return f"ipc://{self.bus_socket}"

    @property
    def control_socket(self) -> Path:
        """cmdctl's door."""
        return self.run / "control.sock"

    @property
    def counters(self) -> Path:
        """The pages of counters of all instances."""
        return self.run / "counters"

    @property
    def last_lines(self) -> Path:
        """What all processes have logged last."""
        return self.run / "log"

    def substitute(self, text: str) -> str:
        """Replace `{state_dir}` and `{run_dir}` in a configured value."""
        return text.replace("{state_dir}", str(self.state)).replace("{run_dir}", str(self.run))

    def check(self) -> None:
        """Raise PathError when a socket path would be too long for the kernel."""
        for path in (self.bus_socket, self.control_socket):
            length = len(os.fsencode(path))
            if length > MAX_SOCKET_PATH:
                limit = f"a UNIX socket's path has at most {MAX_SOCKET_PATH}"
                raise PathError(f"{path}: {length} bytes are too many, {limit}; choose a shorter --run-dir")


def directories(
    state: Path | None = None,
    run: Path | None = None,
    *,
    system: bool | None = None,
    environment: Mapping[str, str] | None = None,
) -> Directories:
    """The directories a suite started here uses; what is not given follows from the user and the environment.

    `system` is whether this is the system's server (default: we are root). A given state directory without a run
    directory keeps its sockets in `<state>/run`.
    """
    env = os.environ if environment is None else environment
    if system is None:
        system = os.geteuid() == 0
    if state is not None:
        return Directories(state.absolute(), (run or state / "run").absolute())
    defaults = Directories(SYSTEM_STATE, SYSTEM_RUN) if system else _user_directories(env)
    return Directories(defaults.state, (run or defaults.run).absolute())


def find_running(
    state: Path | None = None, run: Path | None = None, *, environment: Mapping[str, str] | None = None
) -> Directories:
    """The directories of the suite a client means: as told, else the first default place where one runs, else ran.

    Where one directory is told, the suite that uses it tells the other (`bob.pid`).
    """
    if state is not None or run is not None:
        told = _read_lock(state if run is None else run) if state is None or run is None else None
        return told or directories(state, run, environment=environment)
    env = os.environ if environment is None else environment
    for candidate in _default_places(env):
        place = _read_lock(candidate.state) or candidate
        if place.control_socket.exists():
            return place
    for candidate in _default_places(env):  # one that runs may be without its door for a moment
        if told := _read_lock(candidate.state):
            return told
    used = (candidate for candidate in _default_places(env) if (candidate.state / LOCK_NAME).exists())
    return next(used, directories(environment=env))


def running_in(directory: Path) -> int | None:
    """The process of the suite that uses this state or run directory now, as far as can be told."""
    try:
        with (directory / LOCK_NAME).open("rb") as file:
            lines = file.read().splitlines()
            if len(lines) != LOCK_LINES or not lines[0].isdigit():
                return None
            # Shared, so that two who ask do not take each other for the suite; let go of at once.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(lines[0])
    except OSError:
        return None
    return None


def is_found_by_default(places: Directories, *, environment: Mapping[str, str] | None = None) -> bool:
    """Whether a client of this user finds a suite in these directories without being told."""
    env = os.environ if environment is None else environment
    return places.state in [candidate.state for candidate in _default_places(env)]


def _default_places(env: Mapping[str, str]) -> tuple[Directories, ...]:
    return Directories(SYSTEM_STATE, SYSTEM_RUN), _user_directories(env)


def lock_text(pid: int, places: Directories) -> bytes:
    """The content of `bob.pid`: process, state directory, run directory, a line each."""
    return b"".join(line + b"\n" for line in (str(pid).encode(), os.fsencode(places.state), os.fsencode(places.run)))


def _read_lock(directory: Path | None) -> Directories | None:
    """What the suite that uses a directory wrote there; None where none does."""
    if directory is None:
        return None
    try:
        lines = (directory / LOCK_NAME).read_bytes().splitlines()
    except OSError:
        return None
    if len(lines) != LOCK_LINES:
        return None
    return Directories(Path(os.fsdecode(lines[1])), Path(os.fsdecode(lines[2])))


def _user_directories(env: Mapping[str, str]) -> Directories:
    home = Path(env.get("HOME") or Path.home())
    data = Path(env["XDG_DATA_HOME"]) if env.get("XDG_DATA_HOME") else home / ".local" / "share"
    state = data / USER_SUBDIRECTORY
    runtime = env.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_dir():
        return Directories(state, Path(runtime) / USER_SUBDIRECTORY)
    return Directories(state, state / "run")
