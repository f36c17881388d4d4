"""The real process tree, started through bob in a directory of its own on free loopback ports."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import dns.exception
import dns.message
import dns.query
import dns.rcode

from tests.kit import evidence
from tests.kit.ports import free_port

PYTHON = [sys.executable, "-X", "dev", "-W", "error", "-I", "-m"]
# Nobody waits for these but a test that fails: ten times what is expected of a machine that does nothing else is not
# enough beside other work. At ten running processes a core a start was seen to take 40 seconds.
DEADLINE = 60.0  # seconds until something is as it is to be
START_DEADLINE = 150.0  # seconds until a suite is up
PROGRAM_DEADLINE = 120.0  # seconds until one of our programs has ended
PROBE_TIMEOUT = 1.0  # seconds for a look whether there is an answer yet
QUERY_TIMEOUT = 10.0  # seconds for an answer that is due; a query is held for a second where its zone is still read


def wait_until(condition: Callable[[], Any], deadline: float = DEADLINE, what: str = "") -> Any:
    """Poll until the condition is true; its value. Fails with what it last was."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what or condition.__name__}; last value {value!r}")
        time.sleep(0.02)


class Suite:
    """One suite. Use as a context manager; start() and stop() may be called again within it."""

    def __init__(
        self,
        *,
        config: str | None = None,
        arguments: Sequence[str] = (),
        listen: bool = True,
        rest_off: bool = True,
        metrics_off: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        # Short, because of the 107 bytes of a UNIX socket path.
        self.directory = Path(tempfile.mkdtemp(prefix="bob-", dir="/tmp"))
        self.state = self.directory / "state"
        self.run = self.directory / "run"
        self.port = free_port()
        self.arguments = list(arguments)
        self.environment = {**os.environ, **(environment or {})}  # of the suite's processes
        self.rest_off = rest_off  # on the command line, unless that says otherwise
        self.metrics_off = metrics_off
        self.listen = listen  # on the command line; otherwise the configuration says
        self.log = self.directory / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.config = self.directory / "bob.yaml"
        if config is not None:
            self.config.write_text(config)

    def __enter__(self) -> Self:
        evidence.remember(self, f"log of the suite in {self.directory}", self.words)
        return self

    def __exit__(self, *error: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        evidence.forget(self)
        if error[0] is not None:
            sys.stderr.write(f"--- log of the suite in {self.directory}\n{self.words()[-evidence.SHOWN :]}\n")
        shutil.rmtree(self.directory, ignore_errors=True)

    def words(self) -> str:
        """What its processes have said so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def says(self, text: str) -> None:
        """Wait until the log has this: what is to be told is written by a thread of the process, some time after."""
        wait_until(lambda: text in self.words(), what=f"the log says {text!r}")

    # Programs.

    def command(self) -> list[str]:
        """How bob is started."""
        user = ["--user", "root"] if os.geteuid() == 0 else []
        config = ["--config", str(self.config)] if self.config.exists() else []
        addresses = ("127.0.0.1", "::1") if self.listen else ()
        listen = [word for address in addresses for word in ("--listen", f"{address}@{self.port}")]
        places = ["--state-dir", str(self.state), "--run-dir", str(self.run)]
        if self.rest_off and "--rest" not in self.arguments:  # its port is one for all suites of a machine
            places += ["--rest", "off"]
        if self.metrics_off and "--metrics" not in self.arguments:
            places += ["--metrics", "off"]
        return [*PYTHON, "bob", "run", *config, *places, *user, *listen, *self.arguments]

    def start(self, *, wait: bool = True, stderr: int | None = None) -> Suite:
        """Start bob; with `wait`, until the suite says it is ready. Without `stderr` it logs to `log`."""
        with self.log.open("ab") as log:
            errors = log if stderr is None else stderr
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=errors, env=self.environment
            )
        if wait:
            wait_until(self.ready, START_DEADLINE, "the suite answers queries and commands")
        return self

    def ready(self) -> bool:
        """Whether DNS and the door answer. Fails at once when bob ended."""
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"bob ended with {self.process.returncode}:\n{self.log.read_text()}")
        return self.answers() and self.control(check=False, quiet=True) is not None

    def stop(self) -> int:
        """Stop bob as Ctrl-C does; its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(DEADLINE)

    def program(self, name: str, *arguments: str, input_text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run one of our programs to its end."""
        return subprocess.run(
            [*PYTHON, name, *arguments],
            input=input_text,
            capture_output=True,
            text=True,
            timeout=PROGRAM_DEADLINE,
            check=False,
        )

    def bobctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One bobctl command."""
        return self.program("bobctl", "--run-dir", str(self.run), *words)

    def control(self, *words: str, check: bool = True, quiet: bool = False) -> Any:
        """A bobctl command with --json, decoded; the default is `status`."""
        done = self.bobctl("--json", *(words or ("status",)))
        if done.returncode != 0:
            if check:
                raise AssertionError(
                    f"bobctl {' '.join(words)} ended with {done.returncode}: {done.stderr}{done.stdout}"
                )
            return None
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def loadzone(self, origin: str, text: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Import a zone given as text."""
        return self.program("loadzone", "--state-dir", str(self.state), *options, origin, "-", input_text=text)

    # DNS.

    def query(
        self,
        name: str,
        rdtype: str = "SOA",
        *,
        tcp: bool = False,
        address: str = "127.0.0.1",
        timeout: float = QUERY_TIMEOUT,
    ) -> dns.message.Message:
        """Ask the suite."""
        message = dns.message.make_query(name, rdtype)
        ask = dns.query.tcp if tcp else dns.query.udp
        return ask(message, address, port=self.port, timeout=timeout)

    def answers(self, name: str = ".", rdtype: str = "SOA", *, timeout: float = PROBE_TIMEOUT) -> bool:
        """Whether any answer comes; who asks only once waits as long as an answer that is due may take."""
        try:
            self.query(name, rdtype, timeout=timeout)
        except (dns.exception.Timeout, OSError):
            return False
        return True

    def serves(self, origin: str, serial: int, *, timeout: float = PROBE_TIMEOUT) -> bool:
        """Whether this serial is answered; who asks only once waits as long as an answer that is due may take."""
        try:
            answer = self.query(origin, timeout=timeout)
        except (dns.exception.Timeout, OSError):
            return False
        return answer.rcode() == dns.rcode.NOERROR and bool(answer.answer) and answer.answer[0][0].serial == serial

    # Processes.

    def components(self) -> dict[str, dict[str, Any]]:
        """Every component instance by its name `component/instance`."""
        rows = self.control("component", "list")
        return {f"{row['component']}/{row['instance']}": row for row in rows}

    def pid(self, member: str) -> int:
        """The process of a component instance."""
        return int(self.components()[member]["pid"])

    def processes(self) -> list[int]:
        """Every living process: bob, and those below."""
        assert self.process is not None
        return [self.process.pid, *self.descendants()]

    def descendants(self) -> list[int]:
        """Every living process below bob."""
        assert self.process is not None
        return list(_descendants(self.process.pid))


def _descendants(parent: int) -> Iterator[int]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{parent}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from _descendants(int(child))


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
