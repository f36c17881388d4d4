"""Files looked at many at a time, where nothing is compiled; raw.pyx is the same for the compiler."""

from __future__ import annotations

import os
import struct

from datasrc.signatures import signature_of

_SEEN = struct.Struct("<qQQQqq")  # the error number of stat(2), or 0; the signature (datasrc.signatures)


class Looker:
    """Asks the file system."""

    def look(self, directory: int, names: bytes, found: bytearray) -> int:
        """Look at files of a directory (descriptor), each name with a NUL behind it; of how many there was room.

        `found` has SEEN octets (datasrc.filelayout) for each.
        """
        at = 0
        for name in names.split(b"\x00")[:-1]:
            if at + _SEEN.size > len(found):
                break
            try:
                status = os.stat(name, dir_fd=directory)
                _SEEN.pack_into(found, at, 0, *signature_of(status))
            except OSError as error:
                _SEEN.pack_into(found, at, error.errno, 0, 0, 0, 0, 0)
            at += _SEEN.size
        return at // _SEEN.size
