/* Load over UDP: connected sockets, batches in, runs of queries out. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BUFFER (1 << 20)
#define SLOT_OCTETS 4096 /* of an answer: what EDNS allows the servers to send here */
#define EVENTS 256
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103 /* linux/udp.h */
#endif

struct udp_client {
    struct client in_flight;
    int fd;
};

static uint8_t outgoing[BATCH * MAX_QUERY], incoming[BATCH][SLOT_OCTETS];
static struct mmsghdr in_headers[BATCH];
static struct iovec in_parts[BATCH];
static int segmenting = 1; /* until the kernel refuses */

static void open_socket(struct load *load, struct udp_client *client) {
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load->port)};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int size = RECEIVE_BUFFER;
    client->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0 || setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) ||
        connect(client->fd, (struct sockaddr *)&server, sizeof server))
        fail("socket");
    client_init(load, &client->in_flight);
}

/* How much may be sent at once. */
static int allowance(struct load *load, struct udp_client *client) {
    int count = client->in_flight.free_count < BATCH ? client->in_flight.free_count : BATCH;
    if (load->most && load->in_flight + (uint64_t)count > load->most)
        count = (int)(load->most - load->in_flight);
    if (load->rate > 0) {
        uint64_t due = (uint64_t)((double)(load->now - load->started) * load->rate / 1e9);
        if (load->sent + (uint64_t)count > due)
            count = due > load->sent ? (int)(due - load->sent) : 0;
    }
    return count;
}

/* Sends `count` queries of `length` octets each: one trip through the kernel for all of them, which cuts them up before
 * the server's socket (UDP_SEGMENT). Else a query costs us as much as an answer costs the server, and we were the limit.
 * How many were sent. */
static int send_equal(struct load *load, int fd, uint8_t *queries, int length, int count) {
    union {
        struct cmsghdr header;
        uint8_t octets[CMSG_SPACE(sizeof(uint16_t))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(uint16_t)), .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT}};
    uint16_t segment = (uint16_t)length;
    memcpy(CMSG_DATA(&control.header), &segment, sizeof segment);
    struct iovec part = {queries, (size_t)(length * count)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (segmenting && count > 1) {
        if (sendmsg(fd, &message, 0) >= 0)
            return count;
        if (errno == EINVAL || errno == EIO || errno == ENOPROTOOPT || errno == EMSGSIZE)
            segmenting = 0;
    }
    int sent = 0;
    while (sent < count && send(fd, queries + sent * length, (size_t)length, 0) >= 0)
        sent++;
    if (sent < count) {
        if (errno == ECONNREFUSED)
            load->refused++;
        else if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
            fail("send");
    }
    return sent;
}

/* Send as much as the window allows, queries of equal length together. */
static void refill(struct load *load, struct udp_client *client) {
    int lengths[BATCH], count;
    while ((count = allowance(load, client)) > 0) {
        uint8_t *at = outgoing;
        for (int number = 0; number < count; number++)
            at += lengths[number] = next_query(load, &client->in_flight, at);
        at = outgoing;
        for (int first = 0, equal; first < count; first += equal) {
            for (equal = 1; first + equal < count && lengths[first + equal] == lengths[first];)
                equal++;
            int sent = send_equal(load, client->fd, at, lengths[first], equal);
            if (sent < equal) {
                at += sent * lengths[first];
                for (int number = first + sent; number < count; at += lengths[number++])
                    unsend(load, &client->in_flight, at);
                return;
            }
            at += equal * lengths[first];
        }
    }
}

/* Where not all clients may ask at once, those do who have waited longest. */
static void refill_in_turn(struct load *load, struct udp_client *clients) {
    static int next;
    for (int tried = 0; tried < load->sockets && load->in_flight < load->most; tried++) {
        refill(load, &clients[next]);
        next = (next + 1) % load->sockets;
    }
}

static void receive(struct load *load, struct udp_client *client) {
    for (;;) {
        int count = recvmmsg(client->fd, in_headers, BATCH, MSG_DONTWAIT, NULL);
        if (count < 0) {
            if (errno == ECONNREFUSED)
                load->refused++;
            else if (errno != EAGAIN && errno != EINTR)
                fail("recvmmsg");
            return;
        }
        for (int number = 0; number < count; number++)
            take_answer(load, &client->in_flight, incoming[number], (int)in_headers[number].msg_len);
        if (count < BATCH)
            return;
    }
}

void run_udp(struct load *load) {
    struct udp_client *clients = allocate((size_t)load->sockets, sizeof *clients);
    int poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        fail("epoll");
    for (int number = 0; number < BATCH; number++) {
        in_parts[number] = (struct iovec){incoming[number], SLOT_OCTETS};
        in_headers[number].msg_hdr = (struct msghdr){.msg_iov = &in_parts[number], .msg_iovlen = 1};
    }
    for (int number = 0; number < load->sockets; number++) {
        open_socket(load, &clients[number]);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[number]};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, clients[number].fd, &event))
            fail("epoll");
    }
    load->now = load->started = load->swept = clock_ns();
    load->ends = load->started + (uint64_t)(load->seconds * 1e9);
    for (int number = 0; number < load->sockets; number++)
        refill(load, &clients[number]);
    struct epoll_event events[EVENTS];
    while (!is_over(load)) {
        int ready = epoll_wait(poller, events, EVENTS, 0);
        for (int number = 0; number < ready; number++) {
            receive(load, events[number].data.ptr);
            if (!load->most)
                refill(load, events[number].data.ptr);
        }
        if (load->most)
            refill_in_turn(load, clients);
        if (!ready)
            load->idle += clock_ns() - load->now;
        if (load->now - load->swept > SWEEP_EVERY) {
            load->swept = load->now;
            for (int number = 0; number < load->sockets; number++) {
                give_up(load, &clients[number].in_flight, 0);
                refill(load, &clients[number]);
            }
        }
    }
    while (is_draining(load)) {
        int ready = epoll_wait(poller, events, EVENTS, 0);
        for (int number = 0; number < ready; number++)
            receive(load, events[number].data.ptr);
    }
}
