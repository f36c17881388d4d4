"""What can be wrong with an image, or with a change of one."""

from __future__ import annotations

from pathlib import Path


class ImageError(Exception):
    """An image that is not to be answered from: it is built anew, never mended."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class NotExpressible(Exception):
    """A change that a delta cannot hold: the zone is to be built anew."""
