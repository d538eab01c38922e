/*
 * The simple client against the sandbox: calls, bodies, headers, keys, tokens.
 */
#include "sandbox.h"
#include <time.h>
#include <unistd.h>

static void get_and_post(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_response *response = NULL;
    ledgerauth_client *client = sandbox_finora();
    CHECK_TEXT(ledgerauth_client_environment(client), "staging");
    CHECK_TEXT(ledgerauth_client_header(client), "Authorization");
    CHECK(ledgerauth_client_state(client) == LEDGERAUTH_STATE_FRESH);
    CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/invoices"), &response, &error), LEDGERAUTH_OK, &error);
    CHECK(ledgerauth_response_status(response) == 200);
    CHECK_HAS(ledgerauth_response_body(response), "\"success\":true");
    CHECK_HAS(ledgerauth_response_header(response, LEDGERAUTH_STR("CONTENT-type")), "application/json");
    CHECK(ledgerauth_response_header(response, LEDGERAUTH_STR("x-not-there")).data == NULL);
    CHECK(ledgerauth_response_request_id(response).len == 32);
    size_t count = ledgerauth_response_header_count(response);
    int seen = 0;
    for (size_t at = 0; at < count; at++) {
        ledgerauth_header field;
        CHECK_STATUS(ledgerauth_response_header_at(response, at, &field, &error), LEDGERAUTH_OK, &error);
        seen += field.name.len == 12 && memcmp(field.name.data, "content-type", 12) == 0;
    }
    CHECK(count > 1 && seen == 1);
    ledgerauth_header beyond;
    CHECK_STATUS(ledgerauth_response_header_at(response, count, &beyond, &error), LEDGERAUTH_MISUSE, &error);
    ledgerauth_response_free(response);

    ledgerauth_str invoice = LEDGERAUTH_STR("{\"customerName\":\"Ada\",\"dueDate\":\"2026-12-31\",\"items\":[{\"description\":\"x\",\"quantity\":1,\"unitPrice\":5}]}");
    CHECK_STATUS(ledgerauth_client_post(client, LEDGERAUTH_STR("/v1/invoices"), invoice, &response, &error), LEDGERAUTH_OK, &error);
    CHECK(ledgerauth_response_status(response) == 201);
    ledgerauth_response_free(response);
    ledgerauth_client_free(client);
}

static void check_and_explain(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_text *text = NULL;
    ledgerauth_client *client = sandbox_finora();
    CHECK_STATUS(ledgerauth_client_check(client, &text, &error), LEDGERAUTH_OK, &error);
    CHECK_TEXT(ledgerauth_text_str(text), "Finora Business (staging), GET /v1/usage: accepted");
    ledgerauth_text_free(text);
    CHECK_STATUS(ledgerauth_client_check(client, NULL, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_client_explain(client, &text, &error), LEDGERAUTH_OK, &error);
    CHECK_HAS(ledgerauth_text_str(text), "finora (staging)");
    CHECK_HAS(ledgerauth_text_str(text), "state: good");
    ledgerauth_text_free(text);
    ledgerauth_client_free(client);
}

static void the_whole_request(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_response *response = NULL;
    ledgerauth_client *client = sandbox_finora();
    json_int_t before = sandbox_now();
    ledgerauth_header query[] = {{LEDGERAUTH_STR("q"), LEDGERAUTH_STR("a b&c=d\xc3\xa9")}, {LEDGERAUTH_STR("page"), LEDGERAUTH_STR("2")}};
    ledgerauth_header fields[] = {{LEDGERAUTH_STR("X-Mine"), LEDGERAUTH_STR("yes")}};
    ledgerauth_request request = {.size = sizeof request, .method = LEDGERAUTH_STR("GET"), .path = LEDGERAUTH_STR("/v1/invoices")};
    request.query = query;
    request.query_count = 2;
    request.headers = fields;
    request.header_count = 1;
    request.request_id = LEDGERAUTH_STR("run-7-call-1");
    request.deadline_ms = 20000;
    CHECK_STATUS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_OK, &error);
    CHECK_TEXT(ledgerauth_response_request_id(response), "run-7-call-1");
    ledgerauth_response_free(response);
    char path[64];
    snprintf(path, sizeof path, "/log?since=%lld", (long long)before);
    json_t *log = sandbox_control("GET", path, NULL);
    char *entry = json_dumps(json_array_get(json_object_get(log, "entries"), 0), 0);
    CHECK(strstr(entry, "q=a+b%26c%3Dd%C3%A9&page=2") != NULL || strstr(entry, "q=a%20b%26c%3Dd%C3%A9&page=2") != NULL);
    CHECK(strstr(entry, "run-7-call-1") != NULL && strcasestr(entry, "x-mine") != NULL);
    free(entry);
    json_decref(log);

    const char *methods[] = {"HEAD", "PUT", "PATCH", "DELETE"};
    for (size_t at = 0; at < 4; at++) {
        ledgerauth_request other = {.size = sizeof other, .path = LEDGERAUTH_STR("/v1/nothing-here")};
        other.method = ledgerauth_str_of(methods[at]);
        other.body = at > 0 && at < 3 ? LEDGERAUTH_STR("{}") : ledgerauth_str_of(NULL);
        CHECK_STATUS(ledgerauth_client_send(client, &other, &response, &error), LEDGERAUTH_REQUEST_REFUSED, &error);
    }
    ledgerauth_client_free(client);
}

