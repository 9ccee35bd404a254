/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line between two network namespaces: bandwidth, round trip, loss, and connections that freeze.
 *
 *   link MBIT RTT_MS LOSS_PERCENT FREEZE
 *
 * Makes two namespaces with a TUN device each (10.77.0.1 for servers, 10.77.0.2 for clients), prints the ids of two
 * processes that live in them ("SERVER CLIENT", for nsenter -n -t ID) and relays packets until its input ends; then
 * everything is gone again. Each direction is a queue of one round trip (at least 20 ms) at MBIT, then half the round trip
 * of delay; lost are packets of both directions. With FREEZE n, of every ten connections that
 * reached 4 MiB the n-th goes silent for good then; 0 for none. A byte of input begins to count anew.
 *
 * Not tc netem: that is a module of the kernel which containers and small machines often lack.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MTU          1500
#define SLOTS        (1u << 17)
#define BATCH        64
#define FREEZE_BYTES ((uint64_t)4 << 20)

typedef struct packet {
    uint64_t due_ns;
    uint16_t len;
    uint8_t data[MTU];
} packet;

typedef struct way {
    int from;
    int to;
    packet *ring;
    unsigned put;
    unsigned got;
    uint64_t free_ns; /* when the line has sent what was given to it */
} way;

static struct {
    double ns_per_byte;
    uint64_t delay_ns;
    uint64_t queue_ns;
    uint64_t loss; /* of 2^32 */
    unsigned freeze;
    unsigned grown; /* flows that reached FREEZE_BYTES */
    uint64_t seed;
    struct {
        int frozen;
        uint64_t bytes;
    } flow[65536]; /* by the client's port */
} line = { .seed = 88172645463325252u };

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint32_t chance(void)
{
    line.seed ^= line.seed << 13;
    line.seed ^= line.seed >> 7;
    line.seed ^= line.seed << 17;
    return (uint32_t)(line.seed >> 32);
}

/* ---- namespaces */

static void up(int s, const char *name)
{
    struct ifreq r = { .ifr_flags = IFF_UP | IFF_RUNNING };

    strcpy(r.ifr_name, name);
    if (ioctl(s, SIOCSIFFLAGS, &r) < 0)
        die("SIOCSIFFLAGS");
}

static void address(int s, unsigned long what, const char *text)
{
    struct ifreq r = { .ifr_name = "tun0" };
    struct sockaddr_in *in = (struct sockaddr_in *)&r.ifr_addr;

    in->sin_family = AF_INET;
    inet_pton(AF_INET, text, &in->sin_addr);
    if (ioctl(s, what, &r) < 0)
        die("address of tun0");
}

