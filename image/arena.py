"""One range of addresses for all files of images, so that an octet of any of them is one number away.

Behind a range that is only reserved is the page of zeros: it costs no memory, and what a damaged file makes somebody
read there is nothing, not the end of the process.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import resource

OCTETS = 1 << 38  # of addresses, 256 GiB: a thousandth of what a process has
LEAST = 1 << 24  # of addresses: with less there is nothing to begin with
MAP_NORESERVE = 0x4000  # asm-generic/mman.h; not in the mmap module of Python 3.11
MAP_FIXED = 0x10
MADV_POPULATE_READ = 22  # asm-generic/mman-common.h; Linux 5.14
BEHIND = 1 << 20  # octets behind the last place that may be read, too: more than a node or a fragment can have
BLOCK = 512  # octets, of which st_blocks counts (stat(2))
HUGE = 1 << 21  # octets of a huge page (x86-64, and arm64 with pages of 4 KiB)
_FAILED = ctypes.c_void_p(-1).value
_RESERVED = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int64]
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


class NoAddresses(OSError):
    """No room is left in an arena."""


class Arena:
    """A reserved range of addresses, and the files that are mapped into it.

    A place is a number of octets from its beginning; 0 is none. Not thread-safe but for reading.
    """

    def __init__(self, octets: int | None = None) -> None:
        """Reserves so many octets; by default as many as the limit on addresses allows. Raises OSError."""
        self.address, octets = _reserve() if octets is None else (_reserved(octets), octets)
        self.octets = octets
        self._octets = octets
        self._used: dict[int, int] = {0: mmap.PAGESIZE}  # place, octets in whole pages
        array = (ctypes.c_ubyte * octets).from_address(self.address)
        self.view = memoryview(array).cast("B")

    def map(self, descriptor: int, octets: int, *, writable: bool = False) -> int:
        """Map a file from its beginning; returns its place. Raises NoAddresses where no room is left, OSError.

        What is `writable` is on the disk with all its octets then: a store into a hole of it that finds no room there
        is no error but a signal.
        What is large and only read is mapped in huge pages where the file system keeps it in such (docs/adr/0033).
        """
        if writable and os.fstat(descriptor).st_blocks * BLOCK < octets:  # a copy may have holes
            os.posix_fallocate(descriptor, 0, octets)
        size = _up(octets, mmap.PAGESIZE)
        place = self._free_place(size)
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        _map(self.address + place, size, protection, mmap.MAP_SHARED | MAP_FIXED, descriptor)
        if size >= HUGE and not writable:
            # What is not in memory yet is read so. A kernel that cannot has small pages.
            _libc.madvise(self.address + place, size, mmap.MADV_HUGEPAGE)
        self._used[place] = size
        return place

    def read_in(self, place: int, octets: int) -> None:
        """Have the first octets of a file in memory; whoever reads them waits for that else, page by page.

        Raises OSError where some of it cannot be had (a bad sector, or it has become shorter): to meet that by reading
        is no error but a signal. Kernels before Linux 5.14 cannot tell.
        """
        if _libc.madvise(self.address + place, _up(octets, mmap.PAGESIZE), MADV_POPULATE_READ):
            code = ctypes.get_errno()
            if code != errno.EINVAL:
                code = errno.EIO if code == errno.EFAULT else code
                raise OSError(code, os.strerror(code))

    def hold(self, octets: int) -> int:
        """Keep a place free, until unmap(), for a file of so many octets. Raises NoAddresses."""
        size = _up(octets, mmap.PAGESIZE) + HUGE
        place = self._free_place(size)
        self._used[place] = size
        return place

    def unmap(self, place: int) -> None:
        """Give a file back; nobody may read it any more."""
        size = self._used.pop(place)
        _map(self.address + place, size, mmap.PROT_READ, _RESERVED | MAP_FIXED, -1)

    def close(self) -> None:
        """Give everything back; nobody may read the views any more."""
        self.view = memoryview(b"")
        if self._octets:
            _libc.munmap(self.address, self._octets + BEHIND)
            self._octets = 0

    def _free_place(self, size: int) -> int:
        """First fit; of what has huge pages, at the beginning of one."""
        step = HUGE if size >= HUGE else mmap.PAGESIZE
        end = 0
        for place, used in sorted(self._used.items()):
            if place - end >= size:
                return end
            end = _up(place + used + self.address, step) - self.address
        if end + size > self._octets:
            raise NoAddresses(errno.ENOMEM, f"no room for {size} octets among {self._octets} octets of addresses")
        return end


def _up(octets: int, step: int) -> int:
    return -(-octets // step) * step


def _reserved(octets: int) -> int:
    return _map(None, octets + BEHIND, mmap.PROT_READ, _RESERVED, -1)


def _reserve() -> tuple[int, int]:
    """A range of OCTETS, or half of what the process may have where that is less, or what can still be had."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)  # setrlimit(2); the other half is for all else
    octets = OCTETS if limit == resource.RLIM_INFINITY else min(OCTETS, limit // 2)
    while True:
        octets -= octets % mmap.PAGESIZE
        try:
            return _reserved(octets), octets
        except OSError:
            octets //= 2
            if octets < LEAST:
                raise


def _map(address: int | None, octets: int, protection: int, flags: int, descriptor: int) -> int:
    mapped = _libc.mmap(address, octets, protection, flags, descriptor, 0)
    if mapped == _FAILED:
        code = ctypes.get_errno()
        raise OSError(code, f"cannot map {octets} octets: {os.strerror(code)}")
    assert isinstance(mapped, int)
    return mapped
