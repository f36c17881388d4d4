/* The yardstick: a server that sends each message back, longer by so many octets. What no server on this machine can beat.
 *
 * echo -k udp|tcp -p PORT -x OCTETS */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define MESSAGE 4096
#define BUFFER (4 << 20)
#define INPUT 65536
#define EVENTS 256

static int extra;

static void fail(const char *what) {
    fprintf(stderr, "echo: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int listen_on(int kind, int port) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1, size = BUFFER;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) || bind(fd, (void *)&here, sizeof here))
        fail("bind");
    if ((kind & SOCK_DGRAM) == SOCK_DGRAM)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    else if (listen(fd, 4096))
        fail("listen");
    return fd;
}

static void serve_udp(int port) {
    static uint8_t buffers[BATCH][MESSAGE];
    static struct mmsghdr headers[BATCH];
    static struct iovec parts[BATCH];
    static struct sockaddr_in clients[BATCH];
    int fd = listen_on(SOCK_DGRAM, port);
    for (int number = 0; number < BATCH; number++) {
        parts[number] = (struct iovec){buffers[number], MESSAGE};
        headers[number].msg_hdr = (struct msghdr){.msg_name = &clients[number], .msg_namelen = sizeof clients[number],
                                                  .msg_iov = &parts[number], .msg_iovlen = 1};
    }
    for (;;) {
        int count = recvmmsg(fd, headers, BATCH, MSG_WAITFORONE, NULL);
        for (int number = 0; number < count; number++) {
            size_t length = headers[number].msg_len + (size_t)extra;
            buffers[number][2] |= 0x80;
            parts[number].iov_len = length < MESSAGE ? length : MESSAGE;
        }
        for (int done = 0, more; done < count; done += more)
            if ((more = sendmmsg(fd, headers + done, (unsigned)(count - done), 0)) <= 0)
                break;
        for (int number = 0; number < count; number++)
            parts[number].iov_len = MESSAGE;
    }
}

struct connection {
    int fd, length;
    uint8_t input[INPUT];
};

static void answer(struct connection *connection) {
    static uint8_t output[INPUT + 65536 * 8];
    int at = 0, out = 0;
    while (connection->length - at >= 2) {
        uint8_t *message = connection->input + at;
        int length = message[0] << 8 | message[1], longer = length + extra;
        if (connection->length - at - 2 < length)
            break;
        if (out + longer + 2 > (int)sizeof output)
            break;
        output[out] = (uint8_t)(longer >> 8);
        output[out + 1] = (uint8_t)longer;
        memcpy(output + out + 2, message + 2, (size_t)length);
        memset(output + out + 2 + length, 0, (size_t)extra);
        output[out + 4] |= 0x80;
        out += longer + 2;
        at += length + 2;
    }
    connection->length -= at;
    memmove(connection->input, connection->input + at, (size_t)connection->length);
    for (int done = 0; done < out;) { /* the load reads all it asked for: this ends */
        ssize_t more = send(connection->fd, output + done, (size_t)(out - done), MSG_NOSIGNAL);
        if (more < 0 && errno != EAGAIN)
            return;
        done += more > 0 ? (int)more : 0;
    }
}

static void serve_tcp(int port) {
    int listener = listen_on(SOCK_STREAM | SOCK_NONBLOCK, port), poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN}, events[EVENTS];
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event))
        fail("epoll");
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS, -1);
        for (int number = 0; number < ready; number++) {
            struct connection *connection = events[number].data.ptr;
            if (!connection) {
                for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
                    int on = 1;
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                    connection = malloc(sizeof *connection);
                    if (!connection)
                        fail("memory");
                    connection->fd = fd;
                    connection->length = 0;
                    struct epoll_event more = {.events = EPOLLIN, .data.ptr = connection};
                    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &more))
                        fail("epoll");
                }
                continue;
            }
            ssize_t got = recv(connection->fd, connection->input + connection->length,
                               (size_t)(INPUT - connection->length), 0);
            if (got > 0) {
                connection->length += (int)got;
                answer(connection);
            } else if (got == 0 || errno != EAGAIN) {
                close(connection->fd);
                free(connection);
            }
        }
    }
}

int main(int count, char **words) {
    const char *kind = "udp";
    int port = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int option; (option = getopt(count, words, "k:p:x:")) != -1;)
        switch (option) {
        case 'k': kind = optarg; break;
        case 'p': port = atoi(optarg); break;
        case 'x': extra = atoi(optarg); break;
        default: return 2;
        }
    if (port < 1 || port > 65535 || extra < 0 || extra > MESSAGE) {
        fprintf(stderr, "echo -k udp|tcp -p PORT -x OCTETS\n");
        return 2;
    }
    if (strcmp(kind, "tcp") == 0)
        serve_tcp(port);
    else
        serve_udp(port);
}
