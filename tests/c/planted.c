/*
 * A program with one fault each: what the tools have to find before they are believed when they find nothing.
 */
#include <ledgerauth.h>
#include <pthread.h>
#include <stdlib.h>

static int counter;

static void *count(void *unused) {
    (void)unused;
    for (int at = 0; at < 10000; at++) {
        counter++;
    }
    return NULL;
}

int main(void) {
    pthread_t threads[2];
#ifdef PLANTED_LEAK
    ledgerauth_error *error = NULL;
    ledgerauth_client_check(NULL, NULL, &error);
    error = NULL;
#endif
#ifdef PLANTED_OVERFLOW
    char *buffer = malloc(8);
    volatile int beyond = 8;
    buffer[beyond] = 1;
    free(buffer);
#endif
    for (int at = 0; at < 2; at++) {
        pthread_create(&threads[at], NULL, count, NULL);
#ifndef PLANTED_RACE
        pthread_join(threads[at], NULL);
#endif
    }
#ifdef PLANTED_RACE
    for (int at = 0; at < 2; at++) {
        pthread_join(threads[at], NULL);
    }
#endif
    return counter == 0;
}
