"""Server cookies as another make of server would give them: RFC 9018 section 4, written from the text."""

from __future__ import annotations

import ipaddress
import struct

SECRET = bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf")  # of the examples in RFC 9018
OLD_SECRET = bytes.fromhex("dd3bdf9344b678b185a6f5cb60fca715")
CLIENT = bytes.fromhex("2464c4abcf10c957")
ALL = (1 << 64) - 1


def siphash(key: bytes, data: bytes) -> int:
    """SipHash-2-4."""
    key0, key1 = struct.unpack("<2Q", key)
    state: list[int] = [
        key0 ^ 0x736F6D6570736575,
        key1 ^ 0x646F72616E646F6D,
        key0 ^ 0x6C7967656E657261,
        key1 ^ 0x7465646279746573,
    ]
    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", padded):
        state[3] ^= word
        _rounds(state, 2)
        state[0] ^= word
    state[2] ^= 0xFF
    _rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _rounds(state: list[int], count: int) -> None:
    def add_rotate_xor(first: int, second: int, bits: int) -> None:
        state[first] = (state[first] + state[second]) & ALL
        state[second] = _rotated(state[second], bits) ^ state[first]

    for _ in range(count):
        add_rotate_xor(0, 1, 13)
        add_rotate_xor(2, 3, 16)
        state[0] = _rotated(state[0], 32)
        add_rotate_xor(0, 3, 21)
        add_rotate_xor(2, 1, 17)
        state[2] = _rotated(state[2], 32)


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> 64 - bits) & ALL


def cookie(
    address: str, when: float, *, client: bytes = CLIENT, secret: bytes = SECRET, reserved: bytes = b"\0\0\0"
) -> bytes:
    """The content of the option: a client cookie, and the server cookie of version 1 for it."""
    fixed = client + b"\1" + reserved + (int(when) & 0xFFFFFFFF).to_bytes(4)
    return fixed + siphash(secret, fixed + ipaddress.ip_address(address).packed).to_bytes(8, "little")
