// Der Echo-Server aus Kapitel 11 in C, direkt auf epoll: das Maß für die anderen.
// cc -O2 -o epoll epoll.c && ./epoll --port 5000

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_LINE = 8192,       // so viele Bytes darf eine Zeile haben, ihr Ende nicht mitgezählt
    BUFFER = MAX_LINE + 1, // ist er voll und kein Zeilenende darin, ist die Zeile zu lang
    EVENTS = 1024,         // so viele Ereignisse auf einmal
    BACKLOG = 1024,
    PAUSE = 100,           // Millisekunden, die accept nach einem Fehler ruht
};

static const char TOO_LONG[] = "! Die Zeile hat mehr als 8192 Bytes.\n";

// Gelesen, aber noch nicht beantwortet; NULL, wenn nichts übrig ist.
struct kept {
    size_t length;
    bool ends; // ist das fort, ist Schluss
    char bytes[];
};

static int epoll, listener;
static struct kept **connections; // an der Stelle des Dateideskriptors
static char buffer[BUFFER];
static long long retry; // dann wieder accept versuchen; 0: nicht nötig

// Gibt den Satz aus und beendet das Programm.
static void fail(const char *sentence) {
    fprintf(stderr, "%s: %s.\n", sentence, strerror(errno));
    exit(1);
}

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static void watch(int operation, int descriptor, unsigned flags) {
    struct epoll_event event = {.events = flags, .data.fd = descriptor};
    if (epoll_ctl(epoll, operation, descriptor, &event) < 0)
        fail("epoll_ctl gelingt nicht");
}

// So viele Bytes am Anfang sind ganze Zeilen.
static size_t whole_lines(const char *bytes, size_t length) {
    const char *last = memrchr(bytes, '\n', length);
    return last ? last - bytes + 1 : 0;
}

// Merkt sich, was übrig ist; ohne Rest wird nichts belegt.
static void keep(int descriptor, const char *bytes, size_t length, bool ends) {
    struct kept *kept = NULL;
    if (length > 0) {
        kept = malloc(sizeof *kept + length);
        if (!kept)
            fail("Der Speicher ist zu Ende");
        kept->length = length;
        kept->ends = ends;
        memcpy(kept->bytes, bytes, length);
    }
    free(connections[descriptor]);
    connections[descriptor] = kept;
}

static void end(int descriptor) {
    keep(descriptor, NULL, 0, false);
    close(descriptor); // epoll vergisst ihn
}

// Schickt, was der Sendepuffer annimmt; -1: Diese Verbindung ist zu Ende.
static ssize_t transmit(int descriptor, const char *bytes, size_t length) {
    ssize_t sent = length ? send(descriptor, bytes, length, MSG_NOSIGNAL) : 0;
    return sent < 0 && errno == EAGAIN ? 0 : sent;
}

// Ein Schritt einer Verbindung: lesen, ganze Zeilen zurückschicken, den Rest behalten.
static void step(int descriptor) {
    struct kept *kept = connections[descriptor];
    size_t length = 0;
    if (kept)
        memcpy(buffer, kept->bytes, length = kept->length);
    size_t lines = whole_lines(buffer, length);
    bool was_full = lines > 0; // wer nicht liest, dem wird nicht zugehört
    bool ends = kept && kept->ends;
    if (!was_full) {
        ssize_t count = recv(descriptor, buffer + length, BUFFER - length, 0);
        if (count < 0 && errno == EAGAIN)
            return;
        if (count <= 0)
            return end(descriptor);
        length += count;
        lines = whole_lines(buffer, length);
        if (lines == 0 && length == BUFFER) {
            memcpy(buffer, TOO_LONG, lines = length = strlen(TOO_LONG));
            ends = true;
        }
    }
    ssize_t sent = transmit(descriptor, buffer, lines);
    if (sent < 0 || (ends && (size_t)sent == lines))
        return end(descriptor);
    if (kept || (size_t)sent < length)
        keep(descriptor, buffer + sent, length - sent, ends);
    bool is_full = (size_t)sent < lines;
    if (is_full != was_full)
        watch(EPOLL_CTL_MOD, descriptor, is_full ? EPOLLOUT : EPOLLIN);
}

// Nimmt eine Verbindung an. Wartet noch eine, meldet epoll_wait es wieder.
static void accept_one(void) {
    int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        watch(EPOLL_CTL_ADD, descriptor, EPOLLIN);
    } else if (errno != EAGAIN) {
        printf("Eine Verbindung war nicht zu haben: %s.\n", strerror(errno));
        fflush(stdout);
        watch(EPOLL_CTL_MOD, listener, 0); // sonst käme derselbe Fehler sofort wieder
        retry = now() + PAUSE;
    }
}

// Der Event Loop: warten, bis etwas geschieht; tun, was daraus folgt; von vorn.
static void run(void) {
    struct epoll_event events[EVENTS];
    for (;;) {
        long long patience = retry ? retry - now() : -1;
        if (retry && patience < 0)
            patience = 0;
        int count = epoll_wait(epoll, events, EVENTS, patience);
        if (count < 0 && errno != EINTR)
            fail("epoll_wait gelingt nicht");
        for (int index = 0; index < count; index++) {
            if (events[index].data.fd == listener)
                accept_one();
            else
                step(events[index].data.fd);
        }
        if (retry && retry <= now()) {
            retry = 0;
            watch(EPOLL_CTL_MOD, listener, EPOLLIN);
        }
    }
}

// Lauscht auf 127.0.0.1 und meldet, wo.
static void listen_on(int port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t length = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, BACKLOG) < 0
        || getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        fail("Hier kann der Server nicht lauschen");
    printf("Server lauscht auf 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
}

static void leave(int signal) {
    (void)signal;
    _exit(0);
}

int main(int count, char **words) {
    int port = 5000;
    if (count == 3 && strcmp(words[1], "--port") == 0) {
        port = atoi(words[2]);
    } else if (count != 1) {
        fprintf(stderr, "So geht es: epoll [--port NUMMER]\n");
        return 2;
    }
    signal(SIGINT, leave);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    // Platz für jeden erlaubten Deskriptor; wirklich da ist davon nur, was gebraucht wird.
    connections = calloc(files.rlim_max, sizeof *connections);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!connections || epoll < 0)
        fail("Der Server kann nicht beginnen");
    listen_on(port);
    watch(EPOLL_CTL_ADD, listener, EPOLLIN);
    run();
}
