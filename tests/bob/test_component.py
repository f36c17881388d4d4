"""The life of one instance, driven by a clock of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bob import component
from bob.component import Action, Instance, RestartPolicy, promote
from bob.definition import GIVE_UP_AFTER, Definition
from bob.states import ALIVE, Kind, State
from daemonkit.option_trees import MapOption, SetOption
from daemonkit.options import IntegerOption
from daemonkit.spec import Spec

HANG = 3.0


def make(kind=Kind.DISPENSABLE, *, builtin=False, vital=False, chance=0.5):
    definition = Definition(name="auth", program="auth", kind=kind, builtin=builtin, hang_timeout=HANG)
    instance = Instance(definition, "0", chance=lambda: chance)
    instance.vital = vital
    instance.start(0.0)
    return instance


def running(now=0.0, **how):
    instance = make(**how)
    instance.spawned(now, 100)
    instance.ready(now)
    return instance


def state_of(instance) -> State:
    """The state, read anew (a type checker would believe that it stays what it was compared with)."""
    return State(instance.state)


def fail(instance, now, pid=100):
    """One short life; the time of its end."""
    instance.spawned(now, pid)
    return instance.exited(now + 0.1, "exit status 1")


def test_a_wanted_instance_waits_starts_and_runs():
    instance = make()
    assert state_of(instance) is State.WAITING
    instance.spawned(1.0, 100)
    assert state_of(instance) is State.STARTING
    instance.ready(2.0)
    assert state_of(instance) is State.RUNNING
    assert instance.since == 2.0
    assert instance.restarts == 0


def beating(now=0.0):
    instance = running(now)
    instance.beat(now, 1, "")
    return instance


def test_a_silent_instance_is_covered_then_killed():
    instance = beating(10.0)
    assert instance.deadline() == 10.0 + component.SUSPECT_AFTER
    assert instance.tick(10.0 + component.SUSPECT_AFTER) == [Action.COVER]
    assert instance.deadline() == 10.0 + HANG
    assert instance.tick(11.0) == []
    assert instance.tick(10.0 + HANG) == [Action.KILL]


def test_an_instance_that_is_heard_again_is_uncovered_once():
    instance = beating(10.0)
    instance.tick(11.0)
    assert instance.beat(11.5, 1, "") == [Action.UNCOVER]
    assert instance.beat(11.6, 1, "") == []
    assert instance.deadline() == 11.6 + component.SUSPECT_AFTER


def test_an_instance_silent_past_the_limit_is_killed_without_a_stand_in():
    assert beating(10.0).tick(10.0 + HANG) == [Action.KILL]


def test_a_starting_instance_is_not_covered():
    instance = make()
    instance.spawned(0.0, 100)
    instance.beat(1.0, 0, "loading")
    assert instance.tick(1.0 + component.SUSPECT_AFTER) == []


def test_the_first_failure_is_followed_by_an_attempt_at_once():
    instance = running()
    assert instance.exited(5.0, "killed by SIGKILL") == []
    assert state_of(instance) is State.WAITING
    assert instance.last_exit == "killed by SIGKILL"


def test_exit_status_0_unasked_is_a_failure_too():
    instance = running()
    instance.exited(1.0, "exit status 0")
    assert len(instance.failures) == 1


def test_attempts_come_later_and_later_up_to_a_bound():
    policy = RestartPolicy(jitter=0.0)
    delays = [policy.delay(failures, 0.0) for failures in range(1, 12)]
    assert delays == [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0, 10.0]


@given(st.integers(1, 10**6), st.floats(0, 1, exclude_max=True))
def test_jitter_stays_within_its_share(failures, chance):
    policy = RestartPolicy()
    base = RestartPolicy(jitter=0.0).delay(failures, 0.0)
    assert base * 0.8 - 1e-9 <= policy.delay(failures, chance) <= base * 1.2 + 1e-9


def test_backoff_ends_when_its_time_has_come():
    instance = make()
    fail(instance, 0.0)
    fail(instance, 0.2)
    assert state_of(instance) is State.BACKOFF
    due = instance.deadline()
    assert due == pytest.approx(0.3 + 0.25)
    instance.tick(due - 0.01)
    assert state_of(instance) is State.BACKOFF
    instance.tick(due)
    assert state_of(instance) is State.WAITING


def test_a_stable_run_forgets_earlier_failures():
    instance = make()
    fail(instance, 0.0)
    fail(instance, 0.2)
    instance.tick(1.0)
    instance.spawned(1.0, 100)
    instance.ready(2.0)
    instance.exited(2.0 + instance.policy.stable_after, "exit status 1")
    assert state_of(instance) is State.WAITING
    assert len(instance.failures) == 1


def test_an_instance_that_always_fails_is_given_up():
    instance = make()
    now = 0.0
    for _ in range(instance.definition.give_up_after):
        assert state_of(instance) is State.WAITING
        assert fail(instance, now) == []
        now = instance.deadline() or now + 0.1
        instance.tick(now)
    assert state_of(instance) is State.GIVEN_UP
    assert instance.deadline() is None
    instance.start(now)
    assert state_of(instance) is State.WAITING
    assert not instance.failures


def test_what_always_dies_at_once_is_given_up_whatever_number_is_configured():
    """With the longest delays that chance can make, and none between its start and its end."""
    components = Spec.load("bob").roots["components"]
    assert isinstance(components, SetOption)
    assert isinstance(components.item, MapOption)
    option = components.item.options["give_up_after"]
    assert isinstance(option, IntegerOption)
    assert option.maximum is not None
    highest = int(option.maximum)
    instance = make(chance=1.0)
    instance.definition = replace(instance.definition, give_up_after=highest)
    now = 0.0
    for _ in range(highest):
        assert state_of(instance) is State.WAITING
        fail(instance, now)
        now = instance.deadline() or now + 0.1
        instance.tick(now)
    assert state_of(instance) is State.GIVEN_UP


def test_failures_outside_the_window_do_not_count():
    instance = make()
    policy = replace(instance.policy, window=10.0)
    instance.policy = policy
    now = 0.0
    for _ in range(GIVE_UP_AFTER + 5):
        fail(instance, now)
        now += 11.0
        instance.tick(now)
    assert state_of(instance) is State.WAITING


def test_what_the_frame_consists_of_is_never_given_up():
    instance = running(kind=Kind.CORE, builtin=True)
    now = 0.0
    instance.exited(now, "killed by SIGKILL")
    for _ in range(30):
        assert fail(instance, now) == []
        now = (instance.deadline() or now) + 0.1
        instance.tick(now)
    assert state_of(instance) is State.WAITING
    fail(instance, now)
    assert instance.due - now == pytest.approx(instance.policy.retry_exhausted, abs=1)


def test_what_is_needed_and_given_up_is_tried_again_now_and_then():
    instance, now = make(kind=Kind.NEEDED), 0.0
    while state_of(instance) is not State.GIVEN_UP:
        fail(instance, now)
        now = max(now, instance.deadline() or now)
        if state_of(instance) is not State.GIVEN_UP:
            instance.tick(now)
    for _ in range(20):  # also when the failures that led here have left the window
        now = instance.deadline()
        assert instance.next_attempt == now
        instance.tick(now - 0.01)
        assert state_of(instance) is State.GIVEN_UP
        instance.tick(now)
        assert state_of(instance) is State.WAITING
        instance.spawned(now, 100)
        now += 25.0
        assert instance.exited(now, "exit status 1") == []
        assert state_of(instance) is State.GIVEN_UP
        assert instance.deadline() == now + instance.policy.retry_exhausted
    instance.tick(instance.deadline())
    instance.spawned(now, 100)
    instance.ready(now)
    instance.exited(now + instance.policy.stable_after, "exit status 1")
    assert state_of(instance) is State.WAITING
    assert len(instance.failures) == 1


@pytest.mark.parametrize("end", [lambda one: one.stop(1.0), lambda one: one.restart(1.0)])
def test_a_planned_end_is_no_remark_of_the_next_process_and_no_restart(end):
    instance = running()
    end(instance)
    instance.exited(1.5, "exit status 0")
    assert instance.remark == "exit status 0 (told to stop)" or state_of(instance) is State.WAITING
    instance.start(2.0)
    instance.spawned(2.0, 101)
    assert (instance.remark, instance.restarts) == ("", 0)
    instance.exited(3.0, "killed by SIGSEGV")
    instance.spawned(3.0, 102)
    assert (instance.remark, instance.restarts) == ("killed by SIGSEGV", 1)


def test_a_spare_that_takes_the_place_of_a_renewed_process_is_no_restart():
    slot, spare = running(), make()
    spare.spawned(0.0, 200)
    spare.ready(0.0)
    slot.restart(1.0, "to be renewed")
    slot.exited(1.1, "exit status 0")
    promote(spare, slot, 1.1)
    spare.spawned(1.2, 201)
    assert [(one.remark, one.restarts) for one in (slot, spare)] == [("", 0), ("", 0)]


@pytest.mark.parametrize("kind", [Kind.CORE, Kind.NEEDED])
@pytest.mark.parametrize("builtin", [True, False])
def test_what_is_needed_and_does_not_come_up_with_the_system_ends_it(kind, builtin):
    instance = make(kind=kind, builtin=builtin, vital=True)
    assert fail(instance, 0.0) == [Action.FAIL_SYSTEM]


def test_what_is_dispensable_never_ends_the_system():
    instance = make(vital=True)
    assert fail(instance, 0.0) == []
    assert state_of(instance) is State.WAITING


def test_what_is_needed_and_came_up_once_is_restarted():
    instance = running(kind=Kind.NEEDED, vital=True)
    assert instance.exited(1.0, "exit status 1") == []
    assert state_of(instance) is State.WAITING


def test_what_is_needed_and_was_added_later_does_not_end_the_system():
    assert fail(make(kind=Kind.NEEDED), 0.0) == []


def test_the_loss_of_a_core_component_of_the_operator_ends_the_system():
    assert running(kind=Kind.CORE).exited(99.0, "exit status 0") == [Action.FAIL_SYSTEM]


def test_a_process_that_could_not_be_made_is_a_failure():
    instance = make()
    instance.not_spawned(0.0, "no memory")
    assert instance.last_exit == "no memory"
    assert len(instance.failures) == 1


def test_a_process_without_heart_beats_is_killed_and_this_counts():
    instance = running(now=10.0)
    instance.beat(11.0, 7, "")
    assert instance.run.revision == 7
    instance.tick(11.0 + component.SUSPECT_AFTER)
    assert instance.deadline() == 11.0 + HANG
    assert instance.tick(11.0 + HANG - 0.01) == []
    assert instance.tick(11.0 + HANG) == [Action.KILL]
    assert state_of(instance) is State.STOPPING
    assert instance.exited(15.0, "killed by SIGKILL") == []
    assert instance.last_exit == "killed by SIGKILL (hung: no heart-beat for 3.0 s)"
    assert state_of(instance) is State.WAITING
    assert len(instance.failures) == 1


def test_no_sign_of_life_after_the_start_is_a_hang_too():
    instance = make()
    instance.spawned(0.0, 100)
    assert instance.tick(component.FIRST_BEAT_TIMEOUT - 1) == []
    assert instance.tick(component.FIRST_BEAT_TIMEOUT) == [Action.KILL]


def test_until_it_is_ready_a_busy_machine_may_silence_it_for_longer():
    instance = make()
    instance.spawned(0.0, 100)
    instance.beat(1.0, 0, "")
    assert instance.tick(1.0 + component.FIRST_BEAT_TIMEOUT - 0.01) == []
    assert instance.tick(1.0 + component.FIRST_BEAT_TIMEOUT) == [Action.KILL]
    assert "no heart-beat for 20.0 s" in instance.run.cause


def test_a_start_may_take_long_as_long_as_it_tells_of_progress():
    instance = make()
    instance.spawned(0.0, 100)
    now = 0.0
    for step in range(300):
        now = float(step)
        instance.beat(now, 0, f"zone {step}")
        assert instance.tick(now) == []
    while instance.tick(now) == []:
        instance.beat(now, 0, "zone 299")
        now += 1.0
    assert now == pytest.approx(299 + component.PROGRESS_TIMEOUT)
    assert "zone 299" in instance.run.cause


def test_our_own_pause_is_forgiven():
    instance = running(now=0.0)
    instance.beat(1.0, 0, "")
    instance.forgive(60.0)
    assert instance.tick(61.0) == []
    assert instance.tick(61.0 + HANG) == [Action.KILL]


def test_stop_is_escalated_step_by_step():
    instance = running()
    assert instance.stop(10.0) == [Action.SEND_STOP]
    assert state_of(instance) is State.STOPPING
    assert instance.stop(10.1) == []
    now = instance.deadline()
    assert now == 10.0 + component.STOP_TIMEOUT
    assert instance.tick(now) == [Action.TERMINATE]
    now = instance.deadline()
    assert instance.tick(now) == [Action.KILL]
    assert instance.deadline() is None
    assert instance.exited(now, "killed by SIGKILL") == []
    assert state_of(instance) is State.STOPPED


def test_stop_within_the_two_seconds_of_a_clean_end():
    assert component.STOP_TIMEOUT + component.TERMINATE_TIMEOUT < 2.0


def test_a_restart_is_no_failure():
    instance = running()
    assert instance.restart(1.0) == [Action.SEND_STOP]
    instance.exited(1.5, "exit status 0")
    assert state_of(instance) is State.WAITING
    assert not instance.failures


def test_start_of_a_stopping_instance_brings_it_back():
    instance = running()
    instance.stop(1.0)
    instance.start(1.1)
    assert state_of(instance) is State.STOPPING
    instance.exited(1.5, "exit status 0")
    assert state_of(instance) is State.WAITING


def test_stop_of_an_instance_in_backoff_cancels_the_attempt():
    instance = make()
    fail(instance, 0.0)
    fail(instance, 0.2)
    assert instance.stop(0.4) == []
    assert state_of(instance) is State.STOPPED
    assert instance.deadline() is None


def test_what_a_process_says_of_its_end_is_kept():
    instance = running()
    instance.announce("the disk is full")
    instance.exited(1.0, "exit status 75 (temporary)")
    assert instance.last_exit == "exit status 75 (temporary) (the disk is full)"


def test_ready_from_a_process_that_is_stopping_changes_nothing():
    instance = make()
    instance.spawned(0.0, 100)
    instance.stop(0.1)
    instance.ready(0.2)
    assert state_of(instance) is State.STOPPING


def test_a_spare_takes_a_vacant_place():
    slot, spare = running(), make()
    spare.number = "spare"
    spare.spawned(0.0, 200)
    spare.ready(0.0)
    slot.exited(50.0, "killed by SIGSEGV")
    run = promote(spare, slot, 50.0)
    assert slot.run is run
    assert run.pid == 200
    assert (slot.state, spare.state) == (State.RUNNING, State.WAITING)
    assert spare.run is None
    assert slot.restarts == 1


def test_a_promoted_spare_that_dies_at_once_counts_although_it_is_old():
    slot, spare = running(), make()
    spare.spawned(0.0, 200)
    spare.ready(0.0)
    slot.exited(50.0, "x")
    promote(spare, slot, 50.0)
    slot.exited(50.1, "x")
    assert len(slot.failures) == 2
    assert slot.state is State.BACKOFF


class Observed:
    def __init__(self):
        self.moves = []

    def __call__(self, instance, old, new):
        self.moves.append((old, new))


ALLOWED = {
    (State.STOPPED, State.WAITING),
    (State.WAITING, State.STARTING),
    (State.WAITING, State.STOPPED),
    (State.WAITING, State.BACKOFF),
    (State.WAITING, State.GIVEN_UP),
    (State.STARTING, State.RUNNING),
    (State.STARTING, State.STOPPING),
    (State.STARTING, State.WAITING),
    (State.STARTING, State.BACKOFF),
    (State.STARTING, State.GIVEN_UP),
    (State.RUNNING, State.STOPPING),
    (State.RUNNING, State.WAITING),
    (State.RUNNING, State.BACKOFF),
    (State.RUNNING, State.GIVEN_UP),
    (State.STOPPING, State.STOPPED),
    (State.STOPPING, State.WAITING),
    (State.STOPPING, State.BACKOFF),
    (State.STOPPING, State.GIVEN_UP),
    (State.BACKOFF, State.WAITING),
    (State.BACKOFF, State.STOPPED),
    (State.GIVEN_UP, State.WAITING),
    (State.GIVEN_UP, State.STOPPED),
}
EVENTS = st.sampled_from(
    ["start", "stop", "restart", "kill", "spawn", "no spawn", "ready", "beat", "announce", "exit", "tick", "forgive"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(EVENTS, st.floats(0, 30)), max_size=60), st.sampled_from(Kind), st.booleans(), st.booleans())
def test_whatever_happens_the_states_stay_consistent(events, kind, builtin, vital):
    observed = Observed()
    definition = Definition(name="x", program="x", kind=kind, builtin=builtin)
    instance = Instance(definition, "0", chance=lambda: 0.5, observe=observed, vital=vital)
    now = 0.0
    for event, step in events:
        now += step
        drive(instance, event, now)
        assert (instance.run is not None) == (instance.state in ALIVE)
        assert instance.wanted or instance.state in (State.STOPPED, State.STOPPING)
        if instance.state is State.STOPPING and instance.run and instance.run.escalation is not Action.KILL:
            assert instance.deadline() is not None
        if instance.state is State.BACKOFF:
            assert instance.deadline() is not None
    assert set(observed.moves) <= ALLOWED


def drive(instance, event, now):
    if event == "spawn" and instance.state is State.WAITING:
        instance.spawned(now, 7)
    elif event == "no spawn" and instance.state is State.WAITING:
        instance.not_spawned(now, "no")
    elif event == "exit" and instance.run is not None:
        instance.exited(now, "exit status 1")
    elif event == "kill":
        instance.kill(now, "said so")
    elif event == "beat":
        instance.beat(now, 1, "")
    elif event == "announce":
        instance.announce("because")
    elif event == "forgive":
        instance.forgive(1.0)
    elif event in ("start", "stop", "restart", "ready", "tick"):
        getattr(instance, event)(now)
