"""A suite elsewhere: HTTPS, a token in a file of one's own, and a certificate one trusts."""

from __future__ import annotations

import os
import socket

import pytest

from cmdctl.errors import NotTrusted, TokenUnusable
from cmdctl.remote_client import RemoteClient, read_token, split_url
from tests.bobctl.run import bobctl
from tests.cmdctl.tls import TOKEN, tls_door

ANSWERS = {"/v1/version": {"version": "9.9"}}


@pytest.fixture
def token(tmp_path):
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def door(tmp_path):
    with tls_door(tmp_path, ANSWERS) as made:
        yield made


@pytest.mark.asyncio
async def test_a_suite_elsewhere_is_asked_with_the_token(door, token):
    words = ["--server", door.url, "--token-file", str(token), "--ca-file", str(door.certificate)]
    done = await bobctl(None, *words, "--json", "version")
    assert done.json["suite"] == "9.9"
    assert door.seen == [("GET", "/v1/version", f"Bearer {TOKEN}")]
    assert TOKEN not in done.out + done.err


@pytest.mark.asyncio
async def test_the_environment_says_it_as_well(door, token):
    named = {"BOBCTL_SERVER": door.url, "BOBCTL_TOKEN_FILE": str(token), "BOBCTL_CA_FILE": str(door.certificate)}
    done = await bobctl(None, "--json", "version", env=named)
    assert done.json["suite"] == "9.9"


@pytest.mark.asyncio
async def test_a_directory_on_the_command_line_is_nearer_than_the_environment(door, tmp_path):
    done = await bobctl(None, "--run-dir", str(tmp_path), "status", env={"BOBCTL_SERVER": door.url})
    assert str(tmp_path) in done.err
    assert door.seen == []


@pytest.mark.asyncio
async def test_without_a_token_it_is_said_what_is_missing(door):
    done = await bobctl(None, "--server", door.url, "--ca-file", str(door.certificate), "zone", "list")
    assert done.code == 5
    assert "--token-file" in done.err


@pytest.mark.asyncio
async def test_the_token_does_not_go_to_who_is_not_trusted(door, token):
    done = await bobctl(None, "--server", door.url, "--token-file", str(token), "zone", "list")
    assert done.code == 5
    assert "--ca-file" in done.err
    assert door.seen == []


def test_a_certificate_for_another_name_is_not_trusted(tmp_path):
    with tls_door(tmp_path, ANSWERS, address="192.0.2.1") as door:
        with pytest.raises(NotTrusted, match="IP address mismatch"):
            RemoteClient(door.url, token=TOKEN, trusted=door.certificate).get("version")
        assert door.seen == []


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
async def test_a_token_others_can_read_is_not_used(door, token, mode):
    token.chmod(mode)
    done = await bobctl(None, "--server", door.url, "--token-file", str(token), "zone", "list")
    assert done.code == 5
    assert f"chmod 600 {token}" in done.err
    assert door.seen == []


@pytest.mark.parametrize("data", [b"", b"\n", b"two words", b"\xff\xfe", b"x" * 2000])
def test_a_file_without_a_token_is_said(token, data):
    token.write_bytes(data)
    with pytest.raises(TokenUnusable, match="does not hold a token"):
        read_token(token)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away takes root")
def test_a_token_of_another_user_is_not_used(token):
    os.chown(token, 65534, 65534)
    with pytest.raises(TokenUnusable, match="belongs to another user"):
        read_token(token)


def test_a_token_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(TokenUnusable, match="No such file"):
        read_token(tmp_path / "none")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://ns1.example.org", ("ns1.example.org", 8053)),
        ("https://ns1.example.org:443/", ("ns1.example.org", 443)),
        ("https://[2001:db8::1]:8053", ("2001:db8::1", 8053)),
    ],
)
def test_what_a_server_may_be_called(url, place):
    assert split_url(url) == place


@pytest.mark.parametrize("url", ["http://x", "x", "https://", "https://x/path", "https://u@x", "https://x:99999"])
def test_what_a_server_may_not_be_called(url):
    with pytest.raises(ValueError):
        split_url(url)


@pytest.mark.asyncio
async def test_nobody_there_is_said_with_the_place():
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"https://127.0.0.1:{free.getsockname()[1]}"
    done = await bobctl(None, "--server", url, "zone", "list")
    assert done.code == 1
    assert f"no suite answers at {url}" in done.err


@pytest.mark.asyncio
@pytest.mark.parametrize(("author", "code"), [("user:ann", 0), ("user:alice", 5)])
async def test_a_dry_run_knows_that_the_candidate_of_somebody_else_takes_the_role_admin(tmp_path, token, author, code):
    diff = {"text": "", "role": "read", "changes": False, "arguments": {"author": "whose"}, "zone": ""}
    answers = {
        "/v1/whoami": {"author": "user:ann", "role": "read", "token": "", "zones": None},
        "/v1/modules/cfgmgr": {"commands": {"diff": diff}, "members": ["cfgmgr/0"]},
    }
    script = tmp_path / "script"
    script.write_text(f"call cfgmgr diff author={author}\n")
    with tls_door(tmp_path, answers) as door:
        words = ["--server", door.url, "--token-file", str(token), "--ca-file", str(door.certificate)]
        done = await bobctl(None, *words, "execute", "--dry-run", str(script))
    assert (done.code, "this takes the role admin" in done.err) == (code, code == 5), done.err
