"""bob on the bus: status, orders, its part in commits. The supervisor and its processes are real, the bus is not."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from dataclasses import replace

import pytest
import pytest_asyncio

from bob import api
from bob.daemon import BobContext, BobDaemon
from bob.definition import SOCKCREATOR, built_in
from bob.states import State
from daemonkit import api as protocol
from daemonkit.counters import Counters
from daemonkit.log import MessageLog
from daemonkit.membership import Membership
from daemonkit.spec import Spec
from msgq.errors import Refused
from tests.bob.world import Client, World
from tests.kit.bus import FakeBus
from tests.kit.ports import free_port

pytestmark = pytest.mark.asyncio


class Bus:
    """bob as a member of a bus in memory, with a cfgmgr that hands out one configuration."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.bus = FakeBus()
        self.port = free_port()
        spec = Spec.load("bob")
        self.context = BobContext(
            component="bob",
            instance="0",
            directories=world.directories,
            arguments=(),
            spec=spec,
            log=MessageLog("bob", {**Spec.load("daemonkit").messages, **spec.messages}),
            counters=Counters(()),
            session=self.bus.session("bob/0"),
        )
        self.daemon = BobDaemon(self.context, world.supervisor, ["--seed", "/nowhere"])
        self.daemon._ours = {}
        self.membership = Membership(self.daemon, self.context)
        self.client = self.bus.session("cmdctl/0")
        self.cfgmgr = self.bus.session("cfgmgr/0")
        self.revision = 1
        self.configured = self.components(child={})

    def components(self, **changes):
        brought = {"program": str(self.world.program)}
        return {"components": {name: brought | values for name, values in changes.items()}, "listen": self.listen()}

    def listen(self):
        return [f"127.0.0.1@{self.port}"]

    def effective(self):
        return Spec.load("bob").effective(self.configured, str)

    async def start(self):
        async def handler(call):
            if call.command == "get":
                return protocol.Configuration(self.revision, self.effective())
            raise Refused("not-found", call.command)

        self.cfgmgr.set_command_handler(handler)
        await self.cfgmgr.start()
        await self.client.start()
        await self.membership.join()
        self.daemon.on_bus = True
        await self.membership.configure()

    async def prepare(self, revision, **configured):
        self.configured.update(configured)
        return await self.cfgmgr.call(protocol.Prepare(revision, self.membership.revision, self.effective()), to="bob")

    async def commit(self, revision):
        await self.cfgmgr.call(protocol.Commit(revision), to="bob")

    async def status(self):
        return await self.client.call(api.Status())

    async def rows(self):
        return {f"{row.component}/{row.instance}": row for row in (await self.status()).components}

    async def close(self):
        self.daemon.on_bus = False
        await self.context.close()
        await self.bus.close()


@pytest_asyncio.fixture
async def bus(tmp_path, monkeypatch):
    async with World(tmp_path) as world:
        made = Bus(world)
        monkeypatch.setattr("bob.daemon.built_in", made_frame(world))
        world.supervisor.change(made_frame(world)((), ()))
        await made.start()
        try:
            yield made
        finally:
            await made.close()


def made_frame(world: World):
    """The built-in components, with children of the tests in place of msgq and cfgmgr."""

    def frame(places, arguments):
        program = str(world.program)
        return {
            name: one if name == SOCKCREATOR else replace(one, program=program, foreign=True, arguments=())
            for name, one in built_in(places, arguments).items()
        }

    return frame


async def test_status_tells_of_every_process(bus):
    await bus.world.until_running("child/0", "msgq/0", "cfgmgr/0", "sockcreator/0")
    status = await bus.status()
    assert (status.pid, status.state, status.revision) == (os.getpid(), "starting", 1)
    assert status.listen == (f"127.0.0.1@{bus.port}",)
    rows = await bus.rows()
    assert set(rows) == {"sockcreator/0", "msgq/0", "cfgmgr/0", "child/0"}
    row = rows["child/0"]
    assert (row.state, row.kind, row.restarts, row.revision) == ("running", "dispensable", 0, 7)
    assert row.pid == bus.world.pid("child/0")
    assert abs(row.since - status.started) < 60


async def test_components_are_started_stopped_and_restarted(bus):
    world = bus.world
    await world.until_running("child/0")
    await bus.client.call(api.Stop("child"))
    await world.until(lambda: world.get("child/0").state is State.STOPPED)
    assert (await bus.rows())["child/0"].pid is None
    await bus.client.call(api.Start("child/0"))
    await world.until_running("child/0")
    for order in (api.Restart("child"), api.Restart("child/0")):
        pid = world.pid("child/0")
        await bus.client.call(order)
        await world.until(lambda pid=pid: world.get("child/0").run is not None and world.pid("child/0") != pid)
        await world.until_running("child/0")
    assert not world.get("child/0").failures


async def test_restart_of_a_stopped_component_starts_it(bus):
    world = bus.world
    await world.until_running("child/0")
    await bus.client.call(api.Stop("child"))
    await world.until(lambda: world.get("child/0").state is State.STOPPED)
    await bus.client.call(api.Restart("child"))
    await world.until_running("child/0")


async def test_clear_gives_a_failing_component_its_next_chance_at_once(bus):
    world = bus.world
    await bus.prepare(2, **bus.components(child={"arguments": ["die"]}))
    await bus.commit(2)
    await world.until(lambda: world.get("child/0").state is State.BACKOFF and len(world.get("child/0").failures) >= 3)
    assert (await bus.rows())["child/0"].next_attempt is not None
    await bus.client.call(api.Clear("child"))
    assert len(world.get("child/0").failures) == 0


