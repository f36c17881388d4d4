"""The corpus of each target: what fuzzing found that reaches something else, one input a line, in base 64.

One file a target is what can be reviewed and counted; libFuzzer wants a directory, which lies in build/fuzz.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

PLACE = Path(__file__).with_name("corpus")
SUFFIX = ".base64"


def read(target: str) -> list[bytes]:
    """Inputs of a target, from the shortest on."""
    path = PLACE / f"{target}{SUFFIX}"
    return [base64.b64decode(line, validate=True) for line in path.read_text().split()] if path.exists() else []


def write(target: str, inputs: Iterable[bytes]) -> int:
    """Replace them; how many there are."""
    chosen = sorted(set(inputs), key=lambda octets: (len(octets), octets))
    PLACE.mkdir(exist_ok=True)
    text = "".join(base64.b64encode(octets).decode() + "\n" for octets in chosen if octets)
    (PLACE / f"{target}{SUFFIX}").write_text(text)
    return len(chosen)


def spread(inputs: Iterable[bytes], directory: Path) -> None:
    """Write each as a file, named as libFuzzer names them."""
    directory.mkdir(parents=True, exist_ok=True)
    for octets in inputs:
        (directory / hashlib.sha1(octets, usedforsecurity=False).hexdigest()).write_bytes(octets)


def gather(directory: Path) -> Iterator[bytes]:
    """What the files of a directory hold."""
    for path in sorted(directory.iterdir()):
        yield path.read_bytes()