/* A body that is given and taken piece by piece. */
typedef struct pieces {
    const char *text;
    size_t at;
    char *taken;
    size_t size;
    int stop_after; /* pieces; 0 to never stop */
    int calls;
} pieces;

static int32_t give(void *userdata, uint8_t *buffer, size_t capacity, size_t *size_out) {
    pieces *body = userdata;
    size_t left = strlen(body->text) - body->at, size = left < 7 ? left : 7;
    size = size < capacity ? size : capacity;
    memcpy(buffer, body->text + body->at, size);
    body->at += size;
    *size_out = size;
    return ++body->calls == body->stop_after ? 77 : LEDGERAUTH_OK;
}

static int32_t take(void *userdata, const uint8_t *data, size_t size) {
    pieces *body = userdata;
    body->taken = realloc(body->taken, body->size + size + 1);
    memcpy(body->taken + body->size, data, size);
    body->taken[body->size += size] = '\0';
    return ++body->calls == body->stop_after ? 77 : LEDGERAUTH_OK;
}

static void streams(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_response *response = NULL;
    ledgerauth_client *client = sandbox_finora();
    pieces up = {.text = "{\"customerName\":\"Streams Ltd\",\"dueDate\":\"2026-12-31\",\"items\":[{\"description\":\"x\",\"quantity\":1,\"unitPrice\":5}]}"};
    pieces down = {0};
    ledgerauth_header type = {LEDGERAUTH_STR("Content-Type"), LEDGERAUTH_STR("application/json")};
    ledgerauth_request request = {.size = sizeof request, .method = LEDGERAUTH_STR("POST"), .path = LEDGERAUTH_STR("/v1/invoices")};
    request.headers = &type;
    request.header_count = 1;
    request.read_body = give;
    request.read_userdata = &up;
    request.write_body = take;
    request.write_userdata = &down;
    CHECK_STATUS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_OK, &error);
    CHECK(ledgerauth_response_status(response) == 201 && ledgerauth_response_body(response).len == 0);
    CHECK(down.taken != NULL && strstr(down.taken, "Streams Ltd") != NULL);
    ledgerauth_response_free(response);
    free(down.taken);

    /* A body of a stated size has exactly that size, or the call fails. */
    pieces sized = {.text = up.text}, taken = {0};
    request.read_userdata = &sized;
    request.write_userdata = &taken;
    request.read_size = strlen(up.text);
    CHECK_STATUS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_OK, &error);
    CHECK(ledgerauth_response_status(response) == 201);
    ledgerauth_response_free(response);
    free(taken.taken);
    sized.at = 0;
    request.read_size = strlen(up.text) + 1;
    CHECK_ENDS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_TRANSPORT, &error);
    /* The program's own HTTP says in its own words why it gave the request up. */
    CHECK_HAS(ledgerauth_error_line(error), sandbox_own_http() ? "gave no answer" : "it shrank");
    ledgerauth_error_free(error);
    error = NULL;
    request.read_size = 0;

    /* A field that frames the message is the library's. */
    ledgerauth_header host = {LEDGERAUTH_STR("Host"), LEDGERAUTH_STR("evil.example")};
    request.headers = &host;
    CHECK_ENDS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_MISUSE, &error);
    ledgerauth_error_free(error);
    error = NULL;
    request.headers = &type;

    /* What is not a success goes into the error, whatever takes the body. */
    pieces none = {0};
    request.path = LEDGERAUTH_STR("/v1/nothing-here");
    request.read_body = NULL;
    request.write_userdata = &none;
    CHECK_ENDS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_REQUEST_REFUSED, &error);
    CHECK(none.calls == 0 && ledgerauth_response_body(ledgerauth_error_response(error)).len > 0);
    ledgerauth_error_free(error);
    error = NULL;

    /* Either side may end it. */
    pieces stopped_up = {.text = up.text, .stop_after = 2}, stopped_down = {.stop_after = 1};
    request.path = LEDGERAUTH_STR("/v1/invoices");
    request.read_body = give;
    request.read_userdata = &stopped_up;
    CHECK_STATUS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_STOPPED, &error);
    request.method = LEDGERAUTH_STR("GET");
    request.read_body = NULL;
    request.write_userdata = &stopped_down;
    CHECK_STATUS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_STOPPED, &error);
    free(stopped_down.taken);
    ledgerauth_client_free(client);
}

