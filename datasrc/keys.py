"""Byte keys of names, such that comparing keys is comparing names in canonical order (RFC 4034 section 6.1).

A key is the labels from the top down, lowercased, each with a terminator: `www.example.` is `example` 00 `www` 00. The
terminator is below every byte of a label, so a name sorts before its descendants and these before its next sibling;
bytes 00 and 01 inside a label become 01 01 and 01 02, which keeps their order. It follows that

- the key of a name starts with the keys of its ancestors, and nothing else does: a subtree is one range of keys;
- the key relative to an origin is the absolute key without that of the origin.
"""

from __future__ import annotations

from collections.abc import Iterable

from dns.name import Name

APEX = b""
WILDCARD = b"*\x00"
_END = b"\x00"
AFTER_ALL = b"\xff" * 64  # a label has at most 63 octets (RFC 1035 section 2.3.4): no key reaches this


def name_key(name: Name) -> bytes:
    """The key of an absolute name, from the root down."""
    return labels_key(name.labels[:-1])


def labels_key(labels: Iterable[bytes]) -> bytes:
    """The key of labels given in the order of a name, without the root label."""
    key = b""
    for label in labels:
        label = label.lower()
        if b"\x00" in label or b"\x01" in label:
            label = label.replace(b"\x01", b"\x01\x02").replace(b"\x00", b"\x01\x01")
        key = label + _END + key
    return key


def key_labels(key: bytes) -> list[bytes]:
    """The (lowercase) labels of a key in the order of a name, without the root label."""
    labels = key.split(_END)
    labels.pop()
    labels.reverse()
    if b"\x01" in key:
        labels = [label.replace(b"\x01\x01", b"\x00").replace(b"\x01\x02", b"\x01") for label in labels]
    return labels


def name_of(key: bytes) -> Name:
    """The absolute name of a key, in small letters."""
    return Name([*key_labels(key), b""])


def wire_of(key: bytes) -> bytes:
    """The name of a key in wire form (RFC 1035 section 3.1), in small letters."""
    return b"".join([bytes((len(label),)) + label for label in key_labels(key)]) + b"\x00"


def wire_key(wire: bytes) -> bytes:
    """The key of a name in wire form."""
    labels, at = [], 0
    while wire[at]:
        after = at + 1 + wire[at]
        labels.append(wire[at + 1 : after])
        at = after
    return labels_key(labels)


def key_text(key: bytes) -> bytes:
    """The name of a key as people write it, in small letters and with the final dot (RFC 1035 section 5.1)."""
    return name_of(key).to_text().encode()


def path(key: bytes) -> list[bytes]:
    """The keys from the top (the empty key) down to this one."""
    keys = [APEX]
    end = key.find(_END)
    while end >= 0:
        keys.append(key[: end + 1])
        end = key.find(_END, end + 1)
    return keys


def parent(key: bytes) -> bytes:
    """The key one label up; that of the top is itself."""
    return key[: key.rfind(_END, 0, -1) + 1]


def depth(key: bytes) -> int:
    """How many labels the key has."""
    return key.count(_END)


def after_subtree(key: bytes) -> bytes:
    """The least possible key above those of the name and its descendants."""
    return key[:-1] + b"\x01" if key else AFTER_ALL


def common_ancestor(one: bytes, other: bytes) -> bytes:
    """The key of the longest name both are at or below."""
    end = 0
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            break
        if left == 0:
            end = index + 1
    return one[:end]
