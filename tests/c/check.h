/*
 * What every test program shares: checks that count, and texts that compare.
 */
#ifndef CHECK_H
#define CHECK_H

#include <ledgerauth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_count, check_failures;

/* The statuses that calls ended with when they had to: the harness wants to see all of them. */
static int32_t check_met[64];
static int check_met_count;

static inline void check_meet(int32_t status) {
    int at = 0;
    while (at < check_met_count && check_met[at] != status) {
        at++;
    }
    if (at == check_met_count && at < (int)(sizeof check_met / sizeof *check_met)) {
        check_met[check_met_count++] = status;
    }
}

/* Counts a check; says where it failed. */
static inline void check_that(int holds, const char *what, const char *where, int line) {
    check_count++;
    if (!holds) {
        check_failures++;
        fprintf(stderr, "%s:%d: %s\n", where, line, what);
    }
}

static inline int check_same(ledgerauth_str text, const char *expected) {
    int same = text.len == strlen(expected) && (text.len == 0 || memcmp(text.data, expected, text.len) == 0);
    if (!same) {
        fprintf(stderr, "got \"%.*s\", wanted \"%s\"\n", LEDGERAUTH_ARG(text), expected);
    }
    return same;
}

static inline int check_has(ledgerauth_str text, const char *part) {
    size_t length = strlen(part);
    for (size_t at = 0; at + length <= text.len; at++) {
        if (memcmp(text.data + at, part, length) == 0) {
            return 1;
        }
    }
    fprintf(stderr, "\"%.*s\" has no \"%s\"\n", LEDGERAUTH_ARG(text), part);
    return 0;
}

/* Whether a call ended with this status, and its error says the same. */
static inline int check_ends(int32_t status, int32_t expected, ledgerauth_error *const *error) {
    int same = status == expected;
    if (!same) {
        fprintf(stderr, "got %s, wanted %s: %.*s\n", ledgerauth_status_name(status), ledgerauth_status_name(expected),
                LEDGERAUTH_ARG(ledgerauth_error_line(*error)));
    }
    if (expected != LEDGERAUTH_OK) {
        same = same && *error != NULL && ledgerauth_error_status(*error) == status && ledgerauth_error_line(*error).len > 0;
    } else {
        same = same && *error == NULL;
    }
    if (same) {
        check_meet(status);
    }
    return same;
}

/* The same, and the error is freed. */
static inline int check_status(int32_t status, int32_t expected, ledgerauth_error **error) {
    int same = check_ends(status, expected, error);
    ledgerauth_error_free(*error);
    *error = NULL;
    return same;
}

#define CHECK(condition) check_that((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
#define CHECK_TEXT(text, expected) check_that(check_same((text), (expected)), #text " is " #expected, __FILE__, __LINE__)
#define CHECK_HAS(text, part) check_that(check_has((text), (part)), #text " has " #part, __FILE__, __LINE__)
#define CHECK_ENDS(call, expected, error) check_that(check_ends((call), (expected), (error)), #call " ends with " #expected, __FILE__, __LINE__)
#define CHECK_STATUS(call, expected, error) check_that(check_status((call), (expected), (error)), #call " is " #expected, __FILE__, __LINE__)

/* The end of main: what was met, one line, and a status. */
static inline int check_end(const char *name) {
    for (int at = 0; at < check_met_count; at++) {
        printf("met %s\n", ledgerauth_status_name(check_met[at]));
    }
    printf("%s: %d checks, %d failed\n", name, check_count, check_failures);
    return check_failures == 0 && check_count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
