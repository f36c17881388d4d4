"""Files with secrets, made on the suite's own machine: only the suite's user can read them."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from bobctl.errors import CommandError
from bobctl.suite import UNIX, Suite

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
    if file is None:
        _make_directory(place.parent, owner)
    write(place, secret, owner)
    return place


def write(file: Path, secret: str, owner: os.stat_result) -> None:
    """A new file with a secret, on disk; raises CommandError."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE)
        with open(descriptor, "w") as stream:
            stream.write(f"{secret}\n")
            stream.flush()
            os.fsync(descriptor)
            _give(descriptor, owner)
    except OSError as error:
        raise CommandError("failed", f"{error.filename or file}: {error.strerror}") from error


def _make_directory(path: Path, owner: os.stat_result) -> None:
    """Where it is missing; one that is there must be one, for what is made in it goes to the suite's user.

    Raises CommandError.
    """
    try:
        try:
            path.mkdir(DIRECTORY_MODE)
        except FileExistsError:
            os.close(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW))
            return
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            _give(descriptor, owner)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CommandError("failed", f"{error.filename or path}: {error.strerror}") from error


def _give(descriptor: int, owner: os.stat_result) -> None:
    """Root makes files for the suite's user, who may have put something else at their place meanwhile: not by name."""
    if os.geteuid() == 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
