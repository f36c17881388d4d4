"""System calls and raw memory for the loop, without an object a packet; raw.py is the same for the interpreter.

Whatever an argument or the network says, nothing here reads or writes beyond its own buffers; the loop checks the rest.
"""

import mmap
import os
import socket
import struct
import sys

from libc.errno cimport EAGAIN, EINTR, EIO, errno
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset

cdef extern from *:
    """
    #include <netinet/in.h>
    #include <netinet/udp.h>
    #include <poll.h>
    #include <string.h>
    #include <sys/epoll.h>
    #include <sys/eventfd.h>
    #include <sys/socket.h>
    #include <time.h>
    #include <unistd.h>

    #ifndef UDP_SEGMENT
    #define UDP_SEGMENT 103 /* linux/udp.h */
    #endif
    #define BOB_CONTROL 64 /* the largest pktinfo, and a size of segments */
    #define BOB_SEGMENT_CONTROL CMSG_SPACE(sizeof(uint16_t))
    #define BOB_SKIP 0xFFFFFFFFu

    typedef union { struct sockaddr any; struct sockaddr_in v4; struct sockaddr_in6 v6; } bob_name;
    typedef union { struct cmsghdr header; unsigned char octets[BOB_CONTROL]; } bob_control;

    #define bob_acquire(number) __atomic_load_n((number), __ATOMIC_ACQUIRE)
    #define bob_release(number, value) __atomic_store_n((number), (value), __ATOMIC_RELEASE)

    /* A reply leaves from the address that was asked; its route is the kernel's choice, but within one link. */
    static socklen_t bob_turn_control(struct msghdr *message)
    {
        struct cmsghdr *each = message->msg_controllen ? CMSG_FIRSTHDR(message) : NULL;
        if (each == NULL)
            return 0;
        if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA(each);
            info->ipi_ifindex = 0;
            info->ipi_addr.s_addr = 0;
            return CMSG_SPACE(sizeof *info);
        }
        if (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo *info = (struct in6_pktinfo *)CMSG_DATA(each);
            if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
                info->ipi6_ifindex = 0;
            return CMSG_SPACE(sizeof *info);
        }
        return 0;
    }

    /* Behind so many octets of control data: the kernel is to cut the message into datagrams of this size (udp(7)). */
    static void bob_segment(void *control, size_t behind, uint16_t size)
    {
        struct cmsghdr *each = (struct cmsghdr *)((char *)control + behind);
        each->cmsg_level = IPPROTO_UDP;
        each->cmsg_type = UDP_SEGMENT;
        each->cmsg_len = CMSG_LEN(sizeof size);
        memcpy(CMSG_DATA(each), &size, sizeof size);
    }
    """
    const int BOB_CONTROL
    const size_t BOB_SEGMENT_CONTROL
    const int UDP_SEGMENT
    const uint32_t BOB_SKIP
    ctypedef int socklen_t
    ctypedef unsigned short sa_family_t
    const int AF_INET
    const int AF_INET6
    const int MSG_DONTWAIT
    const int MSG_NOSIGNAL
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
    struct in_addr:
        pass
    struct in6_addr:
        pass
    struct sockaddr_in:
        uint16_t sin_port
        in_addr sin_addr
    struct sockaddr_in6:
        uint16_t sin6_port
        in6_addr sin6_addr
    ctypedef struct bob_name:
        sockaddr any
        sockaddr_in v4
        sockaddr_in6 v6
    ctypedef struct bob_control:
        unsigned char octets[64]
    struct iovec:
        void *iov_base
        size_t iov_len
    struct msghdr:
        void *msg_name
        socklen_t msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
        void *msg_control
        size_t msg_controllen
        int msg_flags
    struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len
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
    int recvmmsg(int, mmsghdr *, unsigned int, int, timespec *) nogil
    int sendmmsg(int, mmsghdr *, unsigned int, int) nogil
    Py_ssize_t sendmsg(int, msghdr *, int) nogil
    int epoll_create1(int)
    int epoll_ctl(int, int, int, epoll_event *) nogil
    int epoll_wait(int, epoll_event *, int, int) nogil
    int clock_gettime(int, timespec *) nogil
    int eventfd_read(int, uint64_t *) nogil
    int eventfd_write(int, uint64_t) nogil
    uint16_t ntohs(uint16_t) nogil
    socklen_t bob_turn_control(msghdr *) nogil
    void bob_segment(void *, size_t, uint16_t) nogil
    uint64_t bob_acquire(uint64_t *) nogil
    void bob_release(uint64_t *, uint64_t) nogil

from auth.sizes import (
    HATCH_OCTETS,
    MAX_DATAGRAM,
    MAX_EVENTS,
    MAX_SEGMENT,
    MAX_SEGMENTED,
    MAX_SEGMENTS,
    MAX_UDP_SIZE,
    QUERY_OCTETS,
)

