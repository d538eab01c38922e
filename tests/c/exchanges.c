/*
 * Replays the transcripts of whole exchanges, step by step, with the store's steps done by hand.
 */
#include "replay.h"

static ledgerauth_credential *credential_of(const json_t *given) {
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_str id = replay_str(given, "client_id"), secret = replay_str(given, "client_secret");
    if (json_is_array(json_object_get(given, "keys"))) {
        size_t index;
        json_t *text;
        CHECK_STATUS(ledgerauth_credential_new_ring(&credential, &error), LEDGERAUTH_OK, &error);
        json_array_foreach(json_object_get(given, "keys"), index, text) {
            ledgerauth_ring_key key = {.size = sizeof key, .text = ledgerauth_str_of(json_string_value(text))};
            CHECK_STATUS(ledgerauth_credential_add_key(credential, &key, &error), LEDGERAUTH_OK, &error);
        }
    } else if (json_object_get(given, "refresh_token") != NULL) {
        ledgerauth_str token = replay_str(given, "refresh_token");
        CHECK_STATUS(ledgerauth_credential_from_refresh_token(id, secret, token, &credential, &error), LEDGERAUTH_OK, &error);
    } else {
        CHECK_STATUS(ledgerauth_credential_from_client(id, secret, &credential, &error), LEDGERAUTH_OK, &error);
    }
    return credential;
}

static const ledgerauth_header *field_of(const ledgerauth_step *step, const char *name) {
    for (size_t at = 0; at < step->header_count; at++) {
        ledgerauth_str known = step->headers[at].name;
        if (known.len == strlen(name) && strncasecmp(known.data, name, known.len) == 0) {
            return &step->headers[at];
        }
    }
    return NULL;
}

static void check_fetch(const ledgerauth_step *step, const json_t *expect) {
    const char *name;
    json_t *value;
    CHECK_TEXT(step->method, replay_text(expect, "method"));
    CHECK_TEXT(step->url, replay_text(expect, "url"));
    CHECK_TEXT(step->body, replay_text(expect, "body"));
    json_object_foreach(json_object_get(expect, "headers"), name, value) {
        const ledgerauth_header *field = field_of(step, name);
        CHECK(field != NULL);
        if (field != NULL) {
            CHECK_TEXT(field->value, json_string_value(value));
        }
    }
}

static void check_send(const ledgerauth_step *step, const json_t *expect) {
    json_t *pair = json_object_get(expect, "authorization");
    CHECK_TEXT(step->url, replay_text(expect, "url"));
    CHECK(step->attempt == (uint32_t)replay_number(expect, "attempt", 0));
    CHECK((step->foreign != 0) == json_is_true(json_object_get(expect, "foreign")));
    if (json_is_array(pair)) {
        const ledgerauth_header *field = field_of(step, json_string_value(json_array_get(pair, 0)));
        CHECK(field != NULL);
        if (field != NULL) {
            CHECK_TEXT(field->value, json_string_value(json_array_get(pair, 1)));
        }
    } else {
        CHECK(field_of(step, "authorization") == NULL);
    }
}

static void check_save(const ledgerauth_step *step, const json_t *expect) {
    json_t *record = json_loadb(step->record.data, step->record.len, 0, NULL);
    CHECK(record != NULL && json_integer_value(json_object_get(record, "generation")) == (json_int_t)step->generation);
    if (json_object_get(expect, "spending") != NULL) {
        CHECK(json_is_true(json_object_get(expect, "spending")) == (json_object_get(record, "spending") != NULL));
    }
    if (json_object_get(expect, "refresh_token") != NULL) {
        CHECK(strcmp(replay_text(record, "refresh_token"), replay_text(expect, "refresh_token")) == 0);
    }
    json_decref(record);
}

static void check_done(const ledgerauth_step *step, const json_t *expect) {
    const char *outcomes[] = {"", "answered", "failed", "renewed"};
    CHECK(strcmp(outcomes[step->outcome], replay_text(expect, "outcome")) == 0);
    CHECK_TEXT(ledgerauth_error_kind(step->error), replay_text(expect, "kind"));
    if (json_object_get(expect, "come_back_in_ms") != NULL) {
        CHECK(ledgerauth_error_come_back_at(step->error) == replay_time + (uint64_t)replay_number(expect, "come_back_in_ms", 0));
    }
    if (json_object_get(expect, "processed") != NULL) {
        CHECK(ledgerauth_error_processed(step->error) == replay_processed(expect));
        CHECK(ledgerauth_error_is_retryable(step->error) == json_is_true(json_object_get(expect, "retryable")));
    }
    CHECK(step->error == NULL || ledgerauth_error_request_id(step->error).len > 0);
}

