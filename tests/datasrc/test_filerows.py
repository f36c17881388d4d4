"""Very many files looked at at once: what the file system says, and which are what they were."""

from __future__ import annotations

import errno
import importlib.util
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasrc import raw
from datasrc.errors import StorageError
from datasrc.filelayout import SEEN
from datasrc.filememory import FileMemory, Remembered
from datasrc.signatures import Signature, signature_of
from datasrc.zonedirectory import ZoneDirectory
from datasrc.zonefiles import key_of, keys_of

PLAIN_LABELS = st.text("abcz019_-", min_size=1, max_size=20) | st.sampled_from(["zone", "x" * 63])
PLAIN_NAMES = st.lists(PLAIN_LABELS, min_size=1, max_size=5).map(".".join).filter(lambda name: len(name) <= 248)


def twin() -> type[raw.Looker]:
    """The one for the interpreter, whatever is compiled."""
    path = Path(raw.__file__).with_name("raw.py")
    spec = importlib.util.spec_from_file_location("raw_plain", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: type[raw.Looker] = module.Looker
    return found


@pytest.fixture
def place(tmp_path):
    (tmp_path / "empty").touch()
    (tmp_path / "old").write_text("x" * 1000)
    os.utime(tmp_path / "old", ns=(1, -5_000_000_001))  # before 1970
    (tmp_path / "link").symlink_to("old")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "\udcff").write_text("x")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield tmp_path, descriptor
    os.close(descriptor)


def looked_at(path: Path) -> tuple[int | None, Signature]:
    try:
        return 0, signature_of(path.stat())
    except OSError as error:
        return error.errno, (0, 0, 0, 0, 0)


@pytest.mark.parametrize("looker", [raw.Looker, twin()], ids=["this", "plain"])
def test_a_look_at_many_files_tells_what_a_look_at_each_does(place, looker):
    directory, descriptor = place
    names = [b"empty", b"old", b"link", b"dangling", b"gone", b"\xff", b"old/below", b"x" * 256]
    found = bytearray(SEEN * len(names))
    assert looker().look(descriptor, b"\0".join(names) + b"\0", found) == len(names)
    told = memoryview(found).cast("q").tolist()
    for at, name in enumerate(names):
        error, *numbers = told[6 * at : 6 * at + 6]
        assert (error, tuple(numbers)) == looked_at(directory / os.fsdecode(name))
    assert looker().look(descriptor, b"empty\0old\0", bytearray(SEEN)) == 1
    assert looker().look(descriptor, b"", bytearray(SEEN)) == 0


def remember(directory: Path, name: str, version: int, *, may_differ: bool = False) -> tuple[str, Remembered]:
    signature = signature_of((directory / name).stat())
    return name, Remembered(signature, version, 1, 2, may_differ)


def versions(directory: Path, told: dict[str, Remembered], names: list[str]) -> list[int]:
    memory = FileMemory()
    for name, one in told.items():
        memory.put(name, one)
    return ZoneDirectory(directory, "files").versions(memory, names)


def test_the_version_of_a_file_is_told_where_it_is_sure_to_be_what_it_was(place):
    directory, _ = place
    told = dict([remember(directory, name, at + 1) for at, name in enumerate(["old", "empty", "\udcff", "link"])])
    told["gone"] = told["old"]
    names = ["empty", "gone", "unknown", "link", "old", "\udcff"]
    assert versions(directory, told, names) == [2, 0, 0, 4, 1, 3]
    assert versions(directory, told, []) == []


@pytest.mark.parametrize("number", range(5))
def test_one_number_of_a_signature_makes_another_file(place, number):
    directory, _ = place
    name, one = remember(directory, "old", (1 << 63) - 1)
    assert versions(directory, {name: one}, [name]) == [(1 << 63) - 1]
    for bit in (0, 7, 8, 31, 61):
        changed = list(one.signature)
        changed[number] ^= 1 << bit
        other: Signature = tuple(changed)  # type: ignore[assignment]
        assert versions(directory, {name: one._replace(signature=other)}, [name]) == [0]


def test_a_file_that_may_be_another_although_it_looks_the_same_is_not_sure(place):
    directory, _ = place
    name, one = remember(directory, "old", 7, may_differ=True)
    assert versions(directory, {name: one}, [name]) == [0]


def test_files_that_cannot_be_looked_at_are_told(place):
    directory, _ = place
    with pytest.raises(StorageError, match=r"old/below cannot be looked at: Not a directory"):
        versions(directory, {}, ["empty", "gone", "old/below"])


def test_a_directory_that_cannot_be_opened_is_told(tmp_path):
    with pytest.raises(StorageError, match="cannot be looked at") as caught:
        versions(tmp_path / "nowhere", {}, ["a"])
    assert os.strerror(errno.ENOENT) in str(caught.value)


@given(st.lists(st.tuples(PLAIN_NAMES, st.sampled_from(["", ".zone"])).map("".join), max_size=5))
def test_many_plain_names_have_the_keys_that_each_has(names):
    assert keys_of(names) == [key_of(name, name) for name in names]
