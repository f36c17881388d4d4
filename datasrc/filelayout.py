"""How what is known of very many files is kept (datasrc/filerows.py, datasrc/raw.py): constants only, in octets."""

from __future__ import annotations

SEEN = 48  # of a file that was looked at: the error number of stat(2), or 0; the signature (datasrc.signatures)
ROW = 65  # of a row: the signature, version, serial, records, whether the file may differ
SIGNATURE = 40  # of a signature; in both it is five numbers of 64 bits
SEEN_SIGNATURE = 8  # where it begins
VERSION = 40  # where that is in a row
MAY_DIFFER = 64