static void check(const ledgerauth_step *step, const json_t *expect) {
    const char *kinds[] = {"", "fetch", "send", "wait", "done", "claim", "save", "release", "look", "pause", "load", "connect"};
    CHECK(strcmp(kinds[step->kind], replay_text(expect, "step")) == 0);
    switch (step->kind) {
    case LEDGERAUTH_STEP_FETCH:
        check_fetch(step, expect);
        break;
    case LEDGERAUTH_STEP_SEND:
        check_send(step, expect);
        break;
    case LEDGERAUTH_STEP_SAVE:
        check_save(step, expect);
        break;
    case LEDGERAUTH_STEP_CONNECT:
        CHECK_TEXT(step->url, replay_text(expect, "url"));
        CHECK((json_int_t)step->timeout_ms == replay_number(expect, "timeout_ms", 0));
        break;
    case LEDGERAUTH_STEP_WAIT:
        CHECK((json_int_t)step->wait_ms >= replay_number(expect, "at_least_ms", 0));
        CHECK((json_int_t)step->wait_ms <= replay_number(expect, "at_most_ms", (json_int_t)1 << 50));
        replay_time += step->wait_ms;
        break;
    case LEDGERAUTH_STEP_DONE:
        check_done(step, expect);
        break;
    default:
        break;
    }
}

static int32_t result_of(const char *word) {
    int done = strcmp(word, "granted") == 0 || strcmp(word, "durable") == 0;
    int taken = strcmp(word, "busy") == 0 || strcmp(word, "superseded") == 0;
    return done ? LEDGERAUTH_STORE_DONE : taken ? LEDGERAUTH_STORE_TAKEN : LEDGERAUTH_STORE_DOWN;
}

static void tell(ledgerauth_exchange *exchange, const json_t *then) {
    ledgerauth_error *error = NULL;
    replay_time += (uint64_t)replay_number(then, "advance_ms", 0);
    if (json_object_get(then, "claimed") != NULL) {
        int32_t result = result_of(replay_text(then, "claimed"));
        ledgerauth_str record = result == LEDGERAUTH_STORE_DOWN ? LEDGERAUTH_STR("down") : ledgerauth_str_of(NULL);
        CHECK_STATUS(ledgerauth_exchange_handle_claimed(exchange, result, record, &error), LEDGERAUTH_OK, &error);
    } else if (json_object_get(then, "saved") != NULL) {
        int32_t result = result_of(replay_text(then, "saved"));
        CHECK_STATUS(ledgerauth_exchange_handle_saved(exchange, result, LEDGERAUTH_STR("down"), &error), LEDGERAUTH_OK, &error);
    } else if (json_object_get(then, "connected") != NULL) {
        const char *word = replay_text(then, "connected");
        int32_t result = strcmp(word, "connected") == 0 ? LEDGERAUTH_CONNECTED
                         : strcmp(word, "failed") == 0  ? LEDGERAUTH_CONNECT_FAILED
                                                        : LEDGERAUTH_CONNECT_NOT_SUPPORTED;
        CHECK_STATUS(ledgerauth_exchange_handle_connected(exchange, result, 1, LEDGERAUTH_STR("no connection"), &error), LEDGERAUTH_OK,
                     &error);
    } else if (json_object_get(then, "response") != NULL) {
        replay_answer(exchange, json_object_get(then, "response"));
    } else if (json_object_get(then, "failure") != NULL) {
        int not_sent = json_is_true(json_object_get(json_object_get(then, "failure"), "not_sent"));
        CHECK_STATUS(ledgerauth_exchange_handle_failure(exchange, not_sent, LEDGERAUTH_STR("lost"), &error), LEDGERAUTH_OK, &error);
    }
}

