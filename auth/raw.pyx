"""System calls and raw memory for the loop, without an object a packet; raw.py is the same for the interpreter.

Whatever an argument or the network says, nothing here reads or writes beyond its own buffers; the loop checks the rest.
"""

import mmap
import os
import socket
import struct
import sys

from libc.errno cimport errno
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

cdef extern from *:
    """
    #include <netinet/in.h>
    #include <poll.h>
    #include <sys/epoll.h>
    #include <sys/eventfd.h>
    #include <sys/socket.h>
    #include <time.h>
    #include <unistd.h>
    #define BOB_SKIP 0xFFFFFFFFu

    typedef union { struct sockaddr any; struct sockaddr_in v4; struct sockaddr_in6 v6; } bob_name;

    #define bob_acquire(number) __atomic_load_n((number), __ATOMIC_ACQUIRE)
    #define bob_release(number, value) __atomic_store_n((number), (value), __ATOMIC_RELEASE)
    """
    const uint32_t BOB_SKIP
    ctypedef int socklen_t
    ctypedef unsigned short sa_family_t
    const int AF_INET6
    const int EPOLLIN
    const int EPOLL_CTL_ADD
    const int EPOLL_CTL_DEL
    const int EPOLL_CTL_MOD
    const int EPOLLOUT
    const uint32_t EPOLLET
    const int EPOLLERR
    const int EPOLLHUP
    const int EPOLLRDHUP
    const int CLOCK_MONOTONIC_COARSE
    const int CLOCK_MONOTONIC
    const int CLOCK_REALTIME_COARSE
    struct sockaddr:
        sa_family_t sa_family
    ctypedef struct bob_name:
        sockaddr any
    ctypedef union epoll_data:
        uint64_t u64
    struct epoll_event:
        uint32_t events
        epoll_data data
    struct pollfd:
        int fd
        short events
    const short POLLIN
    int poll(pollfd *, int, int) nogil
    struct timespec:
        int64_t tv_sec
        int64_t tv_nsec
    int epoll_create1(int)
    int epoll_ctl(int, int, int, epoll_event *) nogil
    int epoll_wait(int, epoll_event *, int, int) nogil
    int clock_gettime(int, timespec *) nogil
    int eventfd_read(int, uint64_t *) nogil
    int eventfd_write(int, uint64_t) nogil
    uint64_t bob_acquire(uint64_t *) nogil
    void bob_release(uint64_t *, uint64_t) nogil

from auth.sizes import HATCH_OCTETS, MAX_EVENTS

cdef int _EVENTS = MAX_EVENTS
cdef uint64_t _UNIT = 32  # octets; entries of the hatch begin at multiples of it

ctypedef struct Entry:
    uint32_t total  # octets up to the next entry
    uint32_t names
    uint32_t controls
    uint32_t octets
    uint64_t tag


