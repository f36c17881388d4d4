"""Files with secrets, made on the suite's own machine: only the suite's user can read them.

Root makes them in directories in which the suite's user may exchange what is there: a directory is opened once, and all
that is done in it is done by its descriptor.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from bobctl.errors import CommandError
from bobctl.suite import UNIX, Suite
from daemonkit.links import open_named

DIRECTORY = "keys"  # below the state directory
FILE_MODE, DIRECTORY_MODE = 0o600, 0o700


def secret_of(octets: int) -> str:
    """A new secret of so many octets, as files have it."""
    return base64.b64encode(secrets.token_bytes(octets)).decode()


def place_of(suite: Suite, name: str, file: Path | None) -> tuple[Path, os.stat_result]:
    """Where the secret of a key is to be, and whom it is to belong to; raises CommandError."""
    if suite.server is not None and not suite.server.startswith(UNIX):
        raise CommandError(
            "usage", "a secret is made on the suite's own machine; --secret-file names one that is there"
        )
    state = Path(suite.client.get("status")["suite"]["state_dir"])
    try:
        owner = state.stat()
    except OSError as error:
        raise CommandError("failed", f"{state}: {error.strerror}") from error
    if file is None:
        file = state / DIRECTORY / f"{name.lower().rstrip('.').replace('/', '_')}.key"
    return file.absolute(), owner


def make(suite: Suite, name: str, file: Path | None, secret: str) -> Path:
    """The new file with the secret of a key; raises CommandError."""
    place, owner = place_of(suite, name, file)
    with explained(place):
        directory = open_directory(place.parent) if file is not None else _made_directory(place.parent, owner)
        try:
            write(directory, place.name, secret, owner)
        finally:
            os.close(directory)
    return place


def open_directory(path: Path, *, ours: bool = False) -> int:
    """A directory to make files in, as a descriptor that is for nothing else. Raises OSError.

    One of `ours` is at no link's end; one that was named is, where only root or we ourselves can have put it there.
    """
    if ours:
        return os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    return open_named(path, os.O_PATH | os.O_DIRECTORY)


def write(directory: int, name: str, secret: str, owner: os.stat_result) -> None:
    """A new file with a secret, on disk; raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(name, flags, FILE_MODE, dir_fd=directory)
    with open(descriptor, "w") as stream:
        stream.write(f"{secret}\n")
        stream.flush()
        os.fsync(descriptor)
        _give(descriptor, owner)


@contextlib.contextmanager
def explained(place: Path) -> Iterator[None]:
    """Raises CommandError for what cannot be done at this place."""
    try:
        yield
    except OSError as error:
        named = error.filename if Path(error.filename or "").is_absolute() else place  # it is a name in a directory
        raise CommandError("failed", f"{named}: {error.strerror}") from error


def _made_directory(path: Path, owner: os.stat_result) -> int:
    """It is made where it is missing; one that is there must be one, for what is made in it goes to the suite's user.

    Raises OSError.
    """
    try:
        path.mkdir(DIRECTORY_MODE)
    except FileExistsError:
        return open_directory(path, ours=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _give(descriptor, owner)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _give(descriptor: int, owner: os.stat_result) -> None:
    """Root makes files for the suite's user, who may have put something else at their place meanwhile: not by name."""
    if os.geteuid() == 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