/* A token that is got beside the calls, and is not wanted twice. */
static void renewal(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_exchange *exchange = NULL, *second = NULL;
    ledgerauth_client_options options = {.size = sizeof options, .provider = LEDGERAUTH_STR("numeric"), .no_threads = 1};
    char header[64];
    replay_time = START;
    options.environment = LEDGERAUTH_STR("production");
    CHECK_STATUS(ledgerauth_credential_from_client(LEDGERAUTH_STR("client-1"), LEDGERAUTH_STR("secret-1"), &credential, &error), LEDGERAUTH_OK,
                 &error);
    ledgerauth_client *client = replay_client(options, credential);
    uint64_t before = ledgerauth_client_changes(client);
    CHECK_STATUS(ledgerauth_exchange_renewal(client, &exchange, &error), LEDGERAUTH_OK, &error);
    CHECK(exchange != NULL && replay_poll(exchange).kind == LEDGERAUTH_STEP_FETCH);
    CHECK_STATUS(ledgerauth_exchange_renewal(client, &second, &error), LEDGERAUTH_OK, &error);
    CHECK(second == NULL && ledgerauth_client_state(client) == LEDGERAUTH_STATE_REFRESHING);
    json_t *granted = json_pack("{siss}", "status", 200, "body", "{\"access_token\":\"made-up-1\",\"token_type\":\"Bearer\",\"expires_in\":3600}");
    replay_answer(exchange, granted);
    ledgerauth_step step = replay_poll(exchange);
    CHECK(step.kind == LEDGERAUTH_STEP_DONE && step.outcome == LEDGERAUTH_OUTCOME_RENEWED && step.error == NULL);
    ledgerauth_exchange_free(exchange);
    CHECK(ledgerauth_client_changes(client) > before && ledgerauth_client_state(client) == LEDGERAUTH_STATE_FRESH);
    CHECK_STATUS(ledgerauth_client_authorize(client, LEDGERAUTH_STR("/v1/x"), header, sizeof header, NULL, &error), LEDGERAUTH_OK, &error);
    CHECK(strcmp(header, "Bearer made-up-1") == 0);
    CHECK_STATUS(ledgerauth_exchange_renewal(client, NULL, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_exchange_renewal(NULL, &second, &error), LEDGERAUTH_NULL, &error);
    json_decref(granted);
    ledgerauth_client_free(client);
    ledgerauth_credential_free(credential);
}

/* A token answer that is packed, received by the program's own HTTP. */
static void encodings(void) {
    json_t *vector, *file = replay_file("encodings", 12);
    size_t index;
    json_array_foreach(json_object_get(file, "vectors"), index, vector) {
        ledgerauth_error *error = NULL;
        ledgerauth_credential *credential = NULL;
        ledgerauth_client_options options = {.size = sizeof options, .provider = LEDGERAUTH_STR("numeric")};
        options.environment = LEDGERAUTH_STR("production");
        CHECK_STATUS(ledgerauth_credential_from_client(LEDGERAUTH_STR("client-1"), LEDGERAUTH_STR("secret-1"), &credential, &error),
                     LEDGERAUTH_OK, &error);
        ledgerauth_client *client = replay_client(options, credential);
        ledgerauth_exchange *exchange = replay_start(client, "GET", "/v1/x", NULL);
        CHECK(replay_poll(exchange).kind == LEDGERAUTH_STEP_CLAIM);
        CHECK(ledgerauth_exchange_handle_claimed(exchange, LEDGERAUTH_STORE_DONE, ledgerauth_str_of(NULL), NULL) == LEDGERAUTH_OK);
        CHECK(replay_poll(exchange).kind == LEDGERAUTH_STEP_FETCH);
        replay_answer(exchange, vector);
        CHECK(replay_poll(exchange).kind == LEDGERAUTH_STEP_SAVE);
        ledgerauth_exchange_free(exchange);
        ledgerauth_client_free(client);
        ledgerauth_credential_free(credential);
    }
    json_decref(file);
}

int main(void) {
    renewal();
    encodings();
    json_t *vector, *turn, *file = replay_file("exchanges", 29);
    size_t index, at;
    CHECK(replay_number(file, "start_ms", 0) == (json_int_t)START);
    replay_dice = (uint64_t)replay_number(file, "seed", 1);
    json_array_foreach(json_object_get(file, "vectors"), index, vector) {
        ledgerauth_client_options options = {.size = sizeof options};
        ledgerauth_credential *credential = credential_of(json_object_get(vector, "credential"));
        const json_t *call = json_object_get(vector, "call");
        int before = check_failures;
        replay_time = START;
        options.provider = replay_str(vector, "provider");
        options.environment = replay_str(vector, "environment");
        options.base_url = replay_str(vector, "base_url");
        const json_t *hosts = json_object_get(vector, "allow_redirect_to");
        ledgerauth_str targets[4];
        for (size_t host = 0; host < json_array_size(hosts) && host < 4; host++) {
            targets[host] = ledgerauth_str_of(json_string_value(json_array_get(hosts, host)));
        }
        options.allow_redirect_to = targets;
        options.allow_redirect_to_count = json_array_size(hosts);
        ledgerauth_client *client = replay_client(options, credential);
        ledgerauth_exchange *exchange =
            replay_start(client, replay_text(call, "method"), replay_text(call, "path"), json_string_value(json_object_get(call, "body")));
        json_array_foreach(json_object_get(vector, "steps"), at, turn) {
            ledgerauth_step step = replay_poll(exchange);
            check(&step, json_object_get(turn, "expect"));
            tell(exchange, json_object_get(turn, "then"));
        }
        ledgerauth_exchange_free(exchange);
        ledgerauth_client_free(client);
        ledgerauth_credential_free(credential);
        if (check_failures != before) {
            fprintf(stderr, "^ %s\n", replay_text(vector, "name"));
        }
    }
    json_decref(file);
    return check_end("exchanges");
}
