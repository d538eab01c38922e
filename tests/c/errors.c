/*
 * Every way to fail, from C: wrong arguments, wrong keys, and what servers say.
 */
#include "sandbox.h"
#include <pthread.h>
#include <time.h>

static ledgerauth_str BAD = {"/v1/\xff\xfe", 6};
static ledgerauth_str NOWHERE = {NULL, 5};

static void arguments(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_client *client = sandbox_finora(), *none = NULL;
    ledgerauth_response *response = NULL;
    char small[4];
    CHECK_STATUS(ledgerauth_client_get(NULL, LEDGERAUTH_STR("/"), &response, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/"), NULL, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_client_get(client, NOWHERE, &response, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_client_get(client, BAD, &response, &error), LEDGERAUTH_NOT_UTF8, &error);
    CHECK(ledgerauth_client_get(client, BAD, &response, NULL) == LEDGERAUTH_NOT_UTF8 && response == NULL);
    CHECK_STATUS(ledgerauth_client_post(client, LEDGERAUTH_STR("/"), NOWHERE, &response, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("no slash"), &response, &error), LEDGERAUTH_MISUSE, &error);
    CHECK_STATUS(ledgerauth_client_authorize(client, LEDGERAUTH_STR("/"), NULL, 10, NULL, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_client_authorize(client, LEDGERAUTH_STR("/"), small, 0, NULL, &error), LEDGERAUTH_BUFFER_TOO_SMALL, &error);
    CHECK_STATUS(ledgerauth_client_explain(client, NULL, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_client_check(NULL, NULL, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_client_keys(NULL, NULL, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_client_plan(NULL, NULL, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_client_poll(client, LEDGERAUTH_STR("/"), 0, NULL, &error), LEDGERAUTH_NULL, &error);

    ledgerauth_request request = {.size = 8, .method = LEDGERAUTH_STR("GET"), .path = LEDGERAUTH_STR("/v1/invoices")};
    CHECK_STATUS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_STRUCT_SIZE, &error);
    request.size = 100000;
    CHECK_STATUS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_STRUCT_SIZE, &error);
    request.size = SIZE_MAX; /* memory that nobody filled */
    CHECK_STATUS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_STRUCT_SIZE, &error);
    request.size = sizeof request;
    CHECK_STATUS(ledgerauth_client_send(client, NULL, &response, &error), LEDGERAUTH_NULL, &error);
    request.method = LEDGERAUTH_STR("get");
    CHECK_STATUS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_MISUSE, &error);
    request.method = LEDGERAUTH_STR("GET");
    request.header_count = 1;
    CHECK_STATUS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_NULL, &error);
    ledgerauth_header line_break = {LEDGERAUTH_STR("X"), LEDGERAUTH_STR("a\r\nInjected: yes")};
    request.headers = &line_break;
    CHECK_STATUS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_MISUSE, &error);

    CHECK_STATUS(ledgerauth_client_new(NULL, &none, &error), LEDGERAUTH_NULL, &error);
    ledgerauth_client_options options = {.size = sizeof options};
    CHECK_STATUS(ledgerauth_client_new(&options, NULL, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_client_new(&options, &none, &error), LEDGERAUTH_MISUSE, &error);
    options.provider = LEDGERAUTH_STR("finora");
    CHECK_STATUS(ledgerauth_client_new(&options, &none, &error), LEDGERAUTH_SOURCE_UNAVAILABLE, &error);
    CHECK_STATUS(ledgerauth_credential_from_key(LEDGERAUTH_STR("x"), NULL, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_credential_from_key(BAD, &credential, &error), LEDGERAUTH_NOT_UTF8, &error);
    CHECK_STATUS(ledgerauth_credential_from_callback(NULL, NULL, &credential, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_credential_set_scopes(NULL, NULL, 0, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_credential_set_environment(NULL, BAD, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_credential_from_client(LEDGERAUTH_STR("id"), LEDGERAUTH_STR("s"), &credential, &error), LEDGERAUTH_OK, &error);
    ledgerauth_ring_key key = {.size = sizeof key, .text = LEDGERAUTH_STR("x")};
    CHECK_STATUS(ledgerauth_credential_add_key(credential, &key, &error), LEDGERAUTH_MISUSE, &error);
    ledgerauth_credential_free(credential);
    CHECK(none == NULL && response == NULL);
    ledgerauth_client_free(client);
}

static int32_t new_with(ledgerauth_client_options options, const char *key, ledgerauth_error **error) {
    ledgerauth_credential *credential = NULL;
    ledgerauth_client *client = NULL;
    int32_t status = ledgerauth_credential_from_key(ledgerauth_str_of(key), &credential, error);
    options.size = sizeof options;
    options.credential = credential;
    status = status == LEDGERAUTH_OK ? ledgerauth_client_new(&options, &client, error) : status;
    ledgerauth_credential_free(credential);
    ledgerauth_client_free(client);
    return status;
}

/* What a client refuses to be made of. */
static void set_up(void) {
    const char *live = "live_sk_0123456789abcdef0123456789abcdef0123456789abcdef";
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_provider *provider = NULL;
    ledgerauth_client_options finora = {.size = sizeof finora, .provider = LEDGERAUTH_STR("finora")}, options = finora;
    CHECK_STATUS(new_with(finora, "live_sk_short", &error), LEDGERAUTH_KEY_FORMAT, &error);
    options.environment = LEDGERAUTH_STR("staging");
    CHECK_STATUS(new_with(options, live, &error), LEDGERAUTH_ENVIRONMENT_MISMATCH, &error);
    options = finora;
    options.base_url = LEDGERAUTH_STR("http://api.finorabusiness.com");
    CHECK_STATUS(new_with(options, live, &error), LEDGERAUTH_INSECURE_TRANSPORT, &error);
    options = finora;
    options.provider = LEDGERAUTH_STR("finorra");
    CHECK_STATUS(new_with(options, live, &error), LEDGERAUTH_PROFILE, &error);
    options = finora;
    options.client_auth = LEDGERAUTH_STR("by_post");
    CHECK_STATUS(new_with(options, live, &error), LEDGERAUTH_MISUSE, &error);
    options = finora;
    options.store_folder = LEDGERAUTH_STR("/proc/no-such-folder");
    CHECK_STATUS(new_with(options, live, &error), LEDGERAUTH_SETTING, &error);
    options.store_redis = LEDGERAUTH_STR("redis://127.0.0.1:1");
    CHECK_STATUS(new_with(options, live, &error), LEDGERAUTH_MISUSE, &error);
    options = finora;
    options.store_key = LEDGERAUTH_STR("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    CHECK_STATUS(new_with(options, live, &error), LEDGERAUTH_MISUSE, &error);
    options.store_key = ledgerauth_str_of(NULL);
    options.store_ca_pem = LEDGERAUTH_STR("x");
    CHECK_STATUS(new_with(options, live, &error), LEDGERAUTH_MISUSE, &error);
    options = finora;
    options.discover = 1;
    options.environment = LEDGERAUTH_STR("production");
    CHECK_STATUS(new_with(options, live, &error), LEDGERAUTH_MISUSE, &error);
    options = finora;
    options.proxy = LEDGERAUTH_STR("not a proxy: hunter2");
    int32_t proxy = ledgerauth_has_http() ? LEDGERAUTH_SETTING : LEDGERAUTH_UNSUPPORTED;
    CHECK_STATUS(new_with(options, live, &error), proxy, &error);
    options = finora;
    options.identity_chain_pem = LEDGERAUTH_STR("x");
    CHECK_STATUS(new_with(options, live, &error), ledgerauth_has_http() ? LEDGERAUTH_MISUSE : LEDGERAUTH_UNSUPPORTED, &error);
    CHECK_STATUS(ledgerauth_provider_builtin(LEDGERAUTH_STR("nobody"), &provider, &error), LEDGERAUTH_PROFILE, &error);
    CHECK_STATUS(ledgerauth_provider_from_toml(LEDGERAUTH_STR("name = 1"), &provider, &error), LEDGERAUTH_PROFILE, &error);
    CHECK_STATUS(ledgerauth_credential_from_env(LEDGERAUTH_STR("LEDGERAUTH_NOT_SET"), &credential, &error), LEDGERAUTH_SOURCE_UNAVAILABLE,
                 &error);
    CHECK_STATUS(ledgerauth_credential_from_client_env(LEDGERAUTH_STR("LEDGERAUTH_NOT_SET"), LEDGERAUTH_STR("HOME"), &credential, &error),
                 LEDGERAUTH_SOURCE_UNAVAILABLE, &error);
    CHECK_STATUS(ledgerauth_credential_from_file(LEDGERAUTH_STR("/nowhere/at/all"), &credential, &error), LEDGERAUTH_SOURCE_UNAVAILABLE,
                 &error);
    int32_t signing = ledgerauth_has_http() ? LEDGERAUTH_SETTING : LEDGERAUTH_UNSUPPORTED;
    CHECK_STATUS(ledgerauth_credential_from_private_key(LEDGERAUTH_STR("id"), LEDGERAUTH_STR("RS256"), LEDGERAUTH_STR("no pem"),
                                                        ledgerauth_str_of(NULL), &credential, &error),
                 signing, &error);
    CHECK(credential == NULL && provider == NULL);
    CHECK(ledgerauth_provider_builtin_name(0).len > 0 && ledgerauth_provider_builtin_name(9999).len == 0);
}

/* An answer that the sandbox is told to give, and the status that it has to become. */
typedef struct said {
    int http_status;
    const char *body;
    const char *headers; /* JSON */
    int32_t status;
} said;

static const said SAID[] = {
    {401, "{\"error\":{\"code\":\"UNAUTHORIZED\"}}", "[]", LEDGERAUTH_CREDENTIAL_MISSING},
    {401, "{\"error\":{\"code\":\"INVALID_API_KEY\",\"message\":\"no\",\"requestId\":\"req_7\"}}", "[]", LEDGERAUTH_KEY_REFUSED},
    {401, "{\"error\":{\"message\":\"This key was revoked on Monday\"}}", "[]", LEDGERAUTH_KEY_REVOKED},
    {401, "{\"error\":{\"message\":\"Malformed API key\"}}", "[]", LEDGERAUTH_CREDENTIAL_MALFORMED},
    {401, "", "[[\"WWW-Authenticate\",\"Bearer error=\\\"insufficient_user_authentication\\\"\"]]", LEDGERAUTH_STEP_UP_REQUIRED},
    {403, "", "[[\"WWW-Authenticate\",\"Bearer error=\\\"insufficient_scope\\\"\"]]", LEDGERAUTH_MISSING_SCOPE},
    {403, "{\"error\":{\"code\":\"FORBIDDEN\"}}", "[]", LEDGERAUTH_PERMISSION_DENIED},
    {403, "{\"error\":{\"code\":\"ENTERPRISE_ONLY\"}}", "[]", LEDGERAUTH_ENTERPRISE_ONLY},
    {403, "{\"error\":{\"code\":\"BUSINESS_SUSPENDED\"}}", "[]", LEDGERAUTH_SUSPENDED},
    {402, "{\"error\":{\"code\":\"INSUFFICIENT_CREDITS\"}}", "[]", LEDGERAUTH_INSUFFICIENT_CREDITS},
    {402, "", "[]", LEDGERAUTH_PLAN_REQUIRED},
    {429, "", "[[\"Retry-After\",\"3600\"]]", LEDGERAUTH_RATE_LIMITED},
    {503, "", "[[\"Retry-After\",\"3600\"]]", LEDGERAUTH_SERVER_ERROR},
    {404, "{\"error\":{\"code\":\"NOT_FOUND\"}}", "[]", LEDGERAUTH_REQUEST_REFUSED},
};

static void tell_sandbox(const char *service, int times, const char *kind) {
    char fault[2048];
    snprintf(fault, sizeof fault, "{\"service\": \"%s\", \"times\": %d, \"kind\": %s}", service, times, kind);
    sandbox_do("/faults", fault);
}

/* A page of another host is not the API's answer; the error has it, and where it came from. */
static void elsewhere(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_response *response = NULL;
    ledgerauth_client *client = sandbox_finora();
    ledgerauth_redirect hop = {0};
    ledgerauth_str stranger = ledgerauth_str_of(sandbox_url("stranger")), no_host = LEDGERAUTH_STR("user:word@files.example");
    char page[512], kind[1024];
    snprintf(page, sizeof page, "%s/login?from=api", sandbox_url("stranger"));
    snprintf(kind, sizeof kind, "{\"redirect\": {\"code\": 302, \"location\": \"%s\"}}", page);
    tell_sandbox("finora", 2, kind);
    CHECK_ENDS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/invoices"), &response, &error), LEDGERAUTH_REDIRECTED_ELSEWHERE, &error);
    CHECK(response == NULL && ledgerauth_error_http_status(error) == 200 && !ledgerauth_error_is_retryable(error));
    CHECK(ledgerauth_error_processed(error) == LEDGERAUTH_PROCESSED_UNKNOWN);
    CHECK_HAS(ledgerauth_error_advice(error), "login page");
    const ledgerauth_response *answer = ledgerauth_error_response(error);
    CHECK_TEXT(ledgerauth_response_url(answer), page);
    CHECK_HAS(ledgerauth_response_body(answer), "stranger");
    CHECK(ledgerauth_response_redirect_count(answer) == 1);
    CHECK(ledgerauth_response_redirect_at(answer, 0, &hop, NULL) == LEDGERAUTH_OK);
    CHECK(hop.status == 302);
    CHECK_HAS(hop.url, "/v1/invoices");
    CHECK(ledgerauth_response_redirect_at(answer, 1, &hop, NULL) == LEDGERAUTH_MISUSE);
    ledgerauth_error_free(error);
    error = NULL;
    ledgerauth_request request = {.size = sizeof request, .method = LEDGERAUTH_STR("GET"), .path = LEDGERAUTH_STR("/v1/invoices")};
    request.allow_redirect_to = &stranger;
    request.allow_redirect_to_count = 1;
    CHECK_STATUS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_OK, &error);
    CHECK_TEXT(ledgerauth_response_url(response), page);
    ledgerauth_response_free(response);
    request.allow_redirect_to = &no_host;
    CHECK_ENDS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_MISUSE, &error);
    CHECK_HAS(ledgerauth_error_line(error), "entry 1 of allow_redirect_to");
    ledgerauth_error_free(error);
    ledgerauth_client_free(client);
}

/* A cut 201 keeps its status and its id: what it made can be looked up. */
static void cut(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_response *response = NULL;
    ledgerauth_client *client = sandbox_finora();
    ledgerauth_str invoice = LEDGERAUTH_STR("{\"total\": 1}");
    /* A program's own HTTP hands over whole answers or none. */
    if (!sandbox_own_http()) {
        tell_sandbox("finora", 1, "\"truncated\"");
        CHECK_ENDS(ledgerauth_client_post(client, LEDGERAUTH_STR("/v1/invoices"), invoice, &response, &error), LEDGERAUTH_BODY, &error);
        CHECK(ledgerauth_error_http_status(error) == 201 && ledgerauth_error_request_id(error).len == 32);
        CHECK(ledgerauth_error_processed(error) == LEDGERAUTH_PROCESSED_YES && !ledgerauth_error_is_retryable(error));
        CHECK(ledgerauth_response_status(ledgerauth_error_response(error)) == 201);
        ledgerauth_error_free(error);
        error = NULL;
    }
    tell_sandbox("finora", 1, "\"reset_after_acting\"");
    CHECK_ENDS(ledgerauth_client_post(client, LEDGERAUTH_STR("/v1/invoices"), invoice, &response, &error), LEDGERAUTH_TRANSPORT, &error);
    CHECK(ledgerauth_error_processed(error) == LEDGERAUTH_PROCESSED_UNKNOWN && !ledgerauth_error_is_retryable(error));
    CHECK(ledgerauth_error_http_status(error) == 0);
    CHECK_HAS(ledgerauth_error_line(error), "gave no answer");
    ledgerauth_error_free(error);
    ledgerauth_client_free(client);
}

static void servers(void) {
    for (size_t at = 0; at < sizeof SAID / sizeof *SAID; at++) {
        const said *said = &SAID[at];
        ledgerauth_error *error = NULL;
        ledgerauth_response *response = NULL;
        ledgerauth_client *client = sandbox_finora();
        json_t *kind = json_pack("{s{siss}}", "status", "code", said->http_status, "body", said->body);
        json_object_set_new(json_object_get(kind, "status"), "headers", json_loads(said->headers, 0, NULL));
        char *text = json_dumps(kind, 0);
        tell_sandbox("finora", 1, text);
        CHECK_ENDS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/invoices"), &response, &error), said->status, &error);
        CHECK(response == NULL && ledgerauth_error_http_status(error) == said->http_status);
        const ledgerauth_response *answer = ledgerauth_error_response(error);
        CHECK(ledgerauth_response_status(answer) == said->http_status);
        CHECK_TEXT(ledgerauth_response_body(answer), said->body);
        CHECK(ledgerauth_error_request_id(error).len == 32 && ledgerauth_response_request_id(answer).len == 32);
        CHECK(ledgerauth_error_is_retryable(error) == (said->status >= 5000 && said->status < 6000));
        if (said->status == LEDGERAUTH_KEY_REFUSED) {
            CHECK_TEXT(ledgerauth_error_provider_code(error), "INVALID_API_KEY");
            CHECK_TEXT(ledgerauth_error_provider_message(error), "no");
            CHECK_TEXT(ledgerauth_error_server_request_id(error), "req_7");
            CHECK(ledgerauth_error_advice(error).len > 0 && ledgerauth_error_what(error).len > 0);
        }
        if (said->status == LEDGERAUTH_RATE_LIMITED) {
            CHECK(ledgerauth_error_come_back_at(error) > 1764000000000u);
        }
        ledgerauth_error_free(error);
        ledgerauth_client_free(client);
        json_decref(kind);
        free(text);
    }
}

static int32_t get_once(ledgerauth_client *client, ledgerauth_error **error) {
    ledgerauth_response *response = NULL;
    int32_t status = ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/invoices"), &response, error);
    ledgerauth_response_free(response);
    return status;
}

static int distrusted;

static int32_t distrust(void *userdata, const ledgerauth_outgoing *outgoing, ledgerauth_answer *answer) {
    (void)userdata, (void)outgoing;
    distrusted++;
    ledgerauth_answer_fail(answer, LEDGERAUTH_UNTRUSTED, LEDGERAUTH_STR("no authority vouches for it"), NULL);
    return 1;
}

/* A server whose certificate is not trusted: by the library's word, and by a transport's, which is called once. */
static void untrusted(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_transport transport = {.size = sizeof transport, .send = distrust};
    ledgerauth_client_options options = sandbox_options("finora", "finora");
    options.ca_pem = (ledgerauth_str){0};
    if (!sandbox_own_http() && strncmp(sandbox_url("finora"), "https:", 6) == 0) {
        ledgerauth_client *client = sandbox_finora_with(options, sandbox_key("finora_test"));
        CHECK_STATUS(get_once(client, &error), LEDGERAUTH_UNTRUSTED, &error);
        ledgerauth_client_free(client);
    }
    options.no_proxy = 0;
    options.transport = &transport;
    ledgerauth_client *client = sandbox_finora_with(options, sandbox_key("finora_test"));
    CHECK_STATUS(get_once(client, &error), LEDGERAUTH_UNTRUSTED, &error);
    CHECK(distrusted == 1);
    ledgerauth_client_free(client);
}

/* What only a token endpoint, a key's age or the connection can say. */
static void the_rest(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_response *response = NULL;
    ledgerauth_client_options options = sandbox_options("finora", "finora");
    options.max_attempts = 1;
    ledgerauth_client *client = sandbox_finora_with(options, sandbox_key("finora_test"));
    tell_sandbox("finora", 1, "\"reset_after_acting\"");
    CHECK_STATUS(get_once(client, &error), LEDGERAUTH_TRANSPORT, &error);
    tell_sandbox("finora", 1, "\"truncated\"");
    int32_t cut = sandbox_own_http() ? LEDGERAUTH_TRANSPORT : LEDGERAUTH_BODY;
    CHECK_STATUS(get_once(client, &error), cut, &error);
    ledgerauth_client_free(client);

    client = sandbox_numeric_with(sandbox_options("numeric", "numeric_api"));
    json_int_t before = sandbox_now();
    sandbox_do("/settings", "{\"token_delay_ms\": 300}");
    ledgerauth_request request = {.size = sizeof request, .method = LEDGERAUTH_STR("GET"), .path = LEDGERAUTH_STR("/v1/health"), .deadline_ms = 50};
    CHECK_STATUS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_DEADLINE_EXCEEDED, &error);
    /* The token is still on its way, and must not meet what comes next. */
    for (int look = 0; look < 500 && sandbox_requests("numeric_auth", before) == 0; look++) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    sandbox_do("/settings", "{\"token_delay_ms\": 0}");
    ledgerauth_client_free(client);

    client = sandbox_numeric();
    tell_sandbox("numeric_auth", 1, "{\"status\": {\"code\": 400, \"body\": \"{\\\"error\\\": \\\"invalid_client\\\"}\"}}");
    CHECK_STATUS(ledgerauth_client_check(client, NULL, &error), LEDGERAUTH_GRANT_REFUSED, &error);
    ledgerauth_client_free(client);
    client = sandbox_numeric();
    tell_sandbox("numeric_auth", 9, "{\"status\": {\"code\": 200, \"body\": \"no token\"}}");
    CHECK_STATUS(ledgerauth_client_check(client, NULL, &error), LEDGERAUTH_TOKEN_ENDPOINT, &error);
    json_decref(sandbox_control("DELETE", "/faults", NULL));
    ledgerauth_client_free(client);
    client = sandbox_numeric();
    tell_sandbox("numeric_api", 9, "{\"status\": {\"code\": 401}}");
    CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/health"), &response, &error), LEDGERAUTH_TOKEN_REFUSED, &error);
    json_decref(sandbox_control("DELETE", "/faults", NULL));
    ledgerauth_client_free(client);
}

/* A refresh token that is dead, a store that is down, a key that is old or malformed by the server's word. */
static int32_t down(void *userdata, ledgerauth_str id, uint64_t owner, uint64_t span_ms, ledgerauth_stored *stored) {
    (void)userdata, (void)id, (void)owner, (void)span_ms;
    ledgerauth_stored_reason(stored, LEDGERAUTH_STR("the database is away"), NULL);
    return LEDGERAUTH_STORE_DOWN;
}

static int32_t down_save(void *userdata, ledgerauth_str id, const ledgerauth_save *save, ledgerauth_stored *stored) {
    (void)userdata, (void)id, (void)save, (void)stored;
    return LEDGERAUTH_STORE_DOWN;
}

static void down_release(void *userdata, ledgerauth_str id, uint64_t owner) { (void)userdata, (void)id, (void)owner; }

static int32_t down_load(void *userdata, ledgerauth_str id, ledgerauth_stored *stored) {
    (void)userdata, (void)id, (void)stored;
    return LEDGERAUTH_STORE_DOWN;
}

static int32_t refreshed(const char *token, const ledgerauth_store *store, ledgerauth_error **error) {
    ledgerauth_client_options options = sandbox_options("numeric", "numeric_api");
    options.store = store;
    ledgerauth_client *client = sandbox_numeric_as(options, token);
    int32_t status = ledgerauth_client_check(client, NULL, error);
    ledgerauth_client_free(client);
    return status;
}

static void people(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_store store = {.size = sizeof store, .claim = down, .save = down_save, .release = down_release};
    CHECK_STATUS(new_with((ledgerauth_client_options){.provider = LEDGERAUTH_STR("finora"), .store = &store},
                          "live_sk_0123456789abcdef0123456789abcdef0123456789abcdef", &error),
                 LEDGERAUTH_NULL, &error);
    store.load = down_load;
    CHECK_STATUS(refreshed("never-issued", NULL, &error), LEDGERAUTH_CONSENT_REQUIRED, &error);
    CHECK_ENDS(refreshed("never-issued", &store, &error), LEDGERAUTH_STORE, &error);
    CHECK_HAS(ledgerauth_error_line(error), "the database is away");
    ledgerauth_error_free(error);
    error = NULL;

    ledgerauth_credential *ring = NULL;
    ledgerauth_client *client = NULL;
    ledgerauth_client_options options = sandbox_options("finora", "finora");
    ledgerauth_ring_key key = {.size = sizeof key, .text = LEDGERAUTH_STR("test_sk_0123456789abcdef0123456789abcdef0123456789abcdef")};
    key.created_at = 1000;
    CHECK_STATUS(ledgerauth_credential_new_ring(&ring, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_credential_add_key(ring, &key, &error), LEDGERAUTH_OK, &error);
    options.credential = ring;
    options.environment = LEDGERAUTH_STR("staging");
    CHECK_STATUS(ledgerauth_client_new(&options, &client, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(get_once(client, &error), LEDGERAUTH_KEY_EXPIRED, &error);
    ledgerauth_client_free(client);
    ledgerauth_credential_free(ring);
}

/* An exchange that is being polled, while another thread polls it, too: from within the store that the first one asks. */

static ledgerauth_exchange *polled;

static void *poll_too(void *met) {
    ledgerauth_error *error = NULL;
    ledgerauth_step step = {.size = sizeof step};
    CHECK_STATUS(ledgerauth_exchange_poll(polled, &step, &error), LEDGERAUTH_BUSY, &error);
    *(int *)met = 1;
    return NULL;
}

static int32_t meddle(void *userdata, ledgerauth_str id, uint64_t owner, uint64_t span_ms, ledgerauth_stored *stored) {
    pthread_t other;
    if (pthread_create(&other, NULL, poll_too, userdata) == 0) {
        pthread_join(other, NULL);
    }
    return down(userdata, id, owner, span_ms, stored);
}

static void busy(void) {
    int met = 0;
    ledgerauth_error *error = NULL;
    ledgerauth_step step = {.size = sizeof step};
    ledgerauth_store store = {.size = sizeof store, .userdata = &met, .claim = meddle, .save = down_save, .release = down_release};
    ledgerauth_client_options options = sandbox_options("numeric", "numeric_api");
    ledgerauth_call call = {.size = sizeof call, .method = LEDGERAUTH_STR("GET"), .path = LEDGERAUTH_STR("/v1/health")};
    store.load = down_load;
    options.store = &store;
    options.no_threads = 1;
    ledgerauth_client *client = sandbox_numeric_as(options, "never-issued");
    CHECK_STATUS(ledgerauth_exchange_new(client, &call, &polled, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_exchange_poll(polled, &step, &error), LEDGERAUTH_OK, &error);
    CHECK(met);
    ledgerauth_exchange_free(polled);
    ledgerauth_client_free(client);

    ledgerauth_answer *answer = NULL;
    CHECK_STATUS(ledgerauth_answer_new(&answer, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_answer_add_body(answer, LEDGERAUTH_STR("x"), &error), LEDGERAUTH_OK, &error);
    CHECK_TEXT(ledgerauth_answer_body(answer), "x");
    CHECK_STATUS(ledgerauth_answer_clear(answer, &error), LEDGERAUTH_OK, &error);
    CHECK(ledgerauth_answer_body(answer).len == 0 && ledgerauth_answer_status(answer) == 0);
    CHECK_STATUS(ledgerauth_answer_clear(NULL, &error), LEDGERAUTH_NULL, &error);
    ledgerauth_answer_free(answer);
}

int main(void) {
    sandbox_find();
    arguments();
    set_up();
    servers();
    elsewhere();
    cut();
    the_rest();
    untrusted();
    people();
    busy();
    sandbox_leave();
    return check_end("errors");
}
