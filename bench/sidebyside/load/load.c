/* A load of DNS queries for one server on loopback, closed loop: each answer makes room for the next query.
 *
 * load -k udp|tcp|connect -p PORT -q QUESTIONS -d SECONDS -s SOCKETS -w WINDOW [-i MOST] [-t RATE] [-c CPU] [-o SAMPLES -n COUNT] [-e]
 *
 * udp: SOCKETS sockets with WINDOW queries in flight each, at most MOST of all, at most RATE a second. tcp: as many connections, pipelined. connect: SOCKETS
 * connections at a time, one query each. At the end it sends no more and waits for what is in flight, so that the next load
 * finds an idle server: what was not answered then is lost. It never sleeps, so that the server does not pay for waking it. Every answer is
 * held against what the question expects; samples are written for the harness to decode. -e: an echo is asked, nothing
 * but the id is looked at. Prints one line of JSON; what is of questions marked APART is in it once more, by itself. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void fail(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "invalid");
    exit(1);
}

void *allocate(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (!memory)
        fail("memory");
    return memory;
}

static uint64_t next_random(struct load *load) { /* splitmix64 */
    uint64_t z = (load->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* The first label of a query gets letters that follow from the seed. */
static void write_label(uint8_t *wire, uint64_t seed) {
    int length = wire[DNS_HEADER];
    for (int at = 0; at < length; at++)
        wire[DNS_HEADER + 1 + at] = (uint8_t)('a' + (seed >> (at % 16 * 4) & 15));
}

void client_init(struct load *load, struct client *client) {
    client->slots = allocate((size_t)load->window, sizeof *client->slots);
    client->free_slots = allocate((size_t)load->window, sizeof *client->free_slots);
    for (int number = 0; number < load->window; number++)
        client->free_slots[number] = (uint16_t)number;
    client->free_count = load->window;
}

int next_query(struct load *load, struct client *client, uint8_t *out) {
    const struct question *question = (const void *)(load->questions + load->cursor);
    load->cursor += sizeof *question + ((question->length + 3u) & ~3u);
    if (load->cursor >= load->questions_size)
        load->cursor = 0;
    uint16_t number = client->free_slots[--client->free_count];
    struct slot *slot = &client->slots[number];
    slot->question = question;
    slot->sent_at = load->now;
    slot->generation = (uint16_t)(slot->generation + 1);
    memcpy(out, question->wire, question->length);
    uint16_t id = (uint16_t)(number | slot->generation << SLOT_BITS);
    out[0] = (uint8_t)(id >> 8);
    out[1] = (uint8_t)id;
    if (question->flags & RANDOM_LABEL) {
        slot->seed = next_random(load);
        write_label(out, slot->seed);
    }
    load->sent++;
    load->in_flight++;
    if (question->flags & APART) {
        load->apart.sent++;
        load->apart.in_flight++;
    }
    return question->length;
}

static void release(struct load *load, struct client *client, uint16_t number) {
    load->in_flight--;
    if (client->slots[number].question->flags & APART)
        load->apart.in_flight--;
    client->slots[number].question = NULL;
    client->free_slots[client->free_count++] = number;
}

void unsend(struct load *load, struct client *client, const uint8_t *query) {
    uint16_t number = (uint16_t)((query[0] << 8 | query[1]) & (MAX_WINDOW - 1));
    if (client->slots[number].question->flags & APART)
        load->apart.sent--;
    release(load, client, number);
    load->sent--;
}

static unsigned u16(const uint8_t *at) { return (unsigned)(at[0] << 8 | at[1]); }

static int is_right(const struct slot *slot, const uint8_t *answer, int length) {
    const struct question *question = slot->question;
    int section = question->section;
    if (length < DNS_HEADER + section || !(answer[2] & 0x80) || answer[2] & 0x02) /* QR, TC */
        return 0;
    if (!(answer[2] & 0x04) != !(question->flags & EXPECT_AA) || (answer[3] & 15) != question->rcode)
        return 0;
    if (u16(answer + 4) != 1 || u16(answer + 6) != question->answers || u16(answer + 8) < question->authority ||
        u16(answer + 10) < question->additional)
        return 0;
    if (!(question->flags & RANDOM_LABEL))
        return memcmp(answer + DNS_HEADER, question->wire + DNS_HEADER, (size_t)section) == 0;
    uint8_t asked[MAX_QUERY];
    memcpy(asked, question->wire, question->length);
    write_label(asked, slot->seed);
    return memcmp(answer + DNS_HEADER, asked + DNS_HEADER, (size_t)section) == 0;
}

/* u32 offset of the question, u16 length, u16 whether it is wrong, the answer. */
static void sample(struct load *load, const struct slot *slot, const uint8_t *answer, int length, int wrong) {
    uint32_t offset = (uint32_t)((const uint8_t *)slot->question - load->questions);
    uint16_t words[2] = {(uint16_t)length, (uint16_t)wrong};
    if (fwrite(&offset, sizeof offset, 1, load->samples) != 1 || fwrite(words, sizeof words, 1, load->samples) != 1 ||
        fwrite(answer, (size_t)length, 1, load->samples) != 1)
        fail("samples");
}

int take_answer(struct load *load, struct client *client, const uint8_t *answer, int length) {
    if (length < DNS_HEADER) {
        load->stray++;
        return 0;
    }
    unsigned id = u16(answer), number = id & (MAX_WINDOW - 1);
    struct slot *slot = number < (unsigned)load->window ? &client->slots[number] : NULL;
    if (!slot || !slot->question || ((slot->generation << SLOT_BITS | (int)number) & 0xffff) != (int)id) {
        load->stray++;
        return 0;
    }
    load->octets += (uint64_t)length;
    load->rcodes[answer[3] & 15]++;
    if (load->echo || is_right(slot, answer, length)) {
        if (load->samples_left && load->answered % load->sample_every == 0) {
            load->samples_left--;
            sample(load, slot, answer, length, 0);
        }
        load->answered++;
        if (slot->question->flags & APART)
            load->apart.answered++;
        load->last_answer = load->now;
    } else {
        load->wrong++;
        if (load->wrong_left) {
            load->wrong_left--;
            sample(load, slot, answer, length, 1);
        }
    }
    release(load, client, (uint16_t)number);
    return 1;
}

void give_up(struct load *load, struct client *client, int all) {
    for (int number = 0; number < load->window; number++) {
        struct slot *slot = &client->slots[number];
        if (slot->question && (all || load->now - slot->sent_at > LOST_AFTER)) {
            load->lost++;
            if (slot->question->flags & APART)
                load->apart.lost++;
            release(load, client, (uint16_t)number);
        }
    }
}

int is_over(struct load *load) {
    load->now = clock_ns();
    if (load->now < load->ends)
        return 0;
    load->in_time = load->answered;
    load->ends = load->last_answer = load->now;
    return 1;
}

int is_draining(struct load *load) {
    load->now = clock_ns();
    return load->in_flight && load->now - load->last_answer < DRAIN_QUIET && load->now - load->ends < DRAIN_MOST;
}

static void read_questions(struct load *load, const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        fail(path);
    long size = ftell(file);
    if (size <= (long)sizeof(struct question))
        fail("questions are empty");
    rewind(file);
    load->questions = allocate((size_t)size, 1);
    load->questions_size = (size_t)size;
    if (fread(load->questions, (size_t)size, 1, file) != 1)
        fail(path);
    fclose(file);
    for (size_t at = 0; at < load->questions_size;) {
        const struct question *question = (const void *)(load->questions + at);
        if (load->questions_size - at < sizeof *question)
            fail("a question is cut off");
        if (question->length < DNS_HEADER + 5 || question->length > MAX_QUERY)
            fail("a question is too short or too long");
        at += sizeof *question + ((question->length + 3u) & ~3u);
        if (at > load->questions_size)
            fail("a question is cut off");
    }
}

static void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set))
        fail("cpu");
}

