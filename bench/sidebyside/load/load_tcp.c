/* Load over TCP: pipelined on lasting connections (RFC 7766), or a connection for each query. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define INPUT (2 * (MAX_ANSWER + 2))
#define EVENTS 256
/* Connections come from so many addresses of 127.0.0.0/8 in turn: a closed one keeps its port for a minute. */
#define SOURCES 64
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

struct connection {
    struct client in_flight;
    int fd, wants_write;
    uint8_t *input, *output;
    int input_length, output_length, output_at;
};

static int poller, source;

static void watch(struct connection *connection, int operation) {
    struct epoll_event event = {.events = EPOLLIN | (connection->wants_write ? EPOLLOUT : 0), .data.ptr = connection};
    if (epoll_ctl(poller, operation, connection->fd, &event))
        fail("epoll");
}

static void write_out(struct load *load, struct connection *connection);
static void refill(struct load *load, struct connection *connection);

static void open_connection(struct load *load, struct connection *connection) {
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load->port)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    int on = 1;
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(source++ % SOURCES));
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        fail("socket");
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(connection->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(connection->fd, (struct sockaddr *)&from, sizeof from))
        fail("bind");
    if (connect(connection->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS) {
        if (errno != ECONNREFUSED && errno != EADDRNOTAVAIL && errno != ECONNRESET)
            fail("connect");
        load->refused++;
    }
    load->connections++;
    connection->input_length = connection->output_length = connection->output_at = 0;
    connection->wants_write = 1;
    watch(connection, EPOLL_CTL_ADD);
}

static void reopen(struct load *load, struct connection *connection) {
    close(connection->fd);
    give_up(load, &connection->in_flight, 1);
    open_connection(load, connection);
}

static void write_out(struct load *load, struct connection *connection) {
    while (connection->output_at < connection->output_length) {
        ssize_t done = send(connection->fd, connection->output + connection->output_at,
                            (size_t)(connection->output_length - connection->output_at), MSG_NOSIGNAL);
        if (done < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN) {
                load->refused++;
                reopen(load, connection);
                return;
            }
            break;
        }
        connection->output_at += (int)done;
    }
    if (connection->output_at == connection->output_length)
        connection->output_at = connection->output_length = 0;
    int wants = connection->output_length > 0;
    if (wants != connection->wants_write) {
        connection->wants_write = wants;
        watch(connection, EPOLL_CTL_MOD);
    }
}

static void refill(struct load *load, struct connection *connection) {
    if (connection->output_length) /* one write at a time: the rest follows when there is room */
        return;
    while (connection->in_flight.free_count) {
        uint8_t *at = connection->output + connection->output_length;
        int length = next_query(load, &connection->in_flight, at + 2);
        at[0] = (uint8_t)(length >> 8);
        at[1] = (uint8_t)length;
        connection->output_length += length + 2;
    }
    write_out(load, connection);
}

/* Whether the connection goes on. */
static int read_in(struct load *load, struct connection *connection) {
    ssize_t got = recv(connection->fd, connection->input + connection->input_length,
                       (size_t)(INPUT - connection->input_length), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 1;
    if (got <= 0)
        return 0;
    connection->input_length += (int)got;
    int at = 0;
    while (connection->input_length - at >= 2) {
        int length = connection->input[at] << 8 | connection->input[at + 1];
        if (connection->input_length - at - 2 < length)
            break;
        take_answer(load, &connection->in_flight, connection->input + at + 2, length);
        at += 2 + length;
    }
    connection->input_length -= at;
    memmove(connection->input, connection->input + at, (size_t)connection->input_length);
    return 1;
}

static void attend(struct load *load, struct connection *connection, uint32_t events, int one_query) {
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        if (!read_in(load, connection)) {
            reopen(load, connection);
            return;
        }
        if (one_query && connection->in_flight.free_count == load->window && !connection->wants_write) {
            reopen(load, connection);
            return;
        }
    }
    if (events & EPOLLOUT && connection->output_length)
        write_out(load, connection);
    else if (!one_query || events & EPOLLOUT)
        refill(load, connection);
}

void run_tcp(struct load *load, int one_query) {
    if (one_query)
        load->window = 1;
    struct connection *connections = allocate((size_t)load->sockets, sizeof *connections);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        fail("epoll");
    load->now = load->started = load->swept = clock_ns();
    load->ends = load->started + (uint64_t)(load->seconds * 1e9);
    for (int number = 0; number < load->sockets; number++) {
        connections[number].input = allocate(INPUT, 1);
        connections[number].output = allocate((size_t)load->window, MAX_QUERY + 2);
        client_init(load, &connections[number].in_flight);
        open_connection(load, &connections[number]);
    }
    struct epoll_event events[EVENTS];
    while (!is_over(load)) {
        int ready = epoll_wait(poller, events, EVENTS, 0);
        for (int number = 0; number < ready; number++)
            attend(load, events[number].data.ptr, events[number].events, one_query);
        if (!ready)
            load->idle += clock_ns() - load->now;
        if (load->now - load->swept > SWEEP_EVERY) {
            load->swept = load->now;
            for (int number = 0; number < load->sockets; number++) {
                struct client *in_flight = &connections[number].in_flight;
                uint64_t lost = load->lost;
                give_up(load, in_flight, 0);
                if (load->lost != lost)
                    reopen(load, &connections[number]);
            }
        }
    }
    while (is_draining(load)) {
        int ready = epoll_wait(poller, events, EVENTS, 0);
        for (int number = 0; number < ready; number++) {
            struct connection *connection = events[number].data.ptr;
            if (connection->output_length)
                write_out(load, connection);
            if (!read_in(load, connection)) {
                give_up(load, &connection->in_flight, 1);
                close(connection->fd);
            }
        }
    }
}
