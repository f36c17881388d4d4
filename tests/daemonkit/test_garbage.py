"""Collections of circular garbage where very many objects live long: each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

MAKE = """
import asyncio, gc, weakref
from daemonkit.garbage import collect_a_little_at_a_time, look_at_all_again
from tests.kit.suite import wait_until

looked_at, kept = [], []

def before(phase, told):
    if phase == "start" and told["generation"] == 2:
        looked_at.append(len(gc.get_objects()))

gc.callbacks.append(before)

class Circle:
    def __init__(self):
        self.itself = self

def work():
    "In another thread, as the worker of a daemon."

async def main():
    collecting = asyncio.create_task(collect_a_little_at_a_time())
    await asyncio.to_thread(work)
    collecting.cancel()
    await asyncio.gather(collecting, return_exceptions=True)

def made():
    kept.extend([] for _ in range(5000))

def collected():
    before, aside = len(looked_at), gc.get_freeze_count()
    wait_until(lambda: made() or len(looked_at) > before, 60, "a collection")
    wait_until(lambda: gc.get_freeze_count() > aside, 60, "what is left is set aside")
"""


def output(text: str) -> list[str]:
    program = MAKE + text + "\nasyncio.run(main())\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_no_collection_looks_at_more_than_has_come_since_the_last_one():
    text = """
def work():
    for _ in range(8):
        collected()
    print(len(kept), max(looked_at), gc.get_threshold()[2] > 1000)
"""
    there_are, most, by_itself_no_more = output(text)
    assert int(most) < int(there_are) / 2
    assert by_itself_no_more == "True"


def test_circles_that_were_set_aside_are_freed_once_all_is_looked_at_again():
    text = """
def work():
    circle = Circle()
    there = weakref.ref(circle)
    collected()
    del circle
    collected()
    print(there() is not None)
    look_at_all_again()
    collected()
    print(there() is not None)
"""
    assert output(text) == ["True", "False"]


def test_it_leaves_the_collector_as_it_was():
    text = """
before = gc.get_threshold()
asyncio.run(main())
print(gc.get_threshold() == before)
"""
    assert output(text) == ["True"]