cdef int _EVENTS = MAX_EVENTS
cdef uint64_t _UNIT = 32  # octets; entries of the hatch begin at multiples of it
cdef Py_ssize_t _QUERY = QUERY_OCTETS
cdef Py_ssize_t _REST = MAX_DATAGRAM - QUERY_OCTETS
cdef Py_ssize_t _SEGMENT = MAX_SEGMENT
cdef Py_ssize_t _SEGMENTED = MAX_SEGMENTED
cdef size_t _SEGMENTS = MAX_SEGMENTS

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


cdef class Datagrams:
    """A batch of datagrams and the replies to them. A query of more than QUERY_OCTETS is only good for being left."""

    def __cinit__(self, Py_ssize_t slots):
        cdef Py_ssize_t slot
        cdef mmsghdr *incoming
        cdef mmsghdr *outgoing
        cdef iovec *vectors
        self.slots = slots
        self.queries = memoryview(bytearray(slots * _QUERY))
        self.replies = memoryview(bytearray(slots * MAX_UDP_SIZE))
        self.query_octets = _address(self.queries)
        self.reply_octets = _address(self.replies)
        self.rest = <unsigned char *>calloc(slots, _REST)
        self.incoming = calloc(slots, sizeof(mmsghdr))
        self.outgoing = calloc(slots, sizeof(mmsghdr))
        self.vectors = calloc(2 * slots, sizeof(iovec))
        self.out_vectors = calloc(slots, sizeof(iovec))
        self.addresses = memoryview(bytearray(slots * sizeof(bob_name)))
        self.names = _address(self.addresses)
        self.controls = calloc(slots, sizeof(bob_control))
        if not (self.rest and self.incoming and self.outgoing and self.vectors and self.out_vectors and self.controls):
            raise MemoryError
        incoming, outgoing, vectors = <mmsghdr *>self.incoming, <mmsghdr *>self.outgoing, <iovec *>self.vectors
        for slot in range(slots):
            vectors[2 * slot].iov_base = self.query_octets + slot * _QUERY
            vectors[2 * slot].iov_len = _QUERY
            vectors[2 * slot + 1].iov_base = self.rest + slot * _REST
            vectors[2 * slot + 1].iov_len = _REST
            incoming[slot].msg_hdr.msg_iov = &vectors[2 * slot]
            incoming[slot].msg_hdr.msg_iovlen = 2
            incoming[slot].msg_hdr.msg_name = &(<bob_name *>self.names)[slot]
            outgoing[slot].msg_hdr.msg_iov = &(<iovec *>self.out_vectors)[slot]
            outgoing[slot].msg_hdr.msg_iovlen = 1
        self.used = slots
        self.segmenting = _can_segment()

    def __dealloc__(self):
        free(self.rest)
        free(self.incoming)
        free(self.outgoing)
        free(self.vectors)
        free(self.out_vectors)
        free(self.controls)

    cdef Py_ssize_t receive(self, int descriptor, int with_control) noexcept nogil:
        """Receive what there is; how many datagrams, -1 where it failed (0: nothing there)."""
        cdef mmsghdr *incoming = <mmsghdr *>self.incoming
        cdef Py_ssize_t slot
        cdef int count
        for slot in range(self.used):
            incoming[slot].msg_hdr.msg_namelen = sizeof(bob_name)
            incoming[slot].msg_hdr.msg_control = &(<bob_control *>self.controls)[slot] if with_control else NULL
            incoming[slot].msg_hdr.msg_controllen = BOB_CONTROL if with_control else 0
        self.used = self.queued = self.parts = self.segment = 0
        count = recvmmsg(descriptor, incoming, <unsigned int>self.slots, MSG_DONTWAIT, NULL)
        if count >= 0:
            self.used = count
            return count
        return 0 if errno == EAGAIN or errno == EINTR else -1

    cdef Py_ssize_t size(self, Py_ssize_t slot) noexcept nogil:
        """Octets of a query; it begins at slot * QUERY_OCTETS."""
        return (<mmsghdr *>self.incoming)[slot].msg_len

    cdef int port(self, Py_ssize_t slot) noexcept nogil:
        """Of the client; 0 too where it has no address."""
        cdef bob_name *name = &(<bob_name *>self.names)[slot]
        if (<mmsghdr *>self.incoming)[slot].msg_hdr.msg_namelen == 0:
            return 0
        return ntohs(name.v6.sin6_port if name.any.sa_family == AF_INET6 else name.v4.sin_port)

    cdef int is_v6(self, Py_ssize_t slot) noexcept nogil:
        """The family of the client."""
        return (<bob_name *>self.names)[slot].any.sa_family == AF_INET6

    cdef Py_ssize_t address(self, Py_ssize_t slot) noexcept nogil:
        """Where the client's address is, in `addresses`: 4 or 16 octets."""
        cdef bob_name *name = &(<bob_name *>self.names)[slot]
        cdef void *address = &name.v6.sin6_addr if name.any.sa_family == AF_INET6 else <void *>&name.v4.sin_addr
        return <char *>address - <char *>self.names

    cdef int reply(self, Py_ssize_t slot, Py_ssize_t at, Py_ssize_t octets) noexcept nogil:
        """Send the reply at `at` with the others.

        What goes to one client in a row, equally long, is one message for the kernel, which cuts it up behind the most
        part of its way: a front end that asks from few ports is answered at half the cost.
        """
        cdef msghdr *query = &(<mmsghdr *>self.incoming)[slot].msg_hdr
        cdef socklen_t control = bob_turn_control(query)
        cdef iovec *part = &(<iovec *>self.out_vectors)[self.parts]
        cdef msghdr *message
        part.iov_base = self.reply_octets + at
        part.iov_len = octets
        self.parts += 1
        if octets <= self.segment and self._join(query, control, octets):
            return 0
        message = &(<mmsghdr *>self.outgoing)[self.queued].msg_hdr
        message.msg_iov = part
        message.msg_iovlen = 1
        message.msg_name = query.msg_name
        message.msg_namelen = query.msg_namelen
        message.msg_control = &(<bob_control *>self.controls)[slot]
        message.msg_controllen = control
        self.queued += 1
        self.segment = octets if self.segmenting and octets <= _SEGMENT else 0
        self.segmented = octets
        return 0

    cdef int _join(self, const void *header, size_t control, Py_ssize_t octets) noexcept nogil:
        """Add the last part to the last message; 0 where it is for another client, or there is no room."""
        cdef const msghdr *query = <const msghdr *>header
        cdef msghdr *message = &(<mmsghdr *>self.outgoing)[self.queued - 1].msg_hdr
        cdef size_t before = message.msg_controllen - (BOB_SEGMENT_CONTROL if message.msg_iovlen > 1 else 0)
        if message.msg_namelen != query.msg_namelen or memcmp(message.msg_name, query.msg_name, query.msg_namelen) != 0:
            return 0
        if before != control or (control and memcmp(message.msg_control, query.msg_control, control) != 0):
            return 0
        if message.msg_iovlen == _SEGMENTS or self.segmented + octets > _SEGMENTED:
            return 0
        if message.msg_iovlen == 1:
            bob_segment(message.msg_control, before, <uint16_t>self.segment)
            message.msg_controllen = before + BOB_SEGMENT_CONTROL
        message.msg_iovlen += 1
        self.segmented += octets
        if octets < self.segment:  # only the last one may be shorter
            self.segment = 0
        return 1

    cdef Py_ssize_t send(self, int descriptor) noexcept nogil:
        """Send the replies; how many the system did not take."""
        cdef mmsghdr *outgoing = <mmsghdr *>self.outgoing
        cdef Py_ssize_t sent = 0, failed = 0
        cdef int count
        while sent < self.queued:
            count = sendmmsg(descriptor, &outgoing[sent], <unsigned int>(self.queued - sent), MSG_DONTWAIT | MSG_NOSIGNAL)
            if count > 0:
                sent += count
            elif errno == EAGAIN:  # its buffer is full: the clients ask again
                while sent < self.queued:
                    failed += outgoing[sent].msg_hdr.msg_iovlen
                    sent += 1
            elif errno != EINTR:
                failed += self._send_apart(descriptor, &outgoing[sent].msg_hdr) if outgoing[sent].msg_hdr.msg_iovlen > 1 else 1
                sent += 1
        self.queued = self.parts = self.segment = 0
        return failed

    cdef Py_ssize_t _send_apart(self, int descriptor, void *header) noexcept nogil:
        """Send one by one what the system does not cut up; how many it did not take either."""
        cdef msghdr *together = <msghdr *>header
        cdef msghdr message = together[0]
        cdef Py_ssize_t failed = 0
        cdef size_t part = 0
        if errno == EIO:  # its device cannot (udp_send_skb() of Linux); EINVAL is about this message: a small MTU
            self.segmenting = 0
        message.msg_iovlen = 1
        message.msg_controllen = together.msg_controllen - BOB_SEGMENT_CONTROL
        while part < together.msg_iovlen:
            message.msg_iov = &together.msg_iov[part]
            part += 1
            if sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0:
                failed += 1
        return failed

    cdef int leave(self, Py_ssize_t slot, uint64_t tag, Hatch hatch) noexcept nogil:
        """Put a query into the hatch; 0 where there is no room."""
        cdef msghdr *query = &(<mmsghdr *>self.incoming)[slot].msg_hdr
        cdef Py_ssize_t octets = self.size(slot)
        cdef Py_ssize_t head = octets if octets < _QUERY else _QUERY
        cdef socklen_t control = bob_turn_control(query)
        return hatch.put(
            tag, query.msg_name, query.msg_namelen, query.msg_control, control,
            self.query_octets + slot * _QUERY, head, self.rest + slot * _REST, octets - head,
        )


def zeros(count, kind):
    """So many numbers of this kind (as of `array`), in pages that cost nothing until they are written to."""
    return memoryview(mmap.mmap(-1, count * struct.calcsize(kind), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)).cast(kind)


def _can_segment():
    """Whether the kernel cuts messages up (Linux 4.18); an older one would send them whole."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.getsockopt(socket.IPPROTO_UDP, UDP_SEGMENT)
        except OSError:
            return False
    return True


cdef unsigned char *_address(object buffer):
    """Where a buffer that is kept begins."""
    cdef unsigned char[::1] view = buffer
    return &view[0]


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