@pytest.mark.parametrize(
    ("order", "code", "text"),
    [
        (api.Start("nobody"), "not-found", "there is no component nobody"),
        (api.Stop("child/7"), "not-found", "child has no instance '7', but 0"),
        (api.Stop("msgq"), "refused", "msgq is part of the frame"),
    ],
)
async def test_orders_that_cannot_be_are_refused(bus, order, code, text):
    with pytest.raises(Refused, match=text) as caught:
        await bus.client.call(order)
    assert caught.value.code == code


async def test_the_door_is_not_stopped_from_inside(bus):
    brought = {"program": str(bus.world.program)}
    await bus.prepare(2, components={"cmdctl": brought})
    await bus.commit(2)
    await bus.world.until_running("cmdctl/0")
    for target in ("cmdctl", "cmdctl/0"):
        with pytest.raises(Refused, match="restart it instead"):
            await bus.client.call(api.Stop(target))
    assert (await bus.rows())["cmdctl/0"].state == "running"
    await bus.client.call(api.Restart("cmdctl"))


async def test_a_disabled_component_cannot_be_started_by_hand(bus):
    await bus.prepare(2, **bus.components(child={"enabled": False}))
    await bus.commit(2)
    assert (await bus.status()).disabled == ("child",)
    with pytest.raises(Refused, match=r"child is disabled: set components\.child\.enabled"):
        await bus.client.call(api.Start("child"))


async def test_changes_of_state_are_published(bus):
    heard = []

    async def hear(event):
        heard.append(event.decode(api.ComponentChanged))

    bus.client.subscribe("components", hear)
    await bus.world.until_running("child/0")
    os.kill(bus.world.pid("child/0"), signal.SIGKILL)
    await bus.world.until(lambda: bus.world.get("child/0").restarts == 1)
    await bus.world.until_running("child/0")
    async with asyncio.timeout(60):
        while not any(one.component == "child" and one.reason == "killed by SIGKILL" for one in heard):
            await asyncio.sleep(0.01)


async def test_shutdown_is_answered_and_then_wanted(bus):
    await bus.client.call(api.Shutdown())
    assert bus.daemon.shutdown_wanted.is_set()


async def test_components_are_added_changed_and_removed_by_commits(bus):
    world = bus.world
    await world.until_running("child/0")
    await bus.prepare(2, **bus.components(child={}, more={"instances": 2}))
    assert "more" not in world.supervisor.roster.components  # nothing visible before the commit
    await bus.commit(2)
    await world.until_running("more/0", "more/1")
    assert (await bus.status()).revision == 2
    pid = world.pid("child/0")
    await bus.prepare(3, **bus.components(child={"arguments": ["other"], "nice": 1}))
    await bus.commit(3)
    await world.until(lambda: world.get("child/0").run is not None and world.pid("child/0") != pid)
    await world.until_running("child/0")
    assert "more" not in world.supervisor.roster.components
    assert os.getpriority(os.PRIO_PROCESS, world.pid("child/0")) == 1


async def test_an_aborted_revision_leaves_everything_as_it_was(bus):
    pid = bus.world.pid("child/0") if bus.world.get("child/0").run else None
    await bus.prepare(2, **bus.components(child={"arguments": ["other"]}))
    await bus.cfgmgr.call(protocol.Abort(2), to="bob")
    assert bus.daemon.revision == 1
    assert (bus.world.pid("child/0") if pid else None) == pid


async def test_what_cannot_be_prepared_is_refused_with_path_and_reason(bus):
    with pytest.raises(Refused, match=r"components\.other\.program: /no/such/program is no program"):
        await bus.prepare(2, components={"other": {"program": "/no/such/program"}})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        place = f"127.0.0.1@{taken.getsockname()[1]}"
        spec = bus.world.directory / "dns.yaml"
        spec.write_text("module: dns\ntitle: DNS\ncomponent: {kind: needed, sockets: true}\n")
        dns = {"dns": {"program": str(bus.world.program), "spec": str(spec)}}
        with pytest.raises(Refused, match=rf"listen: {place} \(UDP\): in use by process {os.getpid()}"):
            await bus.prepare(2, components=dns, listen=[place])
    assert bus.daemon.revision == 1


async def test_listen_is_served_after_the_commit_by_a_component_that_is_not_ours(bus):
    spec = bus.world.directory / "dns.yaml"
    spec.write_text("module: dns\ntitle: DNS\ncomponent: {kind: needed, sockets: true, spare: true}\n")
    await bus.prepare(2, components={"dns": {"program": str(bus.world.program), "spec": str(spec)}})
    await bus.commit(2)
    await bus.world.until_running("dns/0", "dns/spare")
    await bus.world.until_served("0")
    assert (await Client(bus.port).ask())["component"] == "dns"
    assert (await bus.rows())["dns/0"].descriptors == 2


async def dns(bus, **values):
    """Add a component that serves the sockets."""
    spec = bus.world.directory / "dns.yaml"
    spec.write_text("module: dns\ntitle: DNS\ncomponent: {kind: needed, sockets: true}\n")
    await bus.prepare(2, components={"dns": {"program": str(bus.world.program), "spec": str(spec)} | values})
    await bus.commit(2)


async def test_a_suite_whose_answering_instances_are_stopped_says_so(bus):
    assert not (await bus.status()).answering
    await dns(bus, instances=2)
    await bus.world.until_running("dns/0", "dns/1")
    await bus.client.call(api.Stop("dns/0"))
    assert (await bus.status()).answering
    await bus.client.call(api.Stop("dns"))
    assert not (await bus.status()).answering