static void tokens(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_response *response = NULL;
    json_int_t before = sandbox_now();
    ledgerauth_client *client = sandbox_numeric();
    char value[512], again[512];
    size_t length = 0, needed = 0;
    CHECK(ledgerauth_client_state(client) == LEDGERAUTH_STATE_EMPTY);
    CHECK_STATUS(ledgerauth_client_authorize(client, LEDGERAUTH_STR("/v1/health"), value, sizeof value, &length, &error), LEDGERAUTH_OK, &error);
    CHECK(length == strlen(value) && strncmp(value, "Bearer ", 7) == 0 && length > 20);
    CHECK(ledgerauth_client_state(client) == LEDGERAUTH_STATE_FRESH && ledgerauth_client_changes(client) > 0);
    CHECK_STATUS(ledgerauth_client_authorize(client, LEDGERAUTH_STR("/v1/other"), again, length + 1, NULL, &error), LEDGERAUTH_OK, &error);
    CHECK(strcmp(value, again) == 0);
    memset(again, 'x', sizeof again);
    CHECK_STATUS(ledgerauth_client_authorize(client, LEDGERAUTH_STR("/v1/other"), again, length, &needed, &error), LEDGERAUTH_BUFFER_TOO_SMALL,
                 &error);
    CHECK(needed == length && again[0] == 'x');
    CHECK_STATUS(ledgerauth_client_authorize(client, LEDGERAUTH_STR("https://elsewhere.example/"), again, sizeof again, NULL, &error),
                 LEDGERAUTH_FOREIGN_HOST, &error);
    for (int call = 0; call < 3; call++) {
        CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/health"), &response, &error), LEDGERAUTH_OK, &error);
        ledgerauth_response_free(response);
    }
    CHECK(sandbox_requests("numeric_auth", before) == 1 && sandbox_requests("numeric_api", before) == 3);
    ledgerauth_client_free(client);
}

static void documents(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_response *response = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_client *client = NULL;
    ledgerauth_client_options options = sandbox_options("numora", "numora");
    sandbox_do("/settings", "{\"documents_ready_after\": 1}");
    CHECK_STATUS(ledgerauth_credential_from_key(ledgerauth_str_of(sandbox_key("numora")), &credential, &error), LEDGERAUTH_OK, &error);
    options.credential = credential;
    CHECK_STATUS(ledgerauth_client_new(&options, &client, &error), LEDGERAUTH_OK, &error);
    char body[128];
    snprintf(body, sizeof body, "{\"schema\":\"invoice_v2\",\"file_url\":\"https://example.com/1.pdf\",\"external_id\":\"c-%d\"}", (int)getpid());
    CHECK_STATUS(ledgerauth_client_post(client, LEDGERAUTH_STR("/v1/documents"), ledgerauth_str_of(body), &response, &error), LEDGERAUTH_OK, &error);
    json_t *document = json_loadb(ledgerauth_response_body(response).data, ledgerauth_response_body(response).len, 0, NULL);
    ledgerauth_str status_url = ledgerauth_str_of(json_string_value(json_object_get(document, "status_url")));
    ledgerauth_response_free(response);
    CHECK_STATUS(ledgerauth_client_poll(client, status_url, 400, &response, &error), LEDGERAUTH_DEADLINE_EXCEEDED, &error);
    CHECK_STATUS(ledgerauth_client_poll(client, status_url, 10000, &response, &error), LEDGERAUTH_OK, &error);
    CHECK(ledgerauth_response_body(response).len > 0);
    ledgerauth_response_free(response);
    json_decref(document);
    ledgerauth_client_free(client);
    ledgerauth_credential_free(credential);
}

static char *issued(const char *request) {
    json_t *answer = sandbox_control("POST", "/keys", request);
    char *key = strdup(json_string_value(json_object_get(answer, "key")));
    json_decref(answer);
    return key;
}

