"""Where the broker listens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from msgq.errors import AddressError

SCHEME: Final = "ipc://"
# sun_path of unix(7) holds 108 bytes with the terminating zero.
MAX_PATH: Final = 107


def check_address(address: str) -> Path:
    """The socket's path of an `ipc://` address; raises AddressError for one that cannot work."""
    if not address.startswith(SCHEME):
        raise AddressError(f"{address!r} is not an {SCHEME} address")
    path = address.removeprefix(SCHEME)
    if not path.startswith("/"):
        raise AddressError(f"{address!r} has no absolute path")
    length = len(os.fsencode(path))
    if length > MAX_PATH:
        raise AddressError(f"{path}: {length} bytes are too many, a UNIX socket's path has at most {MAX_PATH}")
    return Path(path)
