"""SIGKILL of an auth instance at half of the peak load: what is lost, and what may be.

Beside what images answer a few queries are asked that they leave to the worker, half as many as it answers at most.
They come in runs, and the kill follows one, so that some of it is not answered yet. Both are counted by themselves. Of
what images answer may be lost the batch in hand, and what the kernel drops because the buffers of the sockets are full
until the spare has them. What was left lives in the process until it is answered (auth/README.md): as much of it may be
lost as the hatch and the batch behind it hold.

kill_at_load [KILLS [RATE]]: five kills by default; without RATE at half of what the suite answers at most. A minute.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from auth.sizes import HATCH_MESSAGES
from bench.loaded import Loaded
from bench.sidebyside.load_program import Account
from bench.sidebyside.questions import Question
from daemonkit.counter_page import page_path, read_page
from tests.kit.load import kernel_drops
from tests.kit.suite import wait_until

KILLS = 5
SECONDS = 3.0  # of load about a kill
INTO = 1.0  # s into it
INSTANCES = 2
BATCH = 64  # datagrams that the loop has in hand, and as many the answering thread (auth.udp_batch)
RUN = 32  # queries for the worker, one behind the other: they wait for those before
RUNS = 64  # of them in the file of questions
WINDOW, SOCKETS = 256, 64  # so much in flight that a pause of the server stops nobody from asking
DEADLINE = 30.0
HEAD = (
    *("instance", "sent", "wrong", "lost", "dropped by the kernel", "may be lost", ""),
    *("sent for the worker", "lost", "of that left and unanswered", "dropped by the loops", "may be lost", ""),
)

VERDICTS = ("reached", "MISSED")


@dataclass(frozen=True)
class Losses:
    """What a kill cost."""

    account: Account
    dropped: int  # by the kernel
    left: int  # to the worker, by the loops of all instances
    refused: int  # by these, for too many waited for it

    @property
    def lost(self) -> int:
        """Of the queries that images answer."""
        return self.account.lost - self.account.apart.lost

    @property
    def may_be(self) -> int:
        """How many of them."""
        return BATCH + self.dropped

    @property
    def waiting(self) -> int:
        """Queries that were left and not answered yet, in the process that was killed."""
        return max(0, min(self.left - self.account.apart.answered, self.account.apart.lost))

    @property
    def may_be_apart(self) -> int:
        """How many of the others: what waited, if one process holds so much, what was refused, and what befalls any
        query as far as it did not befall those that images answer.
        """
        waited = min(self.waiting, HATCH_MESSAGES + BATCH)
        return waited + self.refused + max(0, self.may_be - self.lost)

    @property
    def is_bad(self) -> bool:
        """Whether more of either was lost, or an answer was wrong."""
        return "MISSED" in self.columns()

    def columns(self) -> list[object]:
        """As HEAD has them, without the instance."""
        account, apart = self.account, self.account.apart
        is_bad, is_bad_apart = account.wrong > 0 or self.lost > self.may_be, apart.lost > self.may_be_apart
        return [
            *(account.sent - apart.sent, account.wrong, self.lost, self.dropped, self.may_be, VERDICTS[is_bad]),
            *(apart.sent, apart.lost, self.waiting, self.refused, self.may_be_apart, VERDICTS[is_bad_apart]),
        ]


def main() -> None:
    """Print a line a kill; exit 1 where more was lost than may be, or answers were wrong."""
    words = [float(word) for word in sys.argv[1:]]
    kills = int(words[0]) if words else KILLS
    with Loaded("udp-1k", instances=INSTANCES) as loaded:
        rate = words[1] if len(words) > 1 else peak(loaded) / 2
        usual = loaded.slices.load
        loaded.slices.load = usual.asking(questions(loaded, 1), loaded.scratch("worker"))
        for_worker = peak(loaded) / 2
        print(f"killed at {rate:.0f} queries/s, and {for_worker:.0f} more that images leave to the worker")
        asked = usual.asking(questions(loaded, round(rate / for_worker) + 1), loaded.scratch("both"))
        loaded.slices.load = asked.with_clients(SOCKETS, WINDOW)
        print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
        found = [kill(loaded, f"auth/{number % INSTANCES}", rate + for_worker) for number in range(kills)]
    tell(found)
    sys.exit(any(one.is_bad for one in found))


def tell(found: list[Losses]) -> None:
    """What they come to."""
    bad = sum(one.is_bad for one in found)
    print(
        f"{len(found)} kills; goal: no wrong answer; of what images answer no more lost than the batch and what the "
        "kernel dropped; of the rest no more than that and what can wait in a process: "
        f"{f'MISSED {bad} times' if bad else 'reached'}"
    )
    account, apart = [one.account for one in found], [one.account.apart for one in found]
    waiting = [one.waiting for one in found]
    print(
        f"lost in all: {sum(one.lost for one in found)} of {sum(one.sent for one in account)}, and "
        f"{sum(one.lost for one in apart)} that were for the worker, of which {sum(waiting)} had been left "
        f"({max(waiting)} of one kill at most; {waiting.count(0)} kills found none)"
    )


def peak(loaded: Loaded) -> float:
    """Answers a second at most."""
    return max(account.in_time / account.seconds for account in (loaded.slices.run(2.0) for _ in range(3)))


def questions(loaded: Loaded, share: int) -> Iterator[Question]:
    """What the row asks, and among it, one in `share`, what images never answer: signatures (image/README.md)."""
    usual = itertools.cycle(loaded.files.data.questions())
    others = itertools.cycle(
        Question(one.name, "RRSIG", answers=0, authority=1, apart=True) for one in loaded.files.data.questions()
    )
    for _ in range(RUNS):
        yield from itertools.islice(usual, RUN * (share - 1))
        yield from itertools.islice(others, RUN)


def left(loaded: Loaded) -> Counter[str]:
    """What the loops have left so far, all that were ever there."""
    told = loaded.suite.control("call", "stats", "show", "component=auth")["modules"]["auth"]["counters"]
    return Counter({name: told[name] for name in ("left", "left.dropped")})


def wait_for_run(loaded: Loaded, member: str) -> None:
    """Until the loop of this instance has left most of a run, all at once: its page of counters has it at once."""
    page = page_path(loaded.suite.run / "counters", *member.split("/"))
    seen, end = read_page(page).values["left"], time.monotonic() + SECONDS - INTO
    while (now := read_page(page).values["left"]) < seen + RUN // 2:
        if time.monotonic() > end:
            raise SystemExit(f"{member} leaves nothing to the worker")
        seen = now


def kill(loaded: Loaded, member: str, rate: float) -> Losses:
    """One kill."""
    pid, drops, before = loaded.suite.pid(member), kernel_drops(loaded.suite.port), left(loaded)
    running = loaded.beside(SECONDS, rate)
    time.sleep(INTO)  # the load is at its rate
    wait_for_run(loaded, member)
    os.kill(pid, signal.SIGKILL)
    account = running.result()
    dropped = kernel_drops(loaded.suite.port) - drops
    wait_until(loaded.is_settled, DEADLINE, "another spare stands by")
    more = left(loaded)
    more.subtract(before)
    losses = Losses(account, dropped, more["left"], more["left.dropped"])
    print(f"| {' | '.join(map(str, [member, *losses.columns()]))} |", flush=True)
    return losses


if __name__ == "__main__":
    main()