cdef class Reactor:
    """A thread's epoll with a bell. A subclass has `turn()`."""

    def __cinit__(self, *_arguments, **_more):
        self.events = calloc(_EVENTS, sizeof(epoll_event))
        if self.events == NULL:
            raise MemoryError
        self.epoll = -1
        self.bell = -1

    def __dealloc__(self):
        free(self.events)

    def open(self):
        """Get the descriptors."""
        self.epoll = epoll_create1(os.O_CLOEXEC)
        if self.epoll < 0:
            raise OSError(errno, os.strerror(errno))
        self.bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.watch(self.bell, 0)

    def close(self):
        """Give the descriptors back."""
        for descriptor in (self.epoll, self.bell):
            if descriptor >= 0:
                os.close(descriptor)
        self.epoll = self.bell = -1

    def run(self):
        """Take turns without the GIL until one says 0; raises what a turn raises."""
        with nogil:
            while self.turn() != 0:
                pass

    def wake(self):
        """From any thread: the turn in hand is the last before `run` returns, if it looks at tag 0."""
        os.eventfd_write(self.bell, 1)

    def watch(self, int descriptor, uint64_t tag):
        """Tell `tag` when there is something to read."""
        cdef epoll_event event
        event.events = EPOLLIN
        event.data.u64 = tag
        if epoll_ctl(self.epoll, EPOLL_CTL_ADD, descriptor, &event) != 0:
            raise OSError(errno, os.strerror(errno))

    def unwatch(self, int descriptor):
        """Tell nothing more of it."""
        cdef epoll_event event
        if epoll_ctl(self.epoll, EPOLL_CTL_DEL, descriptor, &event) != 0:
            raise OSError(errno, os.strerror(errno))

    cdef int listen(self, int descriptor, uint64_t tag) noexcept nogil:
        """As watch(); 0 where the system has no room for it."""
        cdef epoll_event event
        event.events = EPOLLIN
        event.data.u64 = tag
        return epoll_ctl(self.epoll, EPOLL_CTL_ADD, descriptor, &event) == 0

    cdef int follow(self, int descriptor, uint64_t tag) noexcept nogil:
        """Tell `tag` once when more came; 0 where the system has no room for it."""
        cdef epoll_event event
        event.events = EPOLLIN | EPOLLRDHUP | EPOLLET
        event.data.u64 = tag
        return epoll_ctl(self.epoll, EPOLL_CTL_ADD, descriptor, &event) == 0

    cdef int follow_both(self, int descriptor, uint64_t tag) noexcept nogil:
        """Tell `tag` also once when there is room for more to be sent; 0 where this descriptor is not followed."""
        cdef epoll_event event
        event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET
        event.data.u64 = tag
        return epoll_ctl(self.epoll, EPOLL_CTL_MOD, descriptor, &event) == 0

    cdef int unlisten(self, int descriptor) noexcept nogil:
        """As unwatch()."""
        cdef epoll_event event
        return epoll_ctl(self.epoll, EPOLL_CTL_DEL, descriptor, &event) == 0

    cdef int turn(self) except -1 nogil:
        """One turn; 0 ends `run`."""
        return 0

    cdef int wait(self, int milliseconds) noexcept nogil:
        """Wait for events; how many there are."""
        cdef int ready = epoll_wait(self.epoll, <epoll_event *>self.events, _EVENTS, milliseconds)
        return ready if ready > 0 else 0

    cdef int doze(self) noexcept nogil:
        """Wait for nothing but the bell."""
        cdef pollfd bell
        bell.fd = self.bell
        bell.events = POLLIN
        poll(&bell, 1, -1)
        return 0

    cdef uint64_t tag(self, int index) noexcept nogil:
        """Of an event."""
        return (<epoll_event *>self.events)[index].data.u64

    cdef int is_over(self, int index) noexcept nogil:
        """Whether an event says, too, that nothing comes behind what there is to read."""
        return ((<epoll_event *>self.events)[index].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0

    cdef int silence(self) noexcept nogil:
        """The bell was heard."""
        cdef uint64_t rung
        eventfd_read(self.bell, &rung)
        return 0

    cdef int64_t now(self) noexcept nogil:
        """Milliseconds of the monotonic clock, as of the last tick."""
        cdef timespec time
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return time.tv_sec * 1000 + time.tv_nsec // 1000000

    cdef int64_t nanoseconds(self) noexcept nogil:
        """Of the monotonic clock."""
        cdef timespec time
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000000000 + time.tv_nsec

    cdef int64_t seconds(self) noexcept nogil:
        """POSIX seconds, as of the last tick."""
        cdef timespec time
        clock_gettime(CLOCK_REALTIME_COARSE, &time)
        return time.tv_sec


cdef class Hatch:
    """Where the loop's thread puts what another has to answer: a bounded queue, no lock, one writer, one reader."""

    def __cinit__(self, Py_ssize_t most):
        """`most` messages wait at once."""
        self.most = most
        self.capacity = HATCH_OCTETS
        self.octets = <unsigned char *>calloc(self.capacity, 1)
        if self.octets == NULL:
            raise MemoryError
        self.bell = -1

    def __dealloc__(self):
        free(self.octets)

    def open(self):
        """Get the descriptor of the bell, which rings when something was put in."""
        self.bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        return self.bell

    def close(self):
        """Give it back."""
        if self.bell >= 0:
            os.close(self.bell)
        self.bell = -1

    def silence(self):
        """The bell was heard."""
        try:
            os.eventfd_read(self.bell)
        except BlockingIOError:  # another heard it
            pass

    def take(self):
        """The oldest message: (tag, octets, peer, control), or None where none waits."""
        cdef uint64_t written = bob_acquire(&self.written)
        cdef Entry *entry
        cdef unsigned char *at
        while self.read != written:
            at = self.octets + self.read % self.capacity
            entry = <Entry *>at
            if entry.names == BOB_SKIP:
                bob_release(&self.read, self.read + entry.total)
                continue
            at += sizeof(Entry)
            name = <bytes>(<char *>at)[: entry.names]
            at += entry.names
            control = <bytes>(<char *>at)[: entry.controls]
            at += entry.controls
            found = (entry.tag, (<char *>at)[: entry.octets], _peer(name), _ancillary(control))
            bob_release(&self.taken, self.taken + 1)
            bob_release(&self.read, self.read + entry.total)
            return found
        return None

    cdef Py_ssize_t waiting(self) noexcept nogil:
        """Messages that wait; in the thread of the loop."""
        return self.passed - bob_acquire(&self.taken)

    cdef int put(self, uint64_t tag, const void *name, Py_ssize_t names, const void *control, Py_ssize_t controls, const void *head, Py_ssize_t heads, const void *tail, Py_ssize_t tails) noexcept nogil:
        """Put a message in; 0 where there is no room."""
        cdef uint64_t total = (sizeof(Entry) + names + controls + heads + tails + _UNIT - 1) & ~(_UNIT - 1)
        cdef uint64_t place = self.written % self.capacity
        cdef uint64_t skipped = self.capacity - place if place + total > self.capacity else 0
        cdef Entry *entry
        cdef unsigned char *at
        if self.waiting() >= self.most:
            return 0
        if self.written + skipped + total > bob_acquire(&self.read) + self.capacity:
            return 0
        if skipped:  # what is left up to the end is a multiple of the unit: the head of an entry fits
            entry = <Entry *>(self.octets + place)
            entry.total = <uint32_t>skipped
            entry.names = BOB_SKIP
            place = 0
        at = self.octets + place
        entry = <Entry *>at
        entry.total = <uint32_t>total
        entry.names = <uint32_t>names
        entry.controls = <uint32_t>controls
        entry.octets = <uint32_t>(heads + tails)
        entry.tag = tag
        at += sizeof(Entry)
        memcpy(at, name, names)
        if controls:  # else there is no address of any
            memcpy(at + names, control, controls)
        memcpy(at + names + controls, head, heads)
        memcpy(at + names + controls + heads, tail, tails)
        self.passed += 1
        bob_release(&self.written, self.written + skipped + total)
        return 1

    cdef int ring(self) noexcept nogil:
        """Tell the reader."""
        eventfd_write(self.bell, 1)
        return 0


def zeros(count, kind):
    """So many numbers of this kind (as of `array`), in pages that cost nothing until they are written to."""
    return memoryview(mmap.mmap(-1, count * struct.calcsize(kind), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)).cast(kind)


_V4 = struct.Struct("!H4s")
_V6 = struct.Struct("!HI16s")
_CMSG = struct.Struct("@Nii")


def _peer(bytes name):
    """The address tuple of a socket address."""
    if (<bob_name *><char *>name).any.sa_family == AF_INET6:
        port, flow, octets = _V6.unpack_from(name, 2)
        scope = int.from_bytes(name[24:28], sys.byteorder)
        host = socket.inet_ntop(socket.AF_INET6, octets)
        return (f"{host}%{scope}" if scope else host, port, flow, scope)
    port, octets = _V4.unpack_from(name, 2)
    return (socket.inet_ntop(socket.AF_INET, octets), port)


def _ancillary(bytes control):
    """Ancillary data as sendmsg() takes it: one item at most."""
    if not control:
        return []
    length, level, kind = _CMSG.unpack_from(control)
    return [(level, kind, control[_CMSG.size : length])]
