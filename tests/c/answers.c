/*
 * Replays the vectors that say what an answer means: failures, challenges, limits, dates, token answers, OAuth's errors, key rings, records.
 *
 * Replayed in Rust only, because C has no function for the part alone and needs none: one retry decision (retries.json), whose repeats are steps of
 * exchanges.json here; how a challenge is taken apart (challenges.json), of which C sees what it means; and of oauth_errors.json what a login meets, which
 * login.c meets at a server.
 */
#include "replay.h"

static const char OWN[] = "name = \"own\"\ntitle = \"Own\"\n[[environment]]\nname = \"production\"\nbase_url = \"https://api.own.example\"\n"
                          "[key]\n[[key.format]]\nprefix = \"own_\"\nalphabet = \"hex\"\nlength = 8\n";

/* A client of the profile that says nothing, with this added to it. */
static ledgerauth_client *own_client(const char *more, uint32_t max_attempts) {
    ledgerauth_error *error = NULL;
    ledgerauth_provider *provider = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_client_options options = {.size = sizeof options, .max_attempts = max_attempts};
    char *profile = malloc(sizeof OWN + strlen(more));
    strcat(strcpy(profile, OWN), more);
    CHECK_STATUS(ledgerauth_provider_from_toml(ledgerauth_str_of(profile), &provider, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_credential_from_key(LEDGERAUTH_STR("own_01234567"), &credential, &error), LEDGERAUTH_OK, &error);
    options.own_provider = provider;
    ledgerauth_client *client = replay_client(options, credential);
    ledgerauth_credential_free(credential);
    ledgerauth_provider_free(provider);
    free(profile);
    return client;
}

static ledgerauth_client *shipped_client(const char *provider) {
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_client_options options = {.size = sizeof options, .provider = ledgerauth_str_of(provider)};
    int finora = strcmp(provider, "finora") == 0;
    ledgerauth_str key = finora ? LEDGERAUTH_STR("live_sk_111111111111111111111111111111111111111111111111")
                                : LEDGERAUTH_STR("sk_live_0123456789abcdef");
    CHECK_STATUS(ledgerauth_credential_from_key(key, &credential, &error), LEDGERAUTH_OK, &error);
    options.environment = LEDGERAUTH_STR("production");
    options.base_url = finora ? ledgerauth_str_of(NULL) : LEDGERAUTH_STR("https://acme.numora.test");
    ledgerauth_client *client = replay_client(options, credential);
    ledgerauth_credential_free(credential);
    return client;
}

/* The end of a POST that is answered so, however often it is sent. */
static ledgerauth_step ended(const ledgerauth_client *client, ledgerauth_exchange *exchange, const json_t *vector) {
    ledgerauth_error *error = NULL;
    for (;;) {
        ledgerauth_step step = replay_poll(exchange);
        switch (step.kind) {
        case LEDGERAUTH_STEP_SEND:
            replay_answer(exchange, vector);
            break;
        case LEDGERAUTH_STEP_LOAD:
            CHECK_STATUS(ledgerauth_exchange_handle_loaded(exchange, client, NULL, &error), LEDGERAUTH_OK, &error);
            break;
        case LEDGERAUTH_STEP_LOOK:
            CHECK_STATUS(ledgerauth_exchange_handle_looked(exchange, 0, ledgerauth_str_of(NULL), &error), LEDGERAUTH_OK, &error);
            break;
        case LEDGERAUTH_STEP_WAIT:
            replay_time += step.wait_ms;
            break;
        case LEDGERAUTH_STEP_PAUSE:
            break;
        default:
            return step;
        }
    }
}

static void failures(void) {
    json_t *vector, *file = replay_file("failures", 40);
    size_t index;
    json_array_foreach(json_object_get(file, "vectors"), index, vector) {
        const char *provider = replay_text(vector, "provider");
        int own = strcmp(provider, "own") == 0;
        replay_time = START;
        ledgerauth_client *client = own ? own_client(replay_text(vector, "profile"), 0) : shipped_client(provider);
        ledgerauth_exchange *exchange = replay_start(client, "POST", "/v1/x", NULL);
        ledgerauth_step step = ended(client, exchange, vector);
        CHECK(step.kind == LEDGERAUTH_STEP_DONE && step.outcome == LEDGERAUTH_OUTCOME_ANSWERED && step.error != NULL);
        CHECK_TEXT(ledgerauth_error_kind(step.error), replay_text(vector, "kind"));
        CHECK(strcmp(ledgerauth_status_name(ledgerauth_error_status(step.error)), "LEDGERAUTH_FAILED") != 0);
        CHECK(ledgerauth_error_http_status(step.error) == (int32_t)replay_number(vector, "status", 0));
        CHECK_TEXT(ledgerauth_error_provider_code(step.error), replay_text(vector, "code"));
        CHECK_TEXT(ledgerauth_error_provider_message(step.error), replay_text(vector, "message"));
        CHECK_TEXT(ledgerauth_error_server_request_id(step.error), replay_text(vector, "request_id"));
        CHECK(ledgerauth_error_processed(step.error) == replay_processed(vector));
        CHECK(ledgerauth_error_is_retryable(step.error) == json_is_true(json_object_get(vector, "retryable")));
        ledgerauth_exchange_free(exchange);
        ledgerauth_client_free(client);
    }
    json_decref(file);
}

/* A challenge, however it is written, leaves an error about the credential behind. */
static void challenges(void) {
    json_t *vector, *value, *file = replay_file("challenges", 45);
    size_t index, at;
    json_array_foreach(json_object_get(file, "vectors"), index, vector) {
        json_t *fields = json_array();
        json_array_foreach(json_object_get(vector, "fields"), at, value) {
            json_array_append_new(fields, json_pack("[sO]", "WWW-Authenticate", value));
        }
        json_t *answer = json_pack("{siso}", "status", 401, "headers", fields);
        ledgerauth_client *client = own_client("", 1);
        replay_time = START;
        ledgerauth_exchange *exchange = replay_start(client, "GET", "/v1/x", NULL);
        ledgerauth_step step = ended(client, exchange, answer);
        CHECK(step.kind == LEDGERAUTH_STEP_DONE && step.outcome == LEDGERAUTH_OUTCOME_ANSWERED);
        CHECK(ledgerauth_error_status(step.error) / 1000 == 3 && ledgerauth_error_advice(step.error).len > 0);
        ledgerauth_exchange_free(exchange);
        ledgerauth_client_free(client);
        json_decref(answer);
    }
    json_decref(file);
}

/* The wait that an answer means for a call that is sent once. */
static void waits(const char *profile, const json_t *vector, const json_t *wait, const char *limit) {
    ledgerauth_client *client = own_client(profile, 1);
    replay_time = START;
    ledgerauth_exchange *exchange = replay_start(client, "GET", "/v1/x", NULL);
    ledgerauth_step step = ended(client, exchange, vector);
    uint64_t at = ledgerauth_error_come_back_at(step.error);
    if (json_is_number(wait)) {
        CHECK((double)at == (double)START + json_number_value(wait));
    } else {
        CHECK(at == 0);
    }
    CHECK_TEXT(ledgerauth_error_limit(step.error), limit);
    ledgerauth_exchange_free(exchange);
    ledgerauth_client_free(client);
}

static void limits(void) {
    json_t *vector, *file = replay_file("limits", 50);
    size_t index;
    json_array_foreach(json_object_get(file, "vectors"), index, vector) {
        waits(replay_text(vector, "profile"), vector, json_object_get(vector, "wait_ms"), replay_text(vector, "text"));
    }
    json_decref(file);
    file = replay_file("dates", 25);
    json_array_foreach(json_object_get(file, "vectors"), index, vector) {
        json_t *pair = json_pack("[[ss]]", "Retry-After", replay_text(vector, "value"));
        if (json_object_get(vector, "date") != NULL) {
            json_array_append_new(pair, json_pack("[ss]", "Date", replay_text(vector, "date")));
        }
        json_t *answer = json_pack("{si,so}", "status", 429, "headers", pair);
        waits("", answer, json_object_get(vector, "in_ms"), "");
        json_decref(answer);
    }
    json_decref(file);
}

/* Brings an exchange to its token request. */
static ledgerauth_step to_fetch(ledgerauth_exchange *exchange) {
    ledgerauth_error *error = NULL;
    ledgerauth_step step = replay_poll(exchange);
    if (step.kind == LEDGERAUTH_STEP_CLAIM) {
        CHECK_STATUS(ledgerauth_exchange_handle_claimed(exchange, LEDGERAUTH_STORE_DONE, ledgerauth_str_of(NULL), &error), LEDGERAUTH_OK,
                     &error);
        step = replay_poll(exchange);
    }
    CHECK(step.kind == LEDGERAUTH_STEP_FETCH);
    return step;
}

static void granted(const ledgerauth_step *step, const json_t *wanted) {
    json_t *record = json_loadb(step->record.data, step->record.len, 0, NULL);
    json_int_t lifetime = json_integer_value(json_object_get(record, "expires_at_ms")) - json_integer_value(json_object_get(record, "minted_at_ms"));
    CHECK((double)lifetime == 1000.0 * json_number_value(json_object_get(wanted, "lifetime_seconds")));
    CHECK(strcmp(replay_text(record, "refresh_token"), replay_text(wanted, "refresh_token")) == 0);
    json_decref(record);
}

static void token_answers(void) {
    json_t *vector, *file = replay_file("token_answers", 103);
    size_t index;
    json_array_foreach(json_object_get(file, "vectors"), index, vector) {
        ledgerauth_error *error = NULL;
        ledgerauth_credential *credential = NULL;
        ledgerauth_client_options options = {.size = sizeof options, .provider = replay_str(vector, "provider")};
        CHECK_STATUS(ledgerauth_credential_from_client(LEDGERAUTH_STR("client-1"), LEDGERAUTH_STR("ID_0123456789abcdef"), &credential, &error),
                     LEDGERAUTH_OK, &error);
        options.environment = LEDGERAUTH_STR("production");
        replay_time = START;
        ledgerauth_client *client = replay_client(options, credential);
        ledgerauth_exchange *exchange = replay_start(client, "GET", "/v1/health", NULL);
        to_fetch(exchange);
        replay_answer(exchange, vector);
        ledgerauth_step step = replay_poll(exchange);
        if (step.kind == LEDGERAUTH_STEP_SAVE) {
            granted(&step, json_object_get(vector, "granted"));
        } else if (step.kind == LEDGERAUTH_STEP_WAIT) {
            CHECK(json_is_string(json_object_get(vector, "unclear")));
        } else {
            CHECK(step.kind == LEDGERAUTH_STEP_RELEASE);
            step = replay_poll(exchange);
            CHECK(step.kind == LEDGERAUTH_STEP_DONE && step.outcome == LEDGERAUTH_OUTCOME_FAILED);
            CHECK_TEXT(ledgerauth_error_kind(step.error), replay_text(vector, "refused"));
            CHECK_TEXT(ledgerauth_error_provider_code(step.error), replay_text(vector, "code"));
        }
        ledgerauth_exchange_free(exchange);
        ledgerauth_client_free(client);
        ledgerauth_credential_free(credential);
    }
    json_decref(file);
}

static const char ISSUED[] = "name = \"ledger\"\ntitle = \"Ledger\"\n[[environment]]\nname = \"production\"\nbase_url = \"https://api.ledger.example\"\n"
                             "token_url = \"https://login.ledger.example/token\"\n[token]\ngrants = [\"client_credentials\", \"refresh_token\"]\n"
                             "request = \"form\"\nclient_auth = \"client_secret_basic\"\n";

/* What a token endpoint says instead of a token. */
static void oauth_errors(void) {
    json_t *vector, *file = replay_file("oauth_errors", 93);
    size_t index, replayed = 0;
    json_array_foreach(json_object_get(file, "vectors"), index, vector) {
        const char *grant = replay_text(vector, "grant");
        int refreshing = strcmp(grant, "refresh_token") == 0;
        if (strcmp(replay_text(vector, "place"), "token") != 0 || (!refreshing && strcmp(grant, "client_credentials") != 0)) {
            continue;
        }
        ledgerauth_error *error = NULL;
        ledgerauth_provider *provider = NULL;
        ledgerauth_credential *credential = NULL;
        ledgerauth_str id = LEDGERAUTH_STR("app"), secret = LEDGERAUTH_STR("client-secret-1");
        CHECK_STATUS(ledgerauth_provider_from_toml(ledgerauth_str_of(ISSUED), &provider, &error), LEDGERAUTH_OK, &error);
        int32_t status = refreshing ? ledgerauth_credential_from_refresh_token(id, secret, LEDGERAUTH_STR("refresh-1"), &credential, &error)
                                    : ledgerauth_credential_from_client(id, secret, &credential, &error);
        CHECK_STATUS(status, LEDGERAUTH_OK, &error);
        ledgerauth_client *client = replay_client((ledgerauth_client_options){.own_provider = provider}, credential);
        replay_time = START;
        ledgerauth_exchange *exchange = replay_start(client, "GET", "/v1/x", NULL);
        ledgerauth_step step = replay_poll(exchange);
        for (; step.kind != LEDGERAUTH_STEP_DONE; step = replay_poll(exchange)) {
            if (step.kind == LEDGERAUTH_STEP_CLAIM) {
                CHECK(ledgerauth_exchange_handle_claimed(exchange, LEDGERAUTH_STORE_DONE, ledgerauth_str_of(NULL), NULL) == LEDGERAUTH_OK);
            } else if (step.kind == LEDGERAUTH_STEP_SAVE) {
                CHECK(ledgerauth_exchange_handle_saved(exchange, LEDGERAUTH_STORE_DONE, ledgerauth_str_of(NULL), NULL) == LEDGERAUTH_OK);
            } else if (step.kind == LEDGERAUTH_STEP_LOOK) {
                CHECK(ledgerauth_exchange_handle_looked(exchange, 0, ledgerauth_str_of(NULL), NULL) == LEDGERAUTH_OK);
            } else if (step.kind == LEDGERAUTH_STEP_CONNECT) {
                CHECK(ledgerauth_exchange_handle_connected(exchange, LEDGERAUTH_CONNECTED, 0, ledgerauth_str_of(NULL), NULL) == LEDGERAUTH_OK);
            } else if (step.kind == LEDGERAUTH_STEP_FETCH) {
                replay_answer(exchange, vector);
            }
        }
        CHECK(step.outcome == LEDGERAUTH_OUTCOME_FAILED);
        CHECK_TEXT(ledgerauth_error_kind(step.error), replay_text(vector, "kind"));
        CHECK_TEXT(ledgerauth_error_provider_code(step.error), replay_text(vector, "code"));
        CHECK_HAS(ledgerauth_error_advice(step.error), replay_text(vector, "advice"));
        replayed++;
        ledgerauth_exchange_free(exchange);
        ledgerauth_client_free(client);
        ledgerauth_credential_free(credential);
        ledgerauth_provider_free(provider);
    }
    CHECK(replayed >= 18);
    json_decref(file);
}

/* What a program's own store holds of one credential. */
static char stored[4096];
static size_t stored_len;

/* A client that goes by a refresh token, at the provider of a vector. */
static ledgerauth_client *refreshing_client(const json_t *vector) {
    ledgerauth_error *error = NULL;
    ledgerauth_provider *provider = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_client_options options = {.size = sizeof options, .environment = replay_str(vector, "environment")};
    if (json_object_get(vector, "profile") != NULL) {
        CHECK_STATUS(ledgerauth_provider_from_toml(replay_str(vector, "profile"), &provider, &error), LEDGERAUTH_OK, &error);
        options.own_provider = provider;
    } else {
        options.provider = replay_str(vector, "provider");
    }
    int32_t status = ledgerauth_credential_from_refresh_token(LEDGERAUTH_STR("client-1"), LEDGERAUTH_STR("client-secret-1"),
                                                              LEDGERAUTH_STR("refresh-1"), &credential, &error);
    CHECK_STATUS(status, LEDGERAUTH_OK, &error);
    ledgerauth_client *client = replay_client(options, credential);
    ledgerauth_credential_free(credential);
    ledgerauth_provider_free(provider);
    stored_len = 0;
    return client;
}

/* Does what is to be done before the end of a call; a token request is compared with what is wanted, and answered in turn. */
static ledgerauth_step refreshed(ledgerauth_exchange *exchange, const json_t *vector, const json_t *wanted, size_t *sent) {
    const json_t *answers = json_object_get(vector, "answers");
    for (;;) {
        ledgerauth_step step = replay_poll(exchange);
        if (step.kind == LEDGERAUTH_STEP_CLAIM) {
            ledgerauth_str record = {stored_len > 0 ? stored : NULL, stored_len};
            CHECK(ledgerauth_exchange_handle_claimed(exchange, LEDGERAUTH_STORE_DONE, record, NULL) == LEDGERAUTH_OK);
        } else if (step.kind == LEDGERAUTH_STEP_SAVE) {
            CHECK(step.record.len <= sizeof stored);
            memcpy(stored, step.record.data, stored_len = step.record.len);
            CHECK(ledgerauth_exchange_handle_saved(exchange, LEDGERAUTH_STORE_DONE, ledgerauth_str_of(NULL), NULL) == LEDGERAUTH_OK);
        } else if (step.kind == LEDGERAUTH_STEP_LOOK) {
            CHECK(ledgerauth_exchange_handle_looked(exchange, 0, ledgerauth_str_of(NULL), NULL) == LEDGERAUTH_OK);
        } else if (step.kind == LEDGERAUTH_STEP_CONNECT) {
            CHECK(ledgerauth_exchange_handle_connected(exchange, LEDGERAUTH_CONNECTED, 0, ledgerauth_str_of(NULL), NULL) == LEDGERAUTH_OK);
        } else if (step.kind == LEDGERAUTH_STEP_WAIT) {
            replay_time += step.wait_ms;
        } else if (step.kind == LEDGERAUTH_STEP_FETCH) {
            char token[64];
            snprintf(token, sizeof token, "refresh_token=%s", json_string_value(json_array_get(wanted, *sent)));
            CHECK_HAS(step.body, token);
            size_t last = json_array_size(answers) - 1;
            replay_answer(exchange, json_array_get(answers, *sent < last ? *sent : last));
            ++*sent;
        } else if (step.kind == LEDGERAUTH_STEP_SEND || step.kind == LEDGERAUTH_STEP_DONE) {
            return step;
        }
    }
}

/* Calls one after the other, by a clock of their own. */
static void refreshes(void) {
    json_t *vector, *call, *file = replay_file("refreshes", 22);
    json_t *fine = json_pack("{si}", "status", 200);
    size_t index, number;
    json_array_foreach(json_object_get(file, "vectors"), index, vector) {
        ledgerauth_client *client = refreshing_client(vector);
        size_t sent = 0;
        replay_time = START;
        json_array_foreach(json_object_get(vector, "calls"), number, call) {
            const json_t *wanted = json_object_get(call, "sent");
            uint64_t at = START + 1000u * (uint64_t)replay_number(call, "at_s", 0);
            uint64_t begun = replay_time = at > replay_time ? at : replay_time;
            ledgerauth_exchange *exchange = replay_start(client, "GET", "/v1/x", NULL);
            ledgerauth_step step = refreshed(exchange, vector, wanted, &sent);
            CHECK(sent == json_array_size(wanted));
            if (step.kind == LEDGERAUTH_STEP_SEND) {
                CHECK_TEXT(step.headers[0].value, replay_text(call, "authorization"));
                replay_answer(exchange, fine);
                CHECK(replay_poll(exchange).kind == LEDGERAUTH_STEP_DONE);
            } else {
                CHECK_TEXT(ledgerauth_error_kind(step.error), replay_text(call, "kind"));
                CHECK(ledgerauth_error_http_status(step.error) == (int32_t)replay_number(call, "status", ledgerauth_error_http_status(step.error)));
                CHECK_HAS(ledgerauth_error_provider_code(step.error), replay_text(call, "code"));
                CHECK_HAS(ledgerauth_error_provider_message(step.error), replay_text(call, "message"));
                uint64_t moment = 1000u * (uint64_t)replay_number(call, "come_back_s", 0);
                CHECK(moment == 0 || ledgerauth_error_come_back_at(step.error) == begun + moment);
            }
            ledgerauth_exchange_free(exchange);
        }
        ledgerauth_client_free(client);
    }
    json_decref(fine);
    json_decref(file);
}

static ledgerauth_client *ring_client(const json_t *vector) {
    ledgerauth_error *error = NULL;
    ledgerauth_credential *ring = NULL;
    ledgerauth_client_options options = {.size = sizeof options, .provider = replay_str(vector, "provider")};
    size_t index;
    json_t *given;
    CHECK_STATUS(ledgerauth_credential_new_ring(&ring, &error), LEDGERAUTH_OK, &error);
    json_array_foreach(json_object_get(vector, "keys"), index, given) {
        ledgerauth_ring_key key = {.size = sizeof key, .text = replay_str(given, "key"), .integration = replay_str(given, "integration")};
        if (json_object_get(given, "age_days") != NULL) {
            key.created_at = START - (uint64_t)replay_number(given, "age_days", 0) * 86400000u;
        }
        CHECK_STATUS(ledgerauth_credential_add_key(ring, &key, &error), LEDGERAUTH_OK, &error);
    }
    options.environment = LEDGERAUTH_STR("staging");
    ledgerauth_client *client = replay_client(options, ring);
    ledgerauth_credential_free(ring);
    return client;
}

/* Whether the API accepts the key of that digit in this call. */
static int accepts(const json_t *call, char digit) {
    size_t index;
    json_t *accepted;
    json_array_foreach(json_object_get(call, "accepted"), index, accepted) {
        if (json_string_value(accepted)[0] == digit) {
            return 1;
        }
    }
    return 0;
}

static void rings(void) {
    json_t *vector, *call, *file = replay_file("rings", 12);
    json_t *fine = json_pack("{si}", "status", 200);
    json_t *refused = json_pack("{siss}", "status", 401, "body", "{\"error\":{\"code\":\"INVALID_API_KEY\"}}");
    size_t index, number;
    json_array_foreach(json_object_get(file, "vectors"), index, vector) {
        ledgerauth_client *client = ring_client(vector);
        replay_time = START;
        json_array_foreach(json_object_get(vector, "calls"), number, call) {
            const json_t *wanted = json_object_get(call, "sent");
            size_t sent = 0;
            replay_time += 1000u * (uint64_t)replay_number(call, "after_s", 0);
            ledgerauth_exchange *exchange = replay_start(client, "GET", "/v1/invoices", NULL);
            ledgerauth_step step = replay_poll(exchange);
            for (; step.kind == LEDGERAUTH_STEP_SEND; step = replay_poll(exchange)) {
                ledgerauth_str value = step.headers[0].value;
                char digit = value.data[value.len - 1];
                CHECK(sent < json_array_size(wanted) && json_string_value(json_array_get(wanted, sent))[0] == digit);
                sent++;
                replay_answer(exchange, accepts(call, digit) ? fine : refused);
            }
            CHECK(step.kind == LEDGERAUTH_STEP_DONE && sent == json_array_size(wanted));
            ledgerauth_exchange_free(exchange);
        }
        ledgerauth_client_free(client);
    }
    json_decref(fine);
    json_decref(refused);
    json_decref(file);
}

/* A record that a store hands over is read, or the store counts as down, with the reason. */
static void records(void) {
    json_t *vector, *file = replay_file("records", 63);
    size_t index;
    json_array_foreach(json_object_get(file, "vectors"), index, vector) {
        ledgerauth_error *error = NULL;
        ledgerauth_credential *credential = NULL;
        ledgerauth_client_options options = {.size = sizeof options, .provider = LEDGERAUTH_STR("numeric")};
        size_t times = (size_t)replay_number(vector, "times", 0), at = 0;
        ledgerauth_str text = replay_str(vector, "text"), repeat = replay_str(vector, "repeat"), end = replay_str(vector, "end");
        char *record = malloc(text.len + repeat.len * times + end.len + 1);
        at += text.len > 0 ? (memcpy(record, text.data, text.len), text.len) : 0;
        for (size_t time = 0; time < times; time++) {
            at += repeat.len > 0 ? (memcpy(record + at, repeat.data, repeat.len), repeat.len) : 0;
        }
        at += end.len > 0 ? (memcpy(record + at, end.data, end.len), end.len) : 0;
        CHECK_STATUS(ledgerauth_credential_from_refresh_token(LEDGERAUTH_STR("client-1"), LEDGERAUTH_STR("secret-1"), LEDGERAUTH_STR("made-up"),
                                                              &credential, &error),
                     LEDGERAUTH_OK, &error);
        options.environment = LEDGERAUTH_STR("production");
        replay_time = START;
        ledgerauth_client *client = replay_client(options, credential);
        ledgerauth_exchange *exchange = replay_start(client, "GET", "/v1/health", NULL);
        CHECK(replay_poll(exchange).kind == LEDGERAUTH_STEP_CLAIM);
        ledgerauth_str given = {record, at};
        CHECK_STATUS(ledgerauth_exchange_handle_claimed(exchange, LEDGERAUTH_STORE_DONE, given, &error), LEDGERAUTH_OK, &error);
        ledgerauth_step step = replay_poll(exchange);
        if (json_object_get(vector, "error") != NULL && at > 0) {
            for (; step.kind != LEDGERAUTH_STEP_DONE; step = replay_poll(exchange)) {
                CHECK(step.kind == LEDGERAUTH_STEP_RELEASE);
            }
            CHECK_TEXT(ledgerauth_error_kind(step.error), "store");
            CHECK_HAS(ledgerauth_error_line(step.error), replay_text(vector, "says"));
        } else {
            CHECK(step.kind != LEDGERAUTH_STEP_DONE);
        }
        ledgerauth_exchange_free(exchange);
        ledgerauth_client_free(client);
        ledgerauth_credential_free(credential);
        free(record);
    }
    json_decref(file);
}

int main(void) {
    failures();
    challenges();
    limits();
    token_answers();
    oauth_errors();
    refreshes();
    rings();
    records();
    return check_end("answers");
}
