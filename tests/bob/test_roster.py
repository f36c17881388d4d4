"""Who is spawned, moved, renewed and stopped, and when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bob.component import Action
from bob.definition import BUILTIN, Definition
from bob.laggards import LAG_LIMIT
from bob.plan import make_plan
from bob.roster import STOP_LIMITS, Roster
from bob.states import Kind, State
from daemonkit.control import SPARE

AUTH = Definition(
    name="auth", program="auth", kind=Kind.NEEDED, needs=("cfgmgr",), instances=2, spare=True, sockets=True
)
CMDCTL = Definition(name="cmdctl", program="cmdctl", needs=("cfgmgr",), priority=-1)


class World:
    """A roster with processes that do what they are told."""

    def __init__(self):
        self.roster = Roster(lambda *_: None, chance=lambda: 0.5)
        self.now = 0.0
        self.pids = iter(range(100, 100000))
        self.orders = []

    def change(self, *definitions):
        new = {definition.name: definition for definition in (*BUILTIN, *definitions)}
        plan = make_plan(self.roster.definitions, new)
        self.orders += self.roster.apply(plan, new, self.now)

    def spawn(self):
        """Spawn all that can be; their names in order."""
        spawned = self.roster.spawnable()
        for instance in spawned:
            instance.spawned(self.now, next(self.pids))
        return [instance.name for instance in spawned]

    def get(self, name):
        component, number = name.split("/")
        return self.roster.components[component].instances[number]

    def ready(self, *names):
        for name in names:
            self.get(name).ready(self.now)

    def exit(self, name):
        return self.get(name).exited(self.now, "gone")

    def promote(self):
        from bob.component import promote

        pairs = self.roster.promotions()
        for spare, vacancy in pairs:
            promote(spare, vacancy, self.now)
        return [(spare.name, vacancy.name) for spare, vacancy in pairs]

    def renew(self):
        orders = self.roster.renewals(self.now)
        return [(instance.name, action) for instance, action in orders]


@pytest.fixture
def world():
    return World()


@pytest.fixture
def up(world):
    """Everything runs."""
    world.change(AUTH, CMDCTL)
    for _ in range(6):
        world.ready(*world.spawn())
    assert {instance.state for instance in world.roster} == {State.RUNNING}
    world.roster.came_up()
    return world


def test_the_start_follows_the_needs(world):
    world.change(AUTH, CMDCTL)
    assert world.spawn() == ["sockcreator/0", "msgq/0"]
    assert world.spawn() == []
    world.ready("sockcreator/0")
    assert world.spawn() == []
    world.ready("msgq/0")
    assert world.spawn() == ["cfgmgr/0"]
    world.ready("cfgmgr/0")
    assert world.spawn() == ["auth/0", "auth/1"]  # what is dispensable leaves them the processors
    world.ready("auth/0", "auth/1")
    assert world.spawn() == ["auth/spare", "cmdctl/0"]


def test_the_spare_starts_when_those_that_answer_are_up(world):
    world.change(AUTH)
    for _ in range(2):
        world.ready(*world.spawn())
    assert world.spawn() == ["auth/0", "auth/1"]
    world.ready("auth/0")
    assert world.spawn() == []
    world.ready("auth/1")
    assert world.spawn() == ["auth/spare"]


def test_the_spare_does_not_wait_for_an_instance_that_keeps_failing(world):
    world.change(AUTH)
    world.roster.came_up()
    for _ in range(2):
        world.ready(*world.spawn())
    assert world.spawn() == ["auth/0", "auth/1"]
    world.ready("auth/0")
    world.exit("auth/1")
    assert world.spawn() == ["auth/1", "auth/spare"]


def test_the_system_is_up_when_all_it_needs_runs(world):
    world.change(AUTH, CMDCTL)
    for _ in range(2):
        world.ready(*world.spawn())
    world.spawn()
    assert not world.roster.is_up()
    world.ready("auth/0")
    assert not world.roster.is_up()
    world.ready("auth/1")
    assert world.roster.is_up()


def test_a_failure_to_come_up_ends_the_system_only_while_it_starts(world):
    world.change(AUTH, CMDCTL)
    for _ in range(2):
        world.ready(*world.spawn())
    world.spawn()
    world.ready("auth/1")
    assert world.exit("auth/0") == [Action.FAIL_SYSTEM]


def test_the_failure_of_what_is_dispensable_never_ends_the_system(world):
    world.change(CMDCTL)
    for _ in range(2):
        world.ready(*world.spawn())
    world.spawn()
    assert world.exit("cmdctl/0") == []


def test_after_the_start_no_failure_ends_the_system(up):
    up.change(AUTH, CMDCTL, Definition(name="extra", program="x", kind=Kind.NEEDED))
    assert up.spawn() == ["extra/0"]
    assert up.exit("extra/0") == []


def test_the_spare_takes_the_place_of_the_dead_and_a_new_spare_starts(up):
    pid = up.get("auth/spare").run.pid
    up.exit("auth/1")
    assert up.promote() == [("auth/spare", "auth/1")]
    assert up.get("auth/1").run.pid == pid
    assert up.spawn() == ["auth/spare"]


def test_a_late_spare_takes_a_place_that_waits_for_its_next_attempt(up):
    up.exit("auth/1")
    up.promote()
    up.spawn()
    up.exit("auth/0")
    up.spawn()
    up.exit("auth/0")
    assert up.get("auth/0").state is State.BACKOFF
    assert up.promote() == []
    up.ready("auth/spare")
    assert up.promote() == [("auth/spare", "auth/0")]


def test_a_spare_takes_no_place_that_was_given_up_or_stopped(up):
    up.get("auth/0").stop(0.0)
    up.exit("auth/0")
    assert up.promote() == []


def test_what_needs_a_dead_component_waits_for_it(up):
    up.exit("cfgmgr/0")
    up.exit("cmdctl/0")
    assert up.roster.unmet(CMDCTL) == ["cfgmgr"]
    assert up.spawn() == ["cfgmgr/0"]
    up.ready("cfgmgr/0")
    assert up.spawn() == ["cmdctl/0"]


def test_more_instances_are_added_and_fewer_are_retired(up):
    up.change(replace(AUTH, instances=3), CMDCTL)
    assert up.spawn() == ["auth/2"]
    up.ready("auth/2")
    up.change(replace(AUTH, instances=1), CMDCTL)
    assert [(instance.name, action) for instance, action in up.orders] == [
        ("auth/1", Action.SEND_STOP),
        ("auth/2", Action.SEND_STOP),
    ]
    assert list(up.roster.components["auth"].instances) == ["0", SPARE]
    for instance in tuple(up.roster.retiring):
        instance.exited(0.0, "gone")
    assert len(up.roster.bury()) == 2
    assert up.roster.retiring == []


def test_what_is_new_waits_until_what_it_may_replace_has_gone(up):
    up.change(AUTH, Definition(name="door", program="x"))
    assert up.spawn() == []
    up.roster.retiring[0].exited(0.0, "gone")
    up.roster.bury()
    assert up.spawn() == ["door/0"]


def test_a_disabled_component_stops_and_comes_back(up):
    up.change(AUTH, replace(CMDCTL, enabled=False))
    assert up.orders[-1][1] is Action.SEND_STOP
    up.roster.retiring[0].exited(0.0, "gone")
    up.roster.bury()
    assert not list(up.roster.components["cmdctl"].instances)
    up.change(AUTH, CMDCTL)
    assert up.spawn() == ["cmdctl/0"]


def test_a_removed_component_is_forgotten(up):
    up.change(AUTH)
    assert "cmdctl" not in up.roster.components


def test_a_component_the_operator_stopped_stays_stopped_when_it_grows(up):
    for instance in up.roster.components["cmdctl"].instances.values():
        instance.stop(0.0)
    up.exit("cmdctl/0")
    up.change(AUTH, replace(CMDCTL, instances=2))
    assert up.spawn() == []


def test_renewal_goes_one_by_one_and_the_spare_goes_first(up):
    up.change(replace(AUTH, arguments=("-x",)), CMDCTL)
    order = []
    for _ in range(20):
        restarted = up.renew()
        order += [name for name, _ in restarted]
        if not restarted:
            break
        assert len(restarted) == 1
        name = restarted[0][0]
        assert up.renew() == []  # nothing else while one is away
        up.exit(name)
        for _, vacancy in up.promote():
            assert vacancy == name
        up.ready(*up.spawn())
    assert order == ["auth/spare", "auth/0", "auth/1"]
    arguments = {instance.run.definition.arguments for instance in up.roster.components["auth"].instances.values()}
    assert arguments == {("-x",)}


def test_renewal_stops_when_the_new_process_does_not_come_up(up):
    up.change(replace(AUTH, arguments=("--wrong",)), CMDCTL)
    assert up.renew() == [("auth/spare", Action.SEND_STOP)]
    up.exit("auth/spare")
    for _ in range(3):
        up.now = up.get("auth/spare").deadline() or up.now
        up.roster.tick(up.now)
        up.spawn()
        up.exit("auth/spare")
        assert up.renew() == []
    assert up.get("auth/0").state is up.get("auth/1").state is State.RUNNING


def test_renewal_of_the_only_instance_is_a_restart(up):
    up.change(AUTH, replace(CMDCTL, nice=1))
    assert up.renew() == [("cmdctl/0", Action.SEND_STOP)]


def test_the_frame_is_renewed_alike(up):
    up.change(AUTH, CMDCTL)
    up.roster.components["sockcreator"].definition = replace(BUILTIN[0], arguments=("udp/127.0.0.1@53",))
    up.roster.renew(up.roster.components["sockcreator"], 0.0)
    assert up.renew() == [("sockcreator/0", Action.SEND_STOP)]


def test_the_stop_ends_daemons_then_cfgmgr_then_the_rest(up):
    def step():
        orders = up.roster.stop_next(0.0)
        return None if orders is None else sorted(instance.name for instance, _ in orders)

    assert step() == ["auth/0", "auth/1", "auth/spare", "cmdctl/0"]
    assert step() == []
    for name in ("auth/0", "auth/1", "auth/spare"):
        up.exit(name)
    assert step() == []
    up.exit("cmdctl/0")
    assert step() == ["cfgmgr/0"]
    assert step() == []
    up.exit("cfgmgr/0")
    assert step() == ["msgq/0", "sockcreator/0"]
    up.exit("msgq/0")
    up.exit("sockcreator/0")
    assert step() is None


def test_the_stop_gives_up_what_waits_for_an_attempt(up):
    up.exit("cmdctl/0")
    up.spawn()
    up.exit("cmdctl/0")
    assert up.get("cmdctl/0").state is State.BACKOFF
    up.roster.stop_next(0.0)
    assert up.get("cmdctl/0").state is State.STOPPED
    assert up.spawn() == []


def test_the_stop_does_not_wait_for_those_that_are_down_already(up):
    for name in ("auth/0", "auth/1", "auth/spare", "cmdctl/0"):
        up.get(name).stop(0.0)
        up.exit(name)
    assert [instance.name for instance, _ in up.roster.stop_next(0.0)] == ["cfgmgr/0"]
    assert up.spawn() == []


def test_a_process_is_found_by_its_number(up):
    instance = up.get("auth/1")
    assert up.roster.of_process(instance.run.pid) is instance
    assert up.roster.of_process(1) is None


def test_whatever_hangs_the_stop_keeps_its_time(up):
    ended = {}
    while (orders := up.roster.stop_next(up.now)) is not None:
        orders += up.roster.tick(up.now)
        for instance, action in orders:
            if action is Action.KILL:  # nothing else is heard
                instance.exited(up.now, "killed by SIGKILL")
                ended[instance.definition.name] = up.now
        if not orders:
            up.now = up.roster.deadline()
    daemons, cfgmgr, frame = STOP_LIMITS
    assert ended == {
        "auth": daemons,
        "cmdctl": daemons,
        "cfgmgr": cfgmgr,
        "msgq": frame,
        "sockcreator": frame,
    }
    assert frame < 2.0


def beat(world, revision, *names):
    for name in names:
        world.get(name).beat(world.now, revision, "")


def late(world):
    return [instance.name for instance in world.roster.late(world.now)]


@pytest.fixture
def behind(up):
    """auth/1 has not come to revision 5, committed at 100 s."""
    up.now = 100.0
    beat(up, 5, "auth/0", "auth/spare", "cmdctl/0")
    beat(up, 4, "auth/1")
    beat(up, 0, "msgq/0", "cfgmgr/0")
    up.roster.committed(5, up.now)
    return up


def test_who_stays_behind_the_committed_revision_is_restarted_in_its_turn(behind):
    assert behind.roster.deadline() <= 100.0 + LAG_LIMIT
    behind.now = 100.0 + LAG_LIMIT - 0.1
    assert late(behind) == []
    behind.now = 100.0 + LAG_LIMIT
    assert late(behind) == ["auth/1"]
    assert late(behind) == []
    assert behind.renew() == [("auth/1", Action.SEND_STOP)]
    behind.exit("auth/1")
    assert behind.promote() == [("auth/spare", "auth/1")]
    assert behind.get("auth/1").restarts == 1
    assert behind.get("auth/1").remark == "gone (stays on configuration revision 4)"
    assert not behind.get("auth/1").failures


def test_who_comes_to_the_revision_in_time_is_left_alone(behind):
    behind.now += LAG_LIMIT - 1
    beat(behind, 5, "auth/1")
    behind.now += 100
    assert late(behind) == []


def test_who_comes_to_the_revision_before_its_turn_is_left_alone(behind):
    behind.exit("cmdctl/0")
    behind.exit("auth/0")
    behind.now += LAG_LIMIT
    assert late(behind) == ["auth/1"]
    assert behind.renew() == []  # its fellow is away
    beat(behind, 5, "auth/1")
    behind.ready(*behind.spawn())
    assert behind.renew() == []


def test_a_process_that_started_late_has_its_time_too(behind):
    behind.now += LAG_LIMIT - 1
    behind.exit("cmdctl/0")
    behind.spawn()
    behind.ready("cmdctl/0")
    beat(behind, 4, "cmdctl/0")
    beat(behind, 5, "auth/1")
    behind.now += LAG_LIMIT - 1
    assert late(behind) == []
    behind.now += 1
    assert late(behind) == ["cmdctl/0"]


def test_who_is_ahead_of_us_is_not_judged(behind):
    beat(behind, 6, "auth/0", "auth/1", "auth/spare", "cmdctl/0")
    behind.now += 10 * LAG_LIMIT
    assert late(behind) == []


def test_who_comes_back_on_the_old_revision_is_not_restarted_without_end(behind):
    behind.now += LAG_LIMIT
    late(behind)
    behind.renew()
    behind.exit("auth/1")
    behind.ready(*behind.spawn())
    beat(behind, 4, "auth/1")
    behind.now += 10 * LAG_LIMIT
    assert late(behind) == []
    behind.roster.committed(6, behind.now)
    beat(behind, 6, "auth/0", "auth/spare", "cmdctl/0")
    behind.now += LAG_LIMIT
    assert late(behind) == ["auth/1"]


def test_our_own_pause_makes_nobody_late(behind):
    behind.now += 60.0
    behind.roster.forgive(60.0)
    beat(behind, 4, "auth/1")
    assert late(behind) == []


def test_a_roll_out_that_is_stuck_tells_by_whom(up):
    up.change(replace(AUTH, arguments=("new",)), CMDCTL)
    assert up.renew() == [("auth/spare", Action.SEND_STOP)]
    up.exit("auth/spare")
    assert up.roster.hindrances(up.get("auth/0")) == []  # on its way
    up.spawn()
    up.exit("auth/spare")
    up.spawn()
    assert up.renew() == []
    for name in ("auth/0", "auth/1"):
        assert up.roster.hindrances(up.get(name)) == ["auth/spare, which fails: gone"]
    assert up.roster.hindrances(up.get("cmdctl/0")) == []


def test_only_instances_that_will_serve_are_equipped(up):
    definitions = up.roster.definitions
    assert up.roster.to_equip(definitions, up.now) == ["0", "1"]
    up.get("auth/1").stop(up.now)
    assert up.roster.to_equip(definitions, up.now) == ["0"]
    assert up.roster.to_equip(definitions | {"auth": replace(AUTH, instances=3)}, up.now) == ["0", "2"]
    up.get("auth/0").stop(up.now)
    assert up.roster.to_equip(definitions, up.now) == ["0", "1"]  # whether it could be done
    assert up.roster.to_equip({}, up.now) == []
