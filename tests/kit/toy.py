"""A whole daemon in under forty lines: configuration, commands, events, a refusal. Run by bob like any other."""

from typing import ClassVar

import msgspec

from daemonkit.configuration import Config, Prepared
from daemonkit.errors import Rejected
from daemonkit.main import main
from daemonkit.module import Module, command
from msgq.session import IncomingCall


class Greeting(msgspec.Struct):
    text: str


class Greet(msgspec.Struct):
    module: ClassVar[str] = "toy"
    command: ClassVar[str] = "greet"
    reply: ClassVar[type[Greeting]] = Greeting

    name: str
    times: int = 1


class Toy(Module):
    name = "toy"
    word = ""

    async def prepare(self, config: Config) -> Prepared:
        if config.own["word"] == "goodbye":
            raise Rejected("toy.word", "is no greeting")
        return Prepared(apply=lambda: setattr(self, "word", config.own["word"]))

    @command(Greet)
    async def greet(self, _: IncomingCall, request: Greet) -> Greeting:
        return Greeting(" ".join([f"{self.word} {request.name}"] * request.times))


if __name__ == "__main__":
    main(Toy)