static void print_account(struct load *load) {
    double seconds = (double)(load->ends - load->started) / 1e9;
    printf("{\"seconds\": %.6f, \"drain\": %.6f, \"sent\": %llu, \"in_time\": %llu, \"answered\": %llu, \"wrong\": %llu, \"lost\": %llu, \"stray\": %llu, "
           "\"octets\": %llu, \"connections\": %llu, \"refused\": %llu, \"idle\": %.6f, "
           "\"apart\": {\"sent\": %llu, \"answered\": %llu, \"lost\": %llu}, \"rcodes\": {",
           seconds, (double)(load->now - load->ends) / 1e9, (unsigned long long)load->sent, (unsigned long long)load->in_time,
           (unsigned long long)load->answered,
           (unsigned long long)load->wrong, (unsigned long long)(load->lost + load->in_flight), (unsigned long long)load->stray,
           (unsigned long long)load->octets, (unsigned long long)load->connections,
           (unsigned long long)load->refused, (double)load->idle / 1e9,
           (unsigned long long)load->apart.sent, (unsigned long long)load->apart.answered,
           (unsigned long long)(load->apart.lost + load->apart.in_flight));
    const char *between = "";
    for (int rcode = 0; rcode < 16; rcode++)
        if (load->rcodes[rcode]) {
            printf("%s\"%d\": %llu", between, rcode, (unsigned long long)load->rcodes[rcode]);
            between = ", ";
        }
    printf("}}\n");
}

