"""Names of zones that begin as somebody types, out of all keys of a data source. Made for 100 000 of them."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable

from dns.name import Name

from datasrc.keys import key_labels


def beginning_with(prefix: str, keys: Iterable[bytes], limit: int) -> tuple[list[str], bool]:
    """The first `limit` names in canonical order, as the configuration writes them, and whether there are more."""
    prefix = prefix.lower()
    if "\\" in prefix:  # an escape: only the text tells
        matching = (key for key in keys if _text(key).startswith(prefix))
    else:
        ending = _pattern(prefix)
        matching = (key for key in keys if ending.search(key))
    first = heapq.nsmallest(limit + 1, matching)
    return [_text(key) for key in first[:limit]], len(first) > limit


def _pattern(prefix: str) -> re.Pattern[bytes]:
    """What keys of such names end with: the labels in reverse, the last one typed so far as it is."""
    *whole, begun = (part.encode() for part in prefix.split("."))
    ending = b"".join(re.escape(label) + rb"\x00" for label in reversed(whole))
    unfinished = re.escape(begun) + rb"[^\x00]*\x00" if begun else b""
    return re.compile(rb"(?:\A|\x00)" + unfinished + ending + rb"\Z", re.DOTALL)


def _text(key: bytes) -> str:
    return Name([*key_labels(key), b""]).to_text(omit_final_dot=bool(key))