static void ring(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_client *client = NULL;
    ledgerauth_response *response = NULL;
    char *old = issued("{\"finora\": {\"environment\": \"test\"}}"), *new = issued("{\"finora\": {\"environment\": \"test\"}}"), revoke[256];
    uint64_t created = (uint64_t)time(NULL) * 1000u;
    ledgerauth_ring_key keys[2] = {{.size = sizeof *keys, .name = LEDGERAUTH_STR("spring")}, {.size = sizeof *keys, .name = LEDGERAUTH_STR("summer")}};
    keys[0].text = ledgerauth_str_of(old);
    keys[1].text = ledgerauth_str_of(new);
    keys[1].id = LEDGERAUTH_STR("key-2");
    keys[1].created_at = created;
    CHECK_STATUS(ledgerauth_credential_new_ring(&credential, &error), LEDGERAUTH_OK, &error);
    for (int at = 0; at < 2; at++) {
        CHECK_STATUS(ledgerauth_credential_add_key(credential, &keys[at], &error), LEDGERAUTH_OK, &error);
    }
    ledgerauth_client_options options = sandbox_options("finora", "finora");
    options.environment = LEDGERAUTH_STR("staging");
    options.credential = credential;
    CHECK_STATUS(ledgerauth_client_new(&options, &client, &error), LEDGERAUTH_OK, &error);
    snprintf(revoke, sizeof revoke, "{\"revoke\": {\"key\": \"%s\"}}", old);
    sandbox_do("/keys", revoke);
    CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/invoices"), &response, &error), LEDGERAUTH_OK, &error);
    ledgerauth_response_free(response);

    ledgerauth_key_states *states = NULL;
    ledgerauth_key_state state = {.size = sizeof state};
    CHECK_STATUS(ledgerauth_client_keys(client, &states, &error), LEDGERAUTH_OK, &error);
    CHECK(ledgerauth_key_states_count(states) == 2);
    CHECK_STATUS(ledgerauth_key_states_at(states, 0, &state, &error), LEDGERAUTH_OK, &error);
    CHECK_TEXT(state.name, "spring");
    CHECK_TEXT(state.prefix, "test_sk_");
    CHECK(state.size == sizeof state && !state.in_use && state.refused != NULL && state.age == LEDGERAUTH_AGE_UNKNOWN);
    CHECK(ledgerauth_error_status(state.refused) == LEDGERAUTH_KEY_REFUSED && state.last_needed_at > 0);
    CHECK_STATUS(ledgerauth_key_states_at(states, 1, &state, &error), LEDGERAUTH_OK, &error);
    CHECK_TEXT(state.id, "key-2");
    CHECK(state.in_use && state.refused == NULL && state.age == LEDGERAUTH_AGE_ACTIVE);
    CHECK(state.ends_at == created + UINT64_C(7776000000));
    CHECK_STATUS(ledgerauth_key_states_at(states, 2, &state, &error), LEDGERAUTH_MISUSE, &error);

    ledgerauth_plan *plan = NULL;
    uint64_t by = 0;
    ledgerauth_str what;
    CHECK_STATUS(ledgerauth_client_plan(client, &plan, &error), LEDGERAUTH_OK, &error);
    CHECK_HAS(ledgerauth_plan_lines(plan), "spring");
    CHECK(ledgerauth_plan_count(plan) > 0);
    CHECK_STATUS(ledgerauth_plan_at(plan, 0, &by, &what, &error), LEDGERAUTH_OK, &error);
    CHECK(by > 1764000000000u && what.len > 10);
    CHECK_STATUS(ledgerauth_plan_at(plan, 0, NULL, NULL, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_plan_at(plan, 99, &by, &what, &error), LEDGERAUTH_MISUSE, &error);
    ledgerauth_plan_free(plan);

    /* The client is gone, what it gave is not. */
    ledgerauth_client_free(client);
    CHECK_STATUS(ledgerauth_key_states_at(states, 0, &state, &error), LEDGERAUTH_OK, &error);
    CHECK_TEXT(state.name, "spring");
    ledgerauth_key_states_free(states);
    ledgerauth_credential_free(credential);
    free(old);
    free(new);
}

/* A token that one client got is found by another in the same folder. */
static void folder(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_response *response = NULL;
    char path[1024], store[1040], command[1040];
    snprintf(path, sizeof path, "%s/ledgerauth-c-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : P_tmpdir);
    CHECK(mkdtemp(path) != NULL);
    snprintf(store, sizeof store, "%s/tokens", path); /* made by the library */
    json_int_t before = sandbox_now();
    for (int process = 0; process < 2; process++) {
        ledgerauth_client_options options = sandbox_options("numeric", "numeric_api");
        options.store_folder = ledgerauth_str_of(store);
        options.store_key = LEDGERAUTH_STR("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
        ledgerauth_client *client = sandbox_numeric_with(options);
        CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/health"), &response, &error), LEDGERAUTH_OK, &error);
        ledgerauth_response_free(response);
        ledgerauth_client_free(client);
    }
    CHECK(sandbox_requests("numeric_auth", before) == 1);
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    CHECK(system(command) == 0);
}

/* A credential that is handed over is the next call's, and the old one can end: no call meets a 401. */
static void hand_over(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL, *client_pair = NULL;
    ledgerauth_client *client = NULL;
    char *old = issued("{\"finora\": {\"environment\": \"test\"}}"), *new = issued("{\"finora\": {\"environment\": \"test\"}}"), revoke[256];
    CHECK_STATUS(ledgerauth_credential_from_key(ledgerauth_str_of(old), &credential, &error), LEDGERAUTH_OK, &error);
    ledgerauth_client_options options = sandbox_options("finora", "finora");
    options.environment = LEDGERAUTH_STR("staging");
    options.credential = credential;
    CHECK_STATUS(ledgerauth_client_new(&options, &client, &error), LEDGERAUTH_OK, &error);
    ledgerauth_credential_free(credential);
    for (int turn = 0; turn < 2; turn++) {
        ledgerauth_response *response = NULL;
        CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/invoices"), &response, &error), LEDGERAUTH_OK, &error);
        CHECK(ledgerauth_response_status(response) == 200);
        ledgerauth_response_free(response);
        if (turn == 0) {
            CHECK_STATUS(ledgerauth_credential_from_key(ledgerauth_str_of(new), &credential, &error), LEDGERAUTH_OK, &error);
            CHECK_STATUS(ledgerauth_client_replace_credential(client, credential, &error), LEDGERAUTH_OK, &error);
            ledgerauth_credential_free(credential);
            snprintf(revoke, sizeof revoke, "{\"revoke\": {\"key\": \"%s\"}}", old);
            sandbox_do("/keys", revoke);
        }
    }
    ledgerauth_key_states *states = NULL;
    ledgerauth_key_state state = {.size = sizeof state};
    CHECK_STATUS(ledgerauth_client_keys(client, &states, &error), LEDGERAUTH_OK, &error);
    CHECK(ledgerauth_key_states_count(states) == 1);
    CHECK_STATUS(ledgerauth_key_states_at(states, 0, &state, &error), LEDGERAUTH_OK, &error);
    CHECK(state.in_use && state.refused == NULL);
    ledgerauth_key_states_free(states);
    CHECK_STATUS(ledgerauth_client_reload(client, &error), LEDGERAUTH_MISUSE, &error);
    CHECK_STATUS(ledgerauth_credential_from_client(LEDGERAUTH_STR("id"), LEDGERAUTH_STR("made-up"), &client_pair, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_client_replace_credential(client, client_pair, &error), LEDGERAUTH_KEY_FORMAT, &error);
    ledgerauth_credential_free(client_pair);
    CHECK_STATUS(ledgerauth_client_replace_credential(client, NULL, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_client_reload(NULL, &error), LEDGERAUTH_NULL, &error);
    ledgerauth_client_free(client);

    CHECK(setenv("HANDED_OVER_KEY", old, 1) == 0);
    CHECK_STATUS(ledgerauth_credential_from_env(LEDGERAUTH_STR("HANDED_OVER_KEY"), &credential, &error), LEDGERAUTH_OK, &error);
    options.credential = credential;
    CHECK_STATUS(ledgerauth_client_new(&options, &client, &error), LEDGERAUTH_OK, &error);
    ledgerauth_credential_free(credential);
    CHECK(setenv("HANDED_OVER_KEY", new, 1) == 0);
    CHECK_STATUS(ledgerauth_client_reload(client, &error), LEDGERAUTH_OK, &error);
    ledgerauth_response *response = NULL;
    CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/invoices"), &response, &error), LEDGERAUTH_OK, &error);
    CHECK(ledgerauth_response_status(response) == 200);
    ledgerauth_response_free(response);
    ledgerauth_client_free(client);
    free(old);
    free(new);
}

int main(void) {
    sandbox_find();
    get_and_post();
    check_and_explain();
    the_whole_request();
    streams();
    tokens();
    documents();
    ring();
    hand_over();
    folder();
    sandbox_leave();
    return check_end("client");
}
