/*
 * What the replays of the shared vectors have in common: a clock that stands still, dice that always fall the same way, and exchanges whose every
 * step is done by hand.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include "check.h"
#include <jansson.h>

#define START 1764000000000u

static uint64_t replay_time = START, replay_dice = 1;

static uint64_t replay_now(void *userdata) {
    (void)userdata;
    return replay_time;
}

static uint64_t replay_random(void *userdata) {
    (void)userdata;
    return replay_dice;
}

static const ledgerauth_transport replay_world = {.size = sizeof(ledgerauth_transport), .now = replay_now, .random = replay_random};

/* A file of vectors; the caller drops it. LEDGERAUTH_VECTORS names the folder. */
static inline json_t *replay_file(const char *name, size_t at_least) {
    char path[1024];
    json_error_t fault;
    snprintf(path, sizeof path, "%s/%s.json", getenv("LEDGERAUTH_VECTORS") != NULL ? getenv("LEDGERAUTH_VECTORS") : ".", name);
    /* Some vectors hold numbers of 64 bits; those that are compared are small enough for a double. */
    json_t *file = json_load_file(path, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &fault);
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, fault.text);
        exit(EXIT_FAILURE);
    }
    CHECK(json_array_size(json_object_get(file, "vectors")) >= at_least);
    return file;
}

/* A text of a vector; no data if it has none. */
static inline ledgerauth_str replay_str(const json_t *vector, const char *name) {
    const json_t *value = json_object_get(vector, name);
    ledgerauth_str text = {json_string_value(value), json_string_length(value)};
    return text;
}

static inline const char *replay_text(const json_t *vector, const char *name) {
    const char *text = json_string_value(json_object_get(vector, name));
    return text != NULL ? text : "";
}

static inline json_int_t replay_number(const json_t *vector, const char *name, json_int_t otherwise) {
    const json_t *value = json_object_get(vector, name);
    return json_is_number(value) ? (json_int_t)json_number_value(value) : otherwise;
}

/* Makes one byte of each character of UTF-8, which are all of Latin-1; how many there are. */
static inline size_t replay_latin1(char *text, size_t len) {
    size_t out = 0;
    for (size_t at = 0; at < len; at++, out++) {
        unsigned char first = (unsigned char)text[at];
        text[out] = first < 0x80 ? text[at] : (char)(first << 6 | ((unsigned char)text[++at] & 0x3f));
    }
    return out;
}

/* Whether the server acted on the call, as a vector says it. */
static inline int32_t replay_processed(const json_t *vector) {
    const char *word = replay_text(vector, "processed");
    return strcmp(word, "no") == 0    ? LEDGERAUTH_PROCESSED_NO
           : strcmp(word, "yes") == 0 ? LEDGERAUTH_PROCESSED_YES
                                      : LEDGERAUTH_PROCESSED_UNKNOWN;
}

/* A text that is repeated so often as the vector says. */
static inline ledgerauth_str replay_repeated(const json_t *vector, char **memory) {
    ledgerauth_str body = replay_str(vector, "body");
    size_t times = (size_t)replay_number(vector, "repeat", 1);
    *memory = malloc(body.len * times + 1);
    for (size_t at = 0; at < times && body.len > 0; at++) {
        memcpy(*memory + at * body.len, body.data, body.len);
    }
    body.data = body.data != NULL ? *memory : NULL;
    body.len *= times;
    if (json_is_true(json_object_get(vector, "latin1"))) {
        body.len = replay_latin1(*memory, body.len);
    }
    return body;
}

/* Tells an exchange the answer that a vector describes. */
static inline void replay_answer(ledgerauth_exchange *exchange, const json_t *vector) {
    ledgerauth_error *error = NULL;
    ledgerauth_answer *answer = NULL;
    char *memory = NULL;
    size_t index;
    json_t *pair;
    CHECK_STATUS(ledgerauth_answer_new(&answer, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_answer_set_status(answer, (int32_t)replay_number(vector, "status", 0), &error), LEDGERAUTH_OK, &error);
    json_array_foreach(json_object_get(vector, "headers"), index, pair) {
        ledgerauth_str name = ledgerauth_str_of(json_string_value(json_array_get(pair, 0)));
        ledgerauth_str value = ledgerauth_str_of(json_string_value(json_array_get(pair, 1)));
        CHECK_STATUS(ledgerauth_answer_add_header(answer, name, value, &error), LEDGERAUTH_OK, &error);
    }
    CHECK_STATUS(ledgerauth_answer_add_body(answer, replay_repeated(vector, &memory), &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_exchange_handle_response(exchange, answer, &error), LEDGERAUTH_OK, &error);
    ledgerauth_answer_free(answer);
    free(memory);
}

static inline ledgerauth_step replay_poll(ledgerauth_exchange *exchange) {
    ledgerauth_error *error = NULL;
    ledgerauth_step step = {.size = sizeof step};
    CHECK_STATUS(ledgerauth_exchange_poll(exchange, &step, &error), LEDGERAUTH_OK, &error);
    return step;
}

/* Starts an exchange whose steps are all done by hand. */
static inline ledgerauth_exchange *replay_start(const ledgerauth_client *client, const char *method, const char *path, const char *body) {
    ledgerauth_error *error = NULL;
    ledgerauth_exchange *exchange = NULL;
    ledgerauth_call call = {.size = sizeof call, .own_store = 1};
    call.method = ledgerauth_str_of(method);
    call.path = ledgerauth_str_of(path);
    call.body = ledgerauth_str_of(body);
    CHECK_STATUS(ledgerauth_exchange_new(client, &call, &exchange, &error), LEDGERAUTH_OK, &error);
    return exchange;
}

/* A client without HTTP, by the clock that stands still. */
static inline ledgerauth_client *replay_client(ledgerauth_client_options options, const ledgerauth_credential *credential) {
    ledgerauth_error *error = NULL;
    ledgerauth_client *client = NULL;
    options.size = sizeof options;
    options.credential = credential;
    options.transport = &replay_world;
    CHECK_STATUS(ledgerauth_client_new(&options, &client, &error), LEDGERAUTH_OK, &error);
    return client;
}

#endif
