/* What the kinds of load share: the questions, what is in flight, whether an answer is right, and the account of it all. */
#ifndef LOAD_H
#define LOAD_H

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>

#define DNS_HEADER 12      /* RFC 1035 section 4.1.1 */
#define MAX_QUERY 512      /* octets; questions.py makes no longer ones */
#define MAX_ANSWER 65535   /* octets; RFC 1035 section 4.2.2 */
#define SLOT_BITS 10       /* of the message id; the other six count how often the slot was used */
#define MAX_WINDOW (1 << SLOT_BITS)
#define BATCH 64
#define LOST_AFTER 2000000000u /* nanoseconds after which an answer is not waited for any more */
#define DRAIN_QUIET 500000000u /* nanoseconds without an answer after which, at the end, no more are awaited */
#define DRAIN_MOST 5000000000u /* nanoseconds the end takes at most */
#define SWEEP_EVERY 50000000u /* nanoseconds between looks for lost ones */
#define MAX_SECONDS 60.0
#define MAX_WRONG_SAMPLES 8

enum { EXPECT_AA = 1, RANDOM_LABEL = 2, APART = 4 };

/* As questions.py writes it, little-endian; `length` octets of the query follow, padded to four. */
struct question {
    uint16_t length;
    uint8_t rcode;
    uint8_t flags;
    uint16_t answers;    /* exactly */
    uint16_t authority;  /* at least */
    uint16_t additional; /* at least */
    uint16_t section;    /* octets of the question section */
    uint8_t wire[];
};

struct slot {
    const struct question *question; /* NULL: free */
    uint64_t sent_at;                /* ns */
    uint64_t seed;                   /* of a random label */
    uint16_t generation;
};

/* What one client (a socket, a connection) has in flight. */
struct client {
    struct slot *slots;
    uint16_t *free_slots;
    int free_count;
};

struct load {
    int port, sockets, window, cpu, echo;
    double rate;   /* queries a second at most; 0: as many as are answered. udp only */
    uint64_t most; /* in flight of all clients together; 0: as their windows allow */
    double seconds;
    uint8_t *questions;
    size_t questions_size, cursor;
    uint64_t random;
    uint64_t started, now, ends, swept, in_flight;
    /* the account */
    uint64_t sent, answered, wrong, lost, stray, octets, connections, refused, last_answer;
    uint64_t idle;    /* ns of the time in which there was nothing to do */
    uint64_t in_time; /* of those answered, before the end */
    uint64_t rcodes[16];
    struct { uint64_t sent, answered, lost, in_flight; } apart; /* the part of it that is of questions marked APART */
    /* samples for the harness to decode */
    FILE *samples;
    uint64_t sample_every, samples_left, wrong_left;
};

uint64_t clock_ns(void);
void fail(const char *what);
void *allocate(size_t count, size_t size);

void client_init(struct load *load, struct client *client);
/* Takes a free slot and writes the next query; its length. */
int next_query(struct load *load, struct client *client, uint8_t *out);
/* Accounts for one answer; frees its slot. Returns 1 if it was awaited. */
int take_answer(struct load *load, struct client *client, const uint8_t *answer, int length);
/* Gives up what waits too long, or with `all` everything. */
void give_up(struct load *load, struct client *client, int all);
/* Whether the end has come: in_time and the time are noted, and nothing more is sent. */
int is_over(struct load *load);
/* Whether answers to what is in flight are still awaited. */
int is_draining(struct load *load);
/* Gives back the slot of a query of this id that could not be sent. */
void unsend(struct load *load, struct client *client, const uint8_t *query);

void run_udp(struct load *load);
void run_tcp(struct load *load, int one_query);

#endif
