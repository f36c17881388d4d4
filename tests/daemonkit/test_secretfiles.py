"""Secrets in files: read, checked, and shown to nobody."""

from __future__ import annotations

import os

import pytest

from daemonkit.option_addresses import SecretFileOption
from daemonkit.secretfiles import MAX_SECRET_FILE, SecretError, read_secret, version_of


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "key"
    path.write_text("c2Vj\ncmV0\n")
    path.chmod(0o640)
    return path


def test_a_secret_is_read(file):
    assert read_secret(str(file)).octets == b"secret"


def test_it_does_not_show_itself(file):
    assert "secret" not in repr(read_secret(str(file))).replace("Secret", "")


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o601, 0o644])
def test_what_everybody_may_use_is_no_secret(file, mode):
    file.chmod(mode)
    with pytest.raises(SecretError, match=rf"everybody may use it \(mode {mode:04o}\): chmod o-rwx"):
        read_secret(str(file))


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "it is empty"), (b"not base64!", "it is not base64"), (b"A" * (MAX_SECRET_FILE + 1), "more than")],
)
def test_what_is_no_secret_is_said_without_it(file, content, said):
    file.write_bytes(content)
    with pytest.raises(SecretError, match=said) as caught:
        read_secret(str(file))
    assert content.decode() not in str(caught.value) or not content


def test_what_is_no_file_is_said(tmp_path):
    with pytest.raises(SecretError, match="No such file"):
        read_secret(str(tmp_path / "none"))
    with pytest.raises(SecretError, match="Is a directory"):
        read_secret(str(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SecretError, match="it is no file"):
        read_secret(str(tmp_path / "pipe"))


def test_a_file_that_changes_has_another_version(file):
    first = version_of(str(file))
    assert version_of(str(file)) == first
    file.write_text("b3RoZXI=")
    os.utime(file, ns=(1, 1))
    assert version_of(str(file)) not in ("", first)
    file.unlink()
    assert version_of(str(file)) == ""


def test_a_daemon_gets_path_and_version(file):
    option = SecretFileOption()
    assert option.convert(str(file), lambda text: text) == {"path": str(file), "version": version_of(str(file))}
    assert option.convert(None, lambda text: text) is None
