"""The answer hook, as the engine sees it: somebody who may put another answer in the place of the one it has."""

from __future__ import annotations

from typing import Protocol

from dns.name import Name

from auth.answer import Answer
from auth.client import Client
from auth.errors import AuthError
from auth.wire import Question


class HookFailed(AuthError):
    """It raised something, took too long, or returned what is no answer."""


class AnswerHook(Protocol):
    """For several threads."""

    def look_at(self, question: Question, client: Client, key: Name | None, zone: Name, answer: Answer) -> Answer:
        """The answer to give. `key` is that of a good TSIG. Raises Dropped, a Refusal, or HookFailed."""
