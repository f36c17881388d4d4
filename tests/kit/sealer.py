"""A daemon that uses the configuration in full: it adjusts what it cannot take, and reads secrets from files."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from daemonkit.api import Adjustment
from daemonkit.configuration import Config, Prepared
from daemonkit.errors import Rejected
from daemonkit.main import main
from daemonkit.module import Context, Module, command
from daemonkit.secretfiles import Secret, SecretError, read_secret
from msgq.session import IncomingCall

LONGEST = 8  # characters of a seal


class Sealed(msgspec.Struct):
    text: str


class Seal(msgspec.Struct):
    module: ClassVar[str] = "sealer"
    command: ClassVar[str] = "seal"
    reply: ClassVar[type[Sealed]] = Sealed

    text: str


class Sealer(Module):
    name = "sealer"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.mark = ""
        self.secrets: dict[str, Secret] = {}

    async def prepare(self, config: Config) -> Prepared:
        mark, secrets = config.own["mark"], _read(config.values["keys"])
        short = Adjustment("sealer.mark", mark[:LONGEST], f"a mark has {LONGEST} characters at most")
        return Prepared(
            apply=lambda: self._apply(mark[:LONGEST], secrets), adjustments=(short,) if len(mark) > LONGEST else ()
        )

    def _apply(self, mark: str, secrets: dict[str, Secret]) -> None:
        self.mark, self.secrets = mark, secrets

    @command(Seal)
    async def seal(self, _: IncomingCall, request: Seal) -> Sealed:
        seals = [hmac.digest(secret.octets, request.text.encode(), "sha256").hex() for secret in self.secrets.values()]
        return Sealed(" ".join([self.mark, *seals]))


def _read(keys: Mapping[str, Any]) -> dict[str, Secret]:
    secrets = {}
    for name, key in keys.items():
        try:
            secrets[name] = read_secret(key["secret_file"]["path"])
        except SecretError as error:
            raise Rejected(f"keys.{name}.secret_file", str(error)) from error
    return secrets


if __name__ == "__main__":
    main(Sealer)
