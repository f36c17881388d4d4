"""Asking servers: each query once per test, attempts, TCP after truncation, and no waiting for who is known silent."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.opcode
import dns.rdatatype

from health.engine.clock import Clock
from health.engine.errors import DeadlinePassed
from health.engine.network import Edns, Network, NoResponse, Query, Silence, Transport
from health.engine.profiles import Profile
from health.engine.reply import Reply

# A server that does not answer plain queries of these types is taken for silent: all servers know them.
_TELLING = frozenset({dns.rdatatype.SOA, dns.rdatatype.NS, dns.rdatatype.A})
_BIG = 4096  # octets of a response that are worth a word
# So many different EDNS queries must fail, and none succeed, before no more are waited for.
_EDNS_FAILURES = 2
# Seconds to wait over TCP for who is silent over UDP: a dead address is to cost less than 10 s in all.
_TCP_WAIT_FOR_THE_SILENT = 2.0


@dataclass
class Habit:
    """What is known of an address, a transport and a kind of query: whether such queries are answered."""

    answered: bool = False
    failures: int = 0
    silent: bool = False
    scout: asyncio.Event | None = None  # set when the first query, the only one sent until then, has ended


@dataclass
class Figures:
    """How much was asked."""

    queries: int = 0
    attempts: int = 0
    unanswered: int = 0
    times: dict[str, list[float]] = field(default_factory=dict)


class Asker:
    """Asks through the door on behalf of one test, and remembers what came."""

    def __init__(
        self,
        network: Network,
        clock: Clock,
        profile: Profile,
        deadline: float | None = None,
        say: Callable[..., None] = lambda _tag, **_arguments: None,
    ) -> None:
        self._network = network
        self._clock = clock
        self._profile = profile
        self._deadline = deadline  # in the time of the loop
        self._say = say
        self._asked: dict[tuple[object, ...], asyncio.Task[Reply | NoResponse]] = {}
        self._habits: dict[tuple[str, Transport, object], Habit] = {}
        self._all = asyncio.Semaphore(profile.get("limits.concurrency"))
        self._each: dict[str, asyncio.Semaphore] = {}
        self.figures = Figures()

    def enabled(self, address: str) -> bool:
        """Whether the family of an address is in use."""
        return self._profile.ipv6 if ":" in address else self._profile.ipv4

    async def ask(self, query: Query, *, fall_back: bool = True) -> Reply | NoResponse:
        """The reply to a query, or why there is none; sent once per test. Truncated replies are repeated over TCP."""
        if not self.enabled(query.address):
            return NoResponse(Silence.DISABLED)
        reply = await self._once(query)
        wanted = fall_back and query.transport is Transport.UDP and self._profile.get("resolver.defaults.fallback")
        if wanted and isinstance(reply, Reply) and reply.truncated:
            return await self._once(dataclasses.replace(query, transport=Transport.TCP))
        return reply

    async def _once(self, query: Query) -> Reply | NoResponse:
        task = self._asked.get(query.key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._exchange(query))
            self._asked[query.key] = task
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Stop everything that is under way."""
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    async def _exchange(self, query: Query) -> Reply | NoResponse:
        habit = self._habit(query.address, query.transport, query.edns)
        while not habit.answered and not habit.silent and habit.scout is not None:
            await habit.scout.wait()
        if self._is_silent(query, habit):
            return NoResponse(Silence.TIMEOUT, "not asked: the server has not answered before")
        if habit.answered:
            return await self._attempts(query, habit)
        habit.scout = asyncio.Event()
        try:
            return await self._attempts(query, habit)
        finally:
            habit.scout.set()
            habit.scout = None

    def _habit(self, address: str, transport: Transport, edns: Edns | None) -> Habit:
        odd = edns is not None and (edns.version or edns.z or edns.options)
        kind: object = edns if odd else edns is not None and (edns.dnssec_ok, edns.payload)
        return self._habits.setdefault((address, transport, kind), Habit())

    def _is_silent(self, query: Query, habit: Habit) -> bool:
        return habit.silent or self._habit(query.address, query.transport, None).silent

    async def _attempts(self, query: Query, habit: Habit) -> Reply | NoResponse:
        attempts = self._profile.get("resolver.defaults.retry")
        if query.transport is Transport.TCP and self._habit(query.address, Transport.UDP, None).silent:
            attempts = 1  # it is dead, most likely: it costs one time-out more, not several
        outcome: Reply | NoResponse = NoResponse(Silence.TIMEOUT)
        self.figures.queries += 1
        for number in range(attempts):
            doubtful = number == 1 and query.edns is None and query.rdtype in _TELLING and not habit.answered
            outcome, _ = await asyncio.gather(
                self._attempt(query), self._probe(query, habit) if doubtful else asyncio.sleep(0)
            )
            if outcome or (isinstance(outcome, NoResponse) and outcome.reason is Silence.UNREACHABLE):
                break
        self._learn(query, habit, outcome)
        return outcome

    async def _probe(self, query: Query, habit: Habit) -> None:
        """Beside a second attempt, ask for another type: who answers that drops some queries, and is not silent."""
        other = dns.rdatatype.SOA if query.rdtype == dns.rdatatype.NS else dns.rdatatype.NS
        if await self._attempt(dataclasses.replace(query, rdtype=other)):
            habit.answered = True

    def _learn(self, query: Query, habit: Habit, outcome: Reply | NoResponse) -> None:
        if outcome:
            habit.answered, habit.silent = True, False
            return
        self.figures.unanswered += 1
        if habit.answered or not isinstance(outcome, NoResponse) or outcome.reason is not Silence.TIMEOUT:
            return
        habit.failures += 1
        telling = query.edns is None and query.rdtype in _TELLING
        habit.silent = telling or (query.edns is not None and habit.failures >= _EDNS_FAILURES)

    async def _attempt(self, query: Query) -> Reply | NoResponse:
        each = self._each.setdefault(query.address, asyncio.Semaphore(self._profile.get("limits.per_address")))
        async with each, self._all:
            loop = asyncio.get_running_loop()
            begun = loop.time()
            waits = self._patience(query)
            left = float("inf") if self._deadline is None else self._deadline - begun
            if left <= 0:
                raise DeadlinePassed
            self.figures.attempts += 1
            message = await self._network.query(dataclasses.replace(query, timeout=min(waits, left)))
            if isinstance(message, NoResponse):
                if left < waits and message.reason is Silence.TIMEOUT:
                    raise DeadlinePassed  # it might still have answered: that is no finding
                return message
            self.figures.times.setdefault(query.address, []).append(loop.time() - begun)
            return self._checked(query, message)

    def _patience(self, query: Query) -> float:
        """Seconds to wait for one attempt."""
        said = self._profile.get("resolver.defaults")
        seconds = float(min(said["retrans"], said["timeout"]))
        if query.transport is Transport.TCP and self._habit(query.address, Transport.UDP, None).silent:
            return min(seconds, _TCP_WAIT_FOR_THE_SILENT)
        return seconds

    def _checked(self, query: Query, message: dns.message.Message) -> Reply | NoResponse:
        if not message.flags & dns.flags.QR:
            return NoResponse(Silence.MALFORMED, "QR is not set")
        if message.opcode() != dns.opcode.QUERY:
            return NoResponse(Silence.MALFORMED, "the opcode is not QUERY")
        size = len(message.wire or b"")
        if size > _BIG:
            self._say("PACKET_BIG", ns_ip=query.address, query_name=query.name, rrtype=query.rdtype, size=size)
        return Reply(query, message, self._clock.now())