/* A fresh namespace with tun0 at that address, and a process in it. Returns the device. */
static int make_end(const char *ip, pid_t *holder)
{
    struct ifreq r = { .ifr_name = "tun0", .ifr_flags = IFF_TUN | IFF_NO_PI };
    int tun;
    int s;

    if (unshare(CLONE_NEWNET) < 0)
        die("link: no network namespaces here (root is needed)");
    tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (tun < 0 || ioctl(tun, TUNSETIFF, &r) < 0)
        die("link: no TUN device here");
    s = socket(AF_INET, SOCK_DGRAM, 0);
    address(s, SIOCSIFADDR, ip);
    address(s, SIOCSIFNETMASK, "255.255.255.0");
    r = (struct ifreq){ .ifr_name = "tun0" };
    r.ifr_qlen = 20000; /* the queue that counts is ours */
    if (ioctl(s, SIOCSIFTXQLEN, &r) < 0)
        die("SIOCSIFTXQLEN");
    up(s, "tun0");
    up(s, "lo");
    close(s);
    *holder = fork();
    if (*holder < 0)
        die("fork");
    if (*holder == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    return tun;
}

/* ---- packets */

/* True when this packet belongs to a connection that froze. Of IPv4 without options, TCP. */
static int is_frozen(const uint8_t *data, size_t len, int from_client)
{
    unsigned port;

    if (!line.freeze || len < 40 || data[0] != 0x45 || data[9] != 6)
        return 0;
    port = from_client ? data[20] << 8 | data[21] : data[22] << 8 | data[23];
    if (from_client && (data[33] & 0x12) == 0x02) { /* SYN alone: a new connection */
        line.flow[port].frozen = 0;
        line.flow[port].bytes = 0;
    }
    if (line.flow[port].bytes < FREEZE_BYTES && line.flow[port].bytes + len >= FREEZE_BYTES)
        line.flow[port].frozen = line.grown++ % 10 + 1 == line.freeze;
    line.flow[port].bytes += len;
    return line.flow[port].frozen;
}

static int take(way *w, int from_client)
{
    int n = 0;

    for (; n < BATCH; n++) {
        packet *p = &w->ring[w->put % SLOTS];
        ssize_t len = read(w->from, p->data, MTU);
        uint64_t now;

        if (len <= 0)
            break;
        now = now_ns();
        if (w->free_ns < now)
            w->free_ns = now;
        if (w->put - w->got == SLOTS || w->free_ns - now > line.queue_ns || chance() < line.loss ||
            is_frozen(p->data, (size_t)len, from_client))
            continue;
        w->free_ns += (uint64_t)((double)len * line.ns_per_byte);
        p->len = (uint16_t)len;
        p->due_ns = w->free_ns + line.delay_ns;
        w->put++;
    }
    return n;
}

static void give(way *w)
{
    for (int n = 0; n < BATCH && w->got != w->put; n++, w->got++) {
        packet *p = &w->ring[w->got % SLOTS];

        if (p->due_ns > now_ns())
            return;
        if (write(w->to, p->data, p->len) < 0 && errno == EAGAIN)
            return;
    }
}

static void relay(way *there, way *back)
{
    struct pollfd fds[3] = { { .fd = there->from, .events = POLLIN },
                             { .fd = back->from, .events = POLLIN },
                             { .fd = 0, .events = POLLIN } };

    for (;;) {
        uint64_t due = UINT64_MAX;
        uint64_t now;
        struct timespec wait = { .tv_sec = 1 };
        char c;

        if (there->got != there->put)
            due = there->ring[there->got % SLOTS].due_ns;
        if (back->got != back->put && back->ring[back->got % SLOTS].due_ns < due)
            due = back->ring[back->got % SLOTS].due_ns;
        now = now_ns();
        if (due != UINT64_MAX) {
            due = due > now ? due - now : 0;
            wait = (struct timespec){ (time_t)(due / 1000000000u), (long)(due % 1000000000u) };
        }
        ppoll(fds, 3, &wait, NULL);
        if (fds[2].revents && read(0, &c, 1) <= 0)
            return;
        if (fds[2].revents)
            line.grown = 0;
        if (fds[0].revents)
            take(there, 1);
        if (fds[1].revents)
            take(back, 0);
        give(there);
        give(back);
    }
}

int main(int argc, char **argv)
{
    pid_t server;
    pid_t client;
    way there = { .ring = calloc(SLOTS, sizeof(packet)) };
    way back = { .ring = calloc(SLOTS, sizeof(packet)) };
    double rtt_ms = argc == 5 ? atof(argv[2]) : 0;

    if (argc != 5 || atof(argv[1]) <= 0) {
        fputs("usage: link MBIT RTT_MS LOSS_PERCENT FREEZE\n", stderr);
        return 2;
    }
    line.ns_per_byte = 8000 / atof(argv[1]);
    line.delay_ns = (uint64_t)(rtt_ms * 500000);
    line.queue_ns = (uint64_t)((rtt_ms < 20 ? 20 : rtt_ms) * 1000000);
    line.loss = (uint64_t)(atof(argv[3]) / 100 * 4294967296.0);
    line.freeze = (unsigned)atoi(argv[4]);
    back.from = there.to = make_end("10.77.0.1", &server);
    there.from = back.to = make_end("10.77.0.2", &client);
    prctl(PR_SET_TIMERSLACK, 1000);
    printf("%d %d\n", (int)server, (int)client);
    fflush(stdout);
    if (there.ring && back.ring)
        relay(&there, &back);
    kill(server, SIGKILL);
    kill(client, SIGKILL);
    return 0;
}
