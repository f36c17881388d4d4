"""The client: every way an answer can fail to come is an error of its own."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import subprocess
import sys
import threading

import pytest

from cmdctl.api import Client
from cmdctl.errors import BadAnswer, DoorClosed, ErrorAnswer, NoAnswer, NotRunning
from daemonkit.paths import LOCK_NAME, Directories, lock_text

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n" + b'{"answer": 4}'


def whole_request(connection):
    """Head and body, which the client sends one after the other."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    while length is not None and len(body) < int(length[1]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def answering(directory, answer, *, read=True, hold=None):
    """A server for one connection that says exactly this."""
    path = directory / "s"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(1)
    heard = []

    def serve():
        connection, _ = listener.accept()
        with connection:
            if read:
                heard.append(whole_request(connection))
            connection.sendall(answer)
            if hold is not None:
                hold.wait(60)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield path, heard
    finally:
        if hold is not None:
            hold.set()
        thread.join()
        listener.close()


def test_an_answer_is_decoded(tmp_path):
    with answering(tmp_path, OK) as (path, heard):
        assert Client(path).get("a b", "x/y", query={"q": "ä&", "none": None}) == {"answer": 4}
    assert heard[0].startswith(b"GET /v1/a%20b/x%2Fy?q=%C3%A4%26 HTTP/1.1\r\n")
    assert b"Host: localhost\r\n" in heard[0]


def test_a_body_is_json(tmp_path):
    with answering(tmp_path, OK) as (path, heard):
        Client(path).post("x", body={"name": "ä"})
    assert b"Content-Type: application/json\r\n" in heard[0]
    assert heard[0].endswith('{"name": "ä"}'.encode())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", NoAnswer),
        (b"HTTP/1.1 200 OK\r\n", BadAnswer),
        (OK[:-1], NoAnswer),
        (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a"', NoAnswer),
        (b"220 mail.example ESMTP\r\n\r\n", BadAnswer),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", BadAnswer),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"[" * 100_000, BadAnswer),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", BadAnswer),
        (b'HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\n\r\n{"error": 1}', BadAnswer),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\nhtml", BadAnswer),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n", BadAnswer),
    ],
)
def test_what_is_no_answer_is_told_apart(tmp_path, answer, error):
    with answering(tmp_path, answer) as (path, _), pytest.raises(error):
        Client(path, timeout=20).get("x")


def test_an_error_answer_carries_code_message_and_details(tmp_path):
    body = b'{"error": {"code": "conflict", "message": "no", "details": [{"path": "a", "reason": "b"}]}}'
    head = f"HTTP/1.1 409 Conflict\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with answering(tmp_path, head + body) as (path, _), pytest.raises(ErrorAnswer) as caught:
        Client(path).get("x")
    assert (caught.value.code, caught.value.message) == ("conflict", "no")
    assert caught.value.details == [{"path": "a", "reason": "b"}]


def test_an_answer_that_does_not_come_in_time_is_no_answer(tmp_path):
    with answering(tmp_path, b"", hold=threading.Event()) as (path, _), pytest.raises(NoAnswer):
        Client(path, timeout=0.2).get("x")


def test_an_early_refusal_is_read_although_the_body_was_not(tmp_path):
    body = b'{"error": {"code": "too-large", "message": "too large"}}'
    head = f"HTTP/1.1 413 x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    with answering(tmp_path, head + body, read=False) as (path, _), pytest.raises(ErrorAnswer) as caught:
        Client(path, timeout=20).post("x", body="y" * 4_000_000)
    assert caught.value.code == "too-large"


def test_nobody_there_is_not_running(tmp_path):
    for path in (tmp_path / "nothing", tmp_path / "no" / "where", tmp_path, tmp_path / ("x" * 200)):
        with pytest.raises(NotRunning):
            Client(path).get("x")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotRunning):
        Client(tmp_path / "file").get("x")


def test_a_stream_that_breaks_off_is_noticed(tmp_path):
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nde"
    with answering(tmp_path, answer) as (path, _), pytest.raises(NoAnswer):
        list(Client(path).stream("x"))


def test_a_stream_comes_whole(tmp_path):
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with answering(tmp_path, answer) as (path, _):
        assert b"".join(Client(path).stream("x")) == b"abcde"


def test_it_needs_nothing_that_is_not_ours_or_of_the_standard_library():
    script = (
        "import sys; before = set(sys.modules); import cmdctl.api\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(new - set(sys.stdlib_module_names) - {'cmdctl', 'daemonkit'}))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == ""


@contextlib.contextmanager
def running(directory):
    """A suite runs, as far as its lock tells."""
    with (directory / LOCK_NAME).open("wb", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(lock_text(os.getpid(), Directories(directory, directory)))
        yield


def test_a_suite_that_runs_with_its_door_closed_is_no_suite_that_is_not_running(tmp_path, monkeypatch):
    monkeypatch.setattr("cmdctl.api.DOOR_PATIENCE", 0.1)
    with running(tmp_path), pytest.raises(DoorClosed, match=rf"runs \(process {os.getpid()}\), but its door"):
        Client(tmp_path / "control.sock").get("status")
    with pytest.raises(NotRunning):  # what it wrote is still there, but nobody holds the lock
        Client(tmp_path / "control.sock").get("status")


def test_a_door_that_opens_soon_is_waited_for(tmp_path, monkeypatch):
    opening = contextlib.ExitStack()

    def open_it(_seconds):
        monkeypatch.undo()
        opening.enter_context(answering(tmp_path, OK))

    monkeypatch.setattr("cmdctl.api.time.sleep", open_it)
    with running(tmp_path), opening:
        assert Client(tmp_path / "s").get("status") == {"answer": 4}
