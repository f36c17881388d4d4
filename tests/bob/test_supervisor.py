"""Real processes: started, judged, ended, replaced, and given their sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from bob.definition import Limits
from bob.errors import SocketError
from bob.states import Kind, State
from tests.bob.world import Client, World, open_descriptors, poll
from tests.kit.ports import free_port
from tests.kit.stopwatch import Stopwatch
from tests.kit.suite import alive

pytestmark = pytest.mark.asyncio

HAND_OVER = 0.02  # seconds; the design's figure for a spare


@pytest.fixture
def port():
    return free_port()


@pytest_asyncio.fixture
async def world(tmp_path):
    async with World(tmp_path) as made:
        yield made


async def test_components_start_in_the_order_of_their_needs(world):
    started = []
    world.supervisor.watch(lambda instance: started.append((instance.name, instance.state)))
    await world.run(world.define("late", needs=("early",)), world.define("early"))
    await world.until_running("late/0")
    assert started.index(("early/0", State.RUNNING)) < started.index(("late/0", State.STARTING))
    assert world.get("late/0").run.revision == 7


async def test_a_child_gets_what_it_is_promised_and_nothing_else(world, tmp_path):
    told = tmp_path / "told"
    await world.run(world.define("one", "environment", "file", str(told)))
    await world.until_running("one/0")
    facts = json.loads(told.read_text())
    environment = facts["environment"]
    assert environment["BOB_COMPONENT"] == "one"
    assert environment["BOB_INSTANCE"] == "0"
    assert environment["BOB_STATE_DIR"] == str(world.directories.state)
    assert environment["BOB_RUN_DIR"] == str(world.directories.run)
    assert environment["BOB_LOG_LEVEL"] == "debug"
    control = int(environment["BOB_CONTROL_FD"])
    assert len(set(facts["descriptors"]) - {control, 0, 1, 2}) == 1  # the listing itself
    assert os.getpgid(world.pid("one/0")) == world.pid("one/0")
    assert Path(f"/proc/{world.pid('one/0')}/fd/0").readlink() == Path("/dev/null")


async def test_a_dead_process_is_restarted_at_once_and_its_end_is_told_exactly(world):
    await world.run(world.define("one"))
    await world.until_running("one/0")
    pid = world.pid("one/0")
    os.kill(pid, signal.SIGSEGV)
    await world.until(lambda: world.get("one/0").restarts == 1)
    await world.until_running("one/0")
    assert world.get("one/0").last_exit.startswith("killed by SIGSEGV")
    assert world.pid("one/0") != pid
    assert world.counted() == {"starts": 3, "deaths": 1, "restarts": 1}


async def test_a_process_that_dies_again_and_again_is_told_with_its_words(world):
    await world.run(world.define("one", "die"))
    await world.until(lambda: world.get("one/0").state is State.BACKOFF)
    assert world.get("one/0").last_exit == "exit status 3 (told to die)"
    world.supervisor.start([world.get("one/0")])
    await world.until(lambda: world.get("one/0").restarts >= 2)


async def test_a_program_that_cannot_be_run_is_a_failure_that_tells_why(world, tmp_path):
    broken = tmp_path / "broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    await world.run(replace(world.define("one"), program=str(broken)))
    await world.until(lambda: world.get("one/0").failures)
    assert world.get("one/0").last_exit == "exit status 127"


async def test_a_stopped_process_is_found_and_replaced(world):
    await world.run(world.define("one", hang_timeout=1.0))
    await world.until_running("one/0")
    pid = world.pid("one/0")
    os.kill(pid, signal.SIGSTOP)
    await world.until(lambda: world.get("one/0").restarts == 1)
    await world.until_running("one/0")
    assert "hung: no heart-beat" in world.get("one/0").last_exit
    assert not alive(pid)
    assert world.counted() == {"starts": 3, "deaths": 1, "kills": 1, "restarts": 1}


async def test_a_process_that_talks_nonsense_is_killed(world):
    await world.run(world.define("one", "garbage"))
    await world.until(lambda: world.get("one/0").failures)
    assert "not a control message" in world.get("one/0").last_exit


async def test_a_process_that_closes_its_channel_is_killed(world):
    await world.run(world.define("one", "close"))
    await world.until(lambda: world.get("one/0").failures)
    assert "closed its control channel" in world.get("one/0").last_exit


async def test_a_process_that_does_not_hear_is_ended_by_force(world):
    await world.run(world.define("one", "deaf"))
    await world.until_running("one/0")
    world.supervisor.stop([world.get("one/0")])
    await world.until(lambda: world.get("one/0").state is State.STOPPED)
    assert world.get("one/0").last_exit.startswith("killed by SIGKILL (told to stop")


async def test_what_a_process_leaves_in_its_group_dies_with_it(world, tmp_path):
    told = tmp_path / "told"
    await world.run(world.define("one", "parent", "file", str(told)))
    await world.until_running("one/0")
    grandchild = json.loads(told.read_text())["child"]
    assert alive(grandchild)
    os.kill(world.pid("one/0"), signal.SIGKILL)
    await poll(lambda: not alive(grandchild))


async def test_limits_and_nice_reach_the_process(world):
    limits = Limits(open_files=77, core=0, memory=2**31)
    await world.run(world.define("one", nice=3, limits=limits))
    await world.until_running("one/0")
    pid = world.pid("one/0")
    assert os.getpriority(os.PRIO_PROCESS, pid) == 3
    lines = {line[:26].strip(): line[26:].split()[:2] for line in Path(f"/proc/{pid}/limits").read_text().splitlines()}
    assert lines["Max open files"] == ["77", "77"]
    assert lines["Max address space"] == [str(2**31)] * 2


async def test_a_needed_component_that_does_not_come_up_fails_the_system(world):
    await world.run(world.define("one", "die", kind=Kind.NEEDED))
    await world.until(lambda: world.supervisor.failed)
    assert world.supervisor.failed == ("the needed component one/0 did not come up: exit status 3 (told to die)")


# Sockets.


async def test_a_component_is_rearranged_at_run_time(world):
    await world.run(world.define("one"))
    await world.until_running("one/0")
    pid = world.pid("one/0")
    await asyncio.wait_for(world.supervisor.rearrange("one", ("other",)), 60)
    assert world.pid("one/0") != pid
    assert world.get("one/0").run.definition.arguments == ("other",)
    assert world.get("one/0").restarts == 0


async def test_a_component_that_cannot_use_its_configuration_fails_the_system_for_good(world, tmp_path):
    refuses = tmp_path / "refuses"
    refuses.write_text("#!/bin/sh\nexit 78\n")
    refuses.chmod(0o755)
    await world.run(replace(world.define("one", kind=Kind.NEEDED), program=str(refuses)))
    await world.until(lambda: world.supervisor.failed)
    assert world.supervisor.failed_for_good


async def test_every_instance_serves_its_own_sockets_over_udp_and_tcp(world, port):
    await world.run(world.define("dns", sockets=True, instances=2), listen=[("127.0.0.1", port)])
    await world.until_running("dns/0", "dns/1")
    await world.until_served("0", "1")
    client = Client(port)
    seen = {(await client.ask())["instance"] for _ in range(64)}
    assert seen == {"0", "1"}
    assert client.connect()["component"] == "dns"


async def test_a_spare_takes_the_sockets_of_the_dead_and_nothing_is_lost(world, port):
    await world.run(world.define("dns", sockets=True, spare=True), listen=[("127.0.0.1", port)])
    await world.until_running("dns/0", "dns/spare")
    await world.until_served("0")
    client = Client(port)
    times = []
    for _ in range(5):
        spare, victim = world.pid("dns/spare"), os.pidfd_open(world.pid("dns/0"))
        watch = Stopwatch([spare].copy)
        signal.pidfd_send_signal(victim, signal.SIGKILL)
        waiting = [client.send() for _ in range(20)]  # these come in while nobody reads
        os.close(victim)
        await world.until(lambda spare=spare: world.pid("dns/0") == spare if world.get("dns/0").run else False)
        times.append(watch.seconds())
        answers = [await client.answer(sock) for sock in waiting]
        assert {answer["pid"] for answer in answers} <= {spare}
        assert {answer["instance"] for answer in answers} == {"0"}
        await world.until_running("dns/spare")
    assert min(times) < HAND_OVER, times
    counted = world.counted()
    assert {name: counted[name] for name in ("deaths", "restarts", "promotions")} == dict.fromkeys(
        ("deaths", "restarts", "promotions"), 5
    )
    assert counted["sockets"] == 6 * 2  # UDP and TCP, to the first and to each that took its place


async def test_the_spare_stands_in_for_a_silent_instance_until_it_is_heard_again(world, port):
    await world.run(world.define("dns", sockets=True, spare=True, hang_timeout=60.0), listen=[("127.0.0.1", port)])
    await world.until_running("dns/0", "dns/spare")
    await world.until_served("0")
    client, silent, spare = Client(port), world.pid("dns/0"), world.pid("dns/spare")
    os.kill(silent, signal.SIGSTOP)
    try:
        answers = [await client.ask() for _ in range(5)]
    finally:
        os.kill(silent, signal.SIGCONT)
    assert {(answer["pid"], answer["instance"]) for answer in answers} == {(spare, "spare")}
    await world.until(lambda: not world.get("dns/0").run.suspect)
    async with asyncio.timeout(60):
        while (await client.ask())["pid"] != silent:
            pass
    assert (world.pid("dns/0"), world.pid("dns/spare")) == (silent, spare)
    assert (world.counted()["covers"], "deaths" in world.counted()) == (1, False)


async def test_the_spare_stands_in_for_several_silent_instances_at_once(world, port):
    dns = world.define("dns", sockets=True, spare=True, instances=3, hang_timeout=60.0)
    await world.run(dns, listen=[("127.0.0.1", port)])
    await world.until_running("dns/0", "dns/1", "dns/2", "dns/spare")
    await world.until_served("0", "1", "2")
    silent, spare = [world.pid("dns/0"), world.pid("dns/1")], world.pid("dns/spare")
    for pid in silent:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert await answer_rate(port) == {"spare", "2"}
        os.kill(world.pid("dns/spare"), signal.SIGKILL)  # the next one takes over where this one was
        await world.until(lambda: world.get("dns/spare").run is not None and world.pid("dns/spare") != spare)
        assert await answer_rate(port) == {"spare", "2"}
        os.kill(silent[0], signal.SIGCONT)
        await world.until(lambda: not world.get("dns/0").run.suspect)
        assert await answer_rate(port) == {"spare", "0", "2"}
        world.supervisor.stop([world.get("dns/1")])  # its sockets are not lent any more
        await world.until(lambda: world.get("dns/1").state is State.STOPPED)
        assert await answer_rate(port) == {"0", "2"}
    finally:
        for pid in silent:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


async def test_what_stood_in_for_the_hung_takes_its_place(world, port):
    await world.run(world.define("dns", sockets=True, spare=True, hang_timeout=2.0), listen=[("127.0.0.1", port)])
    await world.until_running("dns/0", "dns/spare")
    await world.until_served("0")
    client, spare = Client(port), world.pid("dns/spare")
    os.kill(world.pid("dns/0"), signal.SIGSTOP)
    assert (await client.ask())["instance"] == "spare"
    await world.until(lambda: world.get("dns/0").restarts == 1)
    await world.until_served("0")
    answer = await client.ask()
    assert (answer["pid"], answer["instance"]) == (spare, "0")


async def test_without_a_spare_queries_wait_for_the_next_process(world, port):
    await world.run(world.define("dns", sockets=True), listen=[("127.0.0.1", port)])
    await world.until_running("dns/0")
    await world.until_served("0")
    client = Client(port)
    os.kill(world.pid("dns/0"), signal.SIGKILL)
    waiting = [client.send() for _ in range(50)]
    answers = [await client.answer(sock) for sock in waiting]
    assert len({answer["pid"] for answer in answers}) == 1


async def test_sockets_of_an_instance_that_keeps_dying_are_left_to_the_others(world, port):
    await world.run(world.define("dns", "die-serving", sockets=True, instances=2), listen=[("127.0.0.1", port)])
    await world.until_running("dns/0")
    await world.until(
        lambda: world.get("dns/1").state is State.BACKOFF and "1" not in world.supervisor.equipment.listening.numbers
    )
    client = Client(port)
    answers = Counter([(await client.ask())["instance"] for _ in range(100)])
    assert answers == {"0": 100}


async def test_sockets_of_a_stopped_instance_are_closed_and_come_back_with_it(world, port):
    await world.run(world.define("dns", sockets=True, instances=2), listen=[("127.0.0.1", port)])
    await world.until_running("dns/0", "dns/1")
    world.supervisor.stop([world.get("dns/1")])
    await world.until(lambda: world.get("dns/1").state is State.STOPPED)
    client = Client(port)
    assert {(await client.ask())["instance"] for _ in range(50)} == {"0"}
    world.supervisor.start([world.get("dns/1")])
    await world.until_running("dns/1")
    await world.until_served("0", "1")
    assert {(await client.ask())["instance"] for _ in range(64)} == {"0", "1"}


async def answer_rate(port, questions=64):
    """Who answers each of so many questions; fails when one is not answered."""
    client = Client(port)
    waiting = [client.send() for _ in range(questions)]
    return {(await client.answer(sock))["instance"] for sock in waiting}


async def test_a_commit_gives_no_sockets_to_an_instance_that_is_stopped(world, port):
    dns, second = world.define("dns", sockets=True, instances=2), free_port()
    await world.run(dns, listen=[("127.0.0.1", port)])
    await world.until_running("dns/0", "dns/1")
    world.supervisor.stop([world.get("dns/1")])
    await world.until(lambda: world.get("dns/1").state is State.STOPPED)
    await world.run(dns, listen=[("127.0.0.1", port), ("127.0.0.1", second)])
    await world.until_served("0")
    assert world.supervisor.equipment.listening.numbers == ("0",)
    assert await answer_rate(port) == {"0"}
    assert await answer_rate(second) == {"0"}
    world.supervisor.start([world.get("dns/1")])
    await world.until_running("dns/1")
    await world.until_served("0", "1")
    assert await answer_rate(second) == {"0", "1"}


async def test_a_commit_gives_no_sockets_to_an_instance_that_is_given_up(world, port):
    dns = world.define("dns", "die-serving", sockets=True, instances=2)
    await world.run(dns, listen=[("127.0.0.1", port)])
    await world.until_running("dns/0")
    failing = world.get("dns/1")
    failing.definition = replace(failing.definition, give_up_after=2)
    await world.until(lambda: failing.state is State.GIVEN_UP)
    await world.run(dns, listen=[("127.0.0.1", port)])
    assert world.supervisor.equipment.listening.numbers == ("0",)
    assert await answer_rate(port) == {"0"}


async def test_a_commit_gives_no_sockets_to_an_instance_whose_next_attempt_is_far(world, port):
    dns = world.define("dns", "die-serving", sockets=True, instances=2)
    await world.run(dns, listen=[("127.0.0.1", port)])
    await world.until_running("dns/0")
    failing = world.get("dns/1")
    failing.policy = replace(failing.policy, first_delay=600.0, longest_delay=600.0)
    await world.until(lambda: failing.state is State.BACKOFF and failing.due - asyncio.get_running_loop().time() > 60)
    await world.until_served("0")
    await world.run(dns, listen=[("127.0.0.1", port)])
    await world.until_served("0")
    assert world.supervisor.equipment.listening.numbers == ("0",)
    assert await answer_rate(port) == {"0"}


async def test_sockets_that_were_made_twice_for_an_instance_are_closed_once(world, port):
    dns = world.define("dns", sockets=True, instances=2)
    await world.run(dns, listen=[("127.0.0.1", port)])
    await world.until_running("dns/0", "dns/1")
    await world.until_served("0", "1")
    equipment = world.supervisor.equipment
    equipment.release(world.get("dns/1"))
    offer = await world.prepare(dns, listen=[("127.0.0.1", port)])
    equipment.serve(world.get("dns/1"))  # makes what the offer has too
    await poll(lambda: not equipment.listening.missing("1"))
    world.commit(dns, offer=offer)
    await world.until_served("0", "1")
    assert await answer_rate(port) == {"0", "1"}


async def test_listen_changes_all_or_nothing(world, port):
    dns = world.define("dns", sockets=True, instances=2)
    await world.run(dns, listen=[("127.0.0.1", port)])
    await world.until_running("dns/0", "dns/1")
    new = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        occupied = taken.getsockname()[1]
        with pytest.raises(SocketError, match=rf"127.0.0.1@{occupied} \(UDP\): in use by process {os.getpid()} \("):
            await world.prepare(dns, listen=[("127.0.0.1", new), ("127.0.0.1", occupied)])
    await world.until_served("0", "1")
    assert Client(port).connect()["component"] == "dns"
    with pytest.raises(ConnectionRefusedError):
        Client(new).connect()
    offer = await world.prepare(dns, listen=[("127.0.0.1", new)])
    world.supervisor.equipment.discard(offer)
    await poll(lambda: refused(new))
    await world.run(dns, listen=[("127.0.0.1", new), ("127.0.0.2", new)])
    await world.until_served("0", "1")
    assert (await Client(new).ask())["component"] == "dns"
    assert (await Client(new, "127.0.0.2").ask())["component"] == "dns"
    await poll(lambda: refused(port))
    await world.until_running("sockcreator/0")
    assert len(world.get("sockcreator/0").run.definition.arguments) == 4


async def test_a_wildcard_and_an_address_follow_each_other(world, port):
    dns = world.define("dns", sockets=True)
    await world.run(dns, listen=[("0.0.0.0", port)])
    await world.until_running("dns/0")
    await world.run(dns, listen=[("127.0.0.1", port)])
    await world.until_served("0")
    assert (await Client(port).ask())["component"] == "dns"
    await world.run(dns, listen=[("0.0.0.0", port)])
    await world.until_served("0")
    assert (await Client(port, "127.0.0.3").ask())["component"] == "dns"


async def test_a_second_suite_is_refused_and_told_who_holds_the_address(world, port, tmp_path):
    await world.run(world.define("dns", sockets=True), listen=[("127.0.0.1", port)])
    await world.until_running("dns/0")
    (tmp_path / "second").mkdir()
    async with World(tmp_path / "second") as second:
        with pytest.raises(SocketError, match=rf"127.0.0.1@{port} \(UDP\): in use by process"):
            await second.run(second.define("dns", sockets=True), listen=[("127.0.0.1", port)])


async def test_more_sockets_than_one_packet_carries(world):
    first = free_port()
    listen = [(f"127.0.1.{number}", first) for number in range(1, 131)]  # 260 sockets
    await world.run(world.define("dns", sockets=True), listen=listen)
    await world.until_running("dns/0")
    await world.until_served("0")
    assert (await Client(first, "127.0.1.130").ask())["component"] == "dns"


async def test_the_socket_creator_is_restarted_and_makes_sockets_again(world, port):
    dns = world.define("dns", sockets=True)
    await world.run(dns, listen=[("127.0.0.1", port)])
    await world.until_running("dns/0", "sockcreator/0")
    for number in range(3):
        os.kill(world.pid("sockcreator/0"), signal.SIGKILL)
        listen = [("127.0.0.1", port), ("127.0.0.1", free_port())]
        await world.run(dns, listen=listen)
        await world.until_served("0")
        assert Client(listen[1][1]).connect()["component"] == "dns"
        await world.until_running("sockcreator/0")
        assert world.get("sockcreator/0").restarts > number


async def test_a_stopped_socket_creator_is_replaced(world, port):
    await world.run(world.define("dns", sockets=True), listen=[("127.0.0.1", port)])
    await world.until_running("dns/0", "sockcreator/0")
    world.get("sockcreator/0").definition = replace(world.get("sockcreator/0").definition, hang_timeout=1.5)
    pid = world.pid("sockcreator/0")
    os.kill(pid, signal.SIGSTOP)
    await poll(lambda: not alive(pid))
    await world.until_running("sockcreator/0")


async def test_nothing_leaks_through_deaths_and_changes(world, port):
    dns = world.define("dns", sockets=True, spare=True)
    listen = [("127.0.0.1", port)]

    async def settled():
        await world.until_running("dns/0", "dns/spare", "sockcreator/0")
        await world.until_served("0")

    await world.run(dns, listen=listen)
    await settled()
    held = open_descriptors()
    for _ in range(5):
        os.kill(world.pid("dns/0"), signal.SIGKILL)
        await world.until(lambda: world.get("dns/spare").state is not State.RUNNING)
        await settled()
        offer = await world.prepare(dns, listen=[("127.0.0.1", free_port())])
        world.supervisor.equipment.discard(offer)
        await world.run(dns, listen=[*listen, ("127.0.0.2", port)])
        await world.run(dns, listen=listen)
        await settled()
    await poll(lambda: open_descriptors() <= held)


async def test_renewal_replaces_every_process_without_a_pause(world, port):
    dns = world.define("dns", sockets=True, spare=True, instances=2)
    await world.run(dns, listen=[("127.0.0.1", port)])
    names = ("dns/0", "dns/1", "dns/spare")
    await world.until_running(*names)
    await world.until_served("0", "1")
    before = {world.pid(name) for name in names}
    world.commit(replace(dns, arguments=("newer",)))
    client = Client(port)

    def renewed():
        runs = [world.get(name).run for name in names]
        return all(run is not None and run.definition.arguments == ("newer",) for run in runs)

    asked = 0
    while not renewed():
        assert (await client.ask())["component"] == "dns"
        asked += 1
    await world.until_running(*names)
    assert before.isdisjoint({world.pid(name) for name in names})
    assert asked > 0


async def test_everything_stops_within_two_seconds_even_what_hangs(world, port):
    await world.run(
        world.define("dns", sockets=True, instances=2), world.define("deaf", "deaf"), listen=[("127.0.0.1", port)]
    )
    await world.until_running("dns/0", "dns/1", "deaf/0")
    pids = [one.run.pid for one in world.supervisor.roster if one.run]
    for pid in pids:  # sockcreator too
        os.kill(pid, signal.SIGSTOP)
    watch = Stopwatch()
    await asyncio.wait_for(world.supervisor.shut_down(), 60)
    took = watch.seconds()
    assert not any(alive(pid) for pid in pids)
    assert took < 2.0
    assert refused(port)


def refused(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return False
    except ConnectionResetError:  # closed at this very moment
        return False
    except ConnectionRefusedError:
        return True