int main(int count, char **words) {
    struct load load = {.seconds = 1, .sockets = 16, .window = 32, .cpu = -1, .random = 53, .sample_every = 101};
    const char *kind = "udp", *questions = NULL, *samples = NULL;
    long offset = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int option; (option = getopt(count, words, "k:p:q:d:s:w:i:t:c:o:n:r:f:e")) != -1;)
        switch (option) {
        case 'k': kind = optarg; break;
        case 'p': load.port = atoi(optarg); break;
        case 'q': questions = optarg; break;
        case 'd': load.seconds = atof(optarg); break;
        case 's': load.sockets = atoi(optarg); break;
        case 'w': load.window = atoi(optarg); break;
        case 'i': load.most = (uint64_t)atol(optarg); break;
        case 't': load.rate = atof(optarg); break;
        case 'c': load.cpu = atoi(optarg); break;
        case 'o': samples = optarg; break;
        case 'n': load.samples_left = (uint64_t)atol(optarg); break;
        case 'r': load.random = (uint64_t)atoll(optarg); break;
        case 'f': offset = atol(optarg); break;
        case 'e': load.echo = 1; break;
        default: return 2;
        }
    if (!questions || load.port < 1 || load.port > 65535 || load.window < 1 || load.window > MAX_WINDOW ||
        load.rate < 0 || load.sockets < 1 || load.seconds <= 0 || load.seconds > MAX_SECONDS) {
        fprintf(stderr, "load: see load.c for the options\n");
        return 2;
    }
    if (load.rate > 0 && !load.most) /* then clients take turns, and none takes all that is due */
        load.most = (uint64_t)load.sockets * (uint64_t)load.window;
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    read_questions(&load, questions);
    /* Not every slice asks the same questions: -f skips so many. */
    for (; offset > 0; offset--) {
        const struct question *question = (const void *)(load.questions + load.cursor);
        load.cursor += sizeof *question + ((question->length + 3u) & ~3u);
        if (load.cursor >= load.questions_size)
            load.cursor = 0;
    }
    load.samples = fopen(samples ? samples : "/dev/null", "wb");
    if (!load.samples)
        fail("samples");
    load.wrong_left = MAX_WRONG_SAMPLES;
    if (load.cpu >= 0)
        pin(load.cpu);
    if (strcmp(kind, "udp") == 0)
        run_udp(&load);
    else if (strcmp(kind, "tcp") == 0 || strcmp(kind, "connect") == 0)
        run_tcp(&load, kind[0] == 'c');
    else
        return 2;
    if (fclose(load.samples))
        fail("samples");
    print_account(&load);
    return 0;
}
