"""How long a server is waited for that may have stopped answering: by who answers questions, who looks, who writes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long answers are waited for, in seconds."""

    answer: float  # nothing at all comes from the server
    statement: float  # the server ends a statement that takes longer
    pause: float = 60.0  # the server ends a transaction whose client says nothing: no lock outlives a hung process


READER = Patience(answer=2.0, statement=30.0)  # of who answers questions: others wait meanwhile
LOOKING = Patience(answer=10.0, statement=60.0)  # of who writes, while it only reads
WRITER = Patience(answer=65.0, statement=60.0)
