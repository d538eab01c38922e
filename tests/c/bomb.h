/*
 * A server of this machine whose every answer is gzip that unpacks to zeros: 1 byte to about 160.
 */
#ifndef BOMB_H
#define BOMB_H

#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* So many zeros are repeated by one step of deflate (RFC 1951 section 3.2.5). */
enum { BOMB_RUN = 258 };

typedef struct bomb {
    uint8_t *bytes;
    size_t size;
    uint64_t unpacked;
    int listener, answers;
    pthread_t thread;
    char url[64];
    /* The byte that is being filled, from its lowest bit on. */
    int bits;
} bomb;

static inline void bomb_bit(bomb *made, unsigned bit) {
    if (made->bits == 0) {
        made->bytes[made->size++] = 0;
    }
    made->bytes[made->size - 1] |= (uint8_t)(bit << made->bits);
    made->bits = (made->bits + 1) % 8;
}

/* The code of a symbol, its highest bit first. */
static inline void bomb_code(bomb *made, unsigned code, int length) {
    while (length-- > 0) {
        bomb_bit(made, code >> length & 1u);
    }
}

static inline void bomb_number(bomb *made, uint32_t number) {
    for (int at = 0; at < 4; at++) {
        made->bytes[made->size++] = (uint8_t)(number >> 8 * at);
    }
}

/* One zero, and as many runs of zeros: one block of fixed codes. */
static inline void bomb_make(bomb *made, uint64_t runs) {
    static const uint8_t head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    uint32_t sum = 0xffffffffu;
    memset(made, 0, sizeof *made);
    made->bytes = (uint8_t *)malloc((size_t)(runs * 13 / 8) + 64);
    made->unpacked = 1 + runs * BOMB_RUN;
    memcpy(made->bytes, head, sizeof head);
    made->size = sizeof head;
    bomb_bit(made, 1);
    bomb_bit(made, 1);
    bomb_bit(made, 0);
    bomb_code(made, 0x30, 8); /* the byte 0 */
    for (uint64_t run = 0; run < runs; run++) {
        bomb_code(made, 0xc5, 8); /* the longest run, ... */
        bomb_code(made, 0, 5);    /* of the byte before */
    }
    bomb_code(made, 0, 7); /* the end */
    for (uint64_t at = 0; at < made->unpacked; at++) {
        for (int bit = 0; bit < 8; bit++) {
            sum = sum >> 1 ^ (0xedb88320u & (0u - (sum & 1u)));
        }
    }
    bomb_number(made, ~sum);
    bomb_number(made, (uint32_t)made->unpacked);
}

static inline void *bomb_serve(void *given) {
    bomb *made = (bomb *)given;
    for (;;) {
        char head[4096], answer[160];
        int stream = accept(made->listener, NULL, NULL);
        if (stream < 0) {
            return NULL;
        }
        size_t got = 0;
        do {
            ssize_t more = recv(stream, head + got, sizeof head - 1 - got, 0);
            if (more <= 0) {
                break;
            }
            got += (size_t)more;
            head[got] = '\0';
        } while (strstr(head, "\r\n\r\n") == NULL);
        made->answers++;
        int length = snprintf(answer, sizeof answer,
                              "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", made->size);
        /* The client may go away before all of it is sent. */
        if (send(stream, answer, (size_t)length, MSG_NOSIGNAL) == length) {
            for (size_t at = 0; at < made->size;) {
                ssize_t sent = send(stream, made->bytes + at, made->size - at, MSG_NOSIGNAL);
                if (sent <= 0) {
                    break;
                }
                at += (size_t)sent;
            }
        }
        close(stream);
    }
}

static inline void bomb_start(bomb *made, uint64_t runs) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    bomb_make(made, runs);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    made->listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(made->bytes != NULL && bind(made->listener, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(made->listener, 8) == 0 && getsockname(made->listener, (struct sockaddr *)&address, &size) == 0);
    snprintf(made->url, sizeof made->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    CHECK(pthread_create(&made->thread, NULL, bomb_serve, made) == 0);
}

static inline void bomb_stop(bomb *made) {
    shutdown(made->listener, SHUT_RDWR);
    pthread_join(made->thread, NULL);
    close(made->listener);
    free(made->bytes);
}

#endif
