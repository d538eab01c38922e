/*
 * What the library asks of a program: audit, log, the source of a secret, a token store, time and dice.
 */
#include "sandbox.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

/* What was heard. */
typedef struct heard {
    pthread_mutex_t lock;
    int events, lines, warnings, refused, replaced;
    char last[512];
    const char *secret;
    int shown;
    uint64_t last_at;
} heard;

static void on_audit(void *userdata, const ledgerauth_audit_event *event) {
    heard *all = userdata;
    pthread_mutex_lock(&all->lock);
    all->events++;
    all->last_at = event->at;
    all->refused += event->what.len == 7 && memcmp(event->what.data, "refused", 7) == 0;
    all->replaced += event->what.len == 8 && memcmp(event->what.data, "replaced", 8) == 0;
    CHECK(event->size == sizeof *event && event->what.len > 0 && event->decision.len > 0);
    CHECK_TEXT(event->provider, "finora");
    CHECK_TEXT(event->environment, "staging");
    CHECK_TEXT(event->integration, "erp");
    if (event->http_status != 0) {
        CHECK(event->request_id.len == 32 && event->fingerprint.len == 16 && event->level == LEDGERAUTH_LOG_DEBUG);
    }
    pthread_mutex_unlock(&all->lock);
}

static void on_log(void *userdata, int32_t level, ledgerauth_str line) {
    heard *all = userdata;
    pthread_mutex_lock(&all->lock);
    all->lines++;
    all->warnings += level == LEDGERAUTH_LOG_WARN;
    snprintf(all->last, sizeof all->last, "%.*s", LEDGERAUTH_ARG(line));
    all->shown += all->secret != NULL && strstr(all->last, all->secret) != NULL;
    pthread_mutex_unlock(&all->lock);
}

static void audit(void) {
    heard all = {.lock = PTHREAD_MUTEX_INITIALIZER};
    ledgerauth_error *error = NULL;
    ledgerauth_response *response = NULL;
    ledgerauth_client_options options = sandbox_options("finora", "finora");
    uint8_t fingerprint_key[32] = {7};
    all.secret = sandbox_key("finora_test");
    options.integration = LEDGERAUTH_STR("erp");
    options.on_audit = on_audit;
    options.audit_blocks = 1;
    options.audit_userdata = &all;
    options.on_log = on_log;
    options.log_userdata = &all;
    options.fingerprint_key = fingerprint_key;
    ledgerauth_client *client = sandbox_finora_with(options, sandbox_key("finora_test"));
    CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/invoices"), &response, &error), LEDGERAUTH_OK, &error);
    ledgerauth_response_free(response);
    CHECK(all.events == 2 && all.lines == 2 && all.warnings == 0);
    CHECK(strstr(all.last, "GET /v1/invoices 200") != NULL);
    CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("https://elsewhere.example/"), &response, &error), LEDGERAUTH_FOREIGN_HOST,
                 &error);
    CHECK(all.events == 3 && all.refused == 1 && all.warnings == 1 && all.shown == 0 && all.last_at > 1764000000000u);
    ledgerauth_client_free(client);
}

/* A listener that calls through the client whose events it hears. */
typedef struct caller {
    ledgerauth_client *client;
    atomic_int calls, refused, slow;
} caller;

static void call_back(caller *all) {
    ledgerauth_error *error = NULL;
    ledgerauth_response *response = NULL;
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    int32_t status = ledgerauth_client_get(all->client, LEDGERAUTH_STR("/v1/invoices"), &response, &error);
    clock_gettime(CLOCK_MONOTONIC, &after);
    int at_once = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 < 500;
    all->slow += !at_once;
    all->refused += status == LEDGERAUTH_MISUSE && check_has(ledgerauth_error_line(error), "on_audit called its own client");
    ledgerauth_error_free(error);
    ledgerauth_response_free(response);
    all->calls++;
}

static void call_on_audit(void *userdata, const ledgerauth_audit_event *event) {
    (void)event;
    call_back(userdata);
}

static void call_on_log(void *userdata, int32_t level, ledgerauth_str line) {
    (void)level;
    (void)line;
    call_back(userdata);
}

/* However a listener is called, its call is refused at once, and the call that it hears of goes on. */
static void reentrant(void) {
    for (int way = 0; way < 4; way++) {
        caller all = {.client = NULL};
        ledgerauth_error *error = NULL;
        ledgerauth_response *response = NULL;
        ledgerauth_client_options options = sandbox_options("finora", "finora");
        options.on_audit = way < 3 ? call_on_audit : NULL;
        options.audit_userdata = &all;
        options.audit_blocks = way == 1;
        options.no_threads = way == 2;
        options.on_log = way == 3 ? call_on_log : NULL;
        options.log_userdata = &all;
        all.client = sandbox_finora_with(options, sandbox_key("finora_test"));
        json_int_t before = sandbox_now();
        CHECK_STATUS(ledgerauth_client_get(all.client, LEDGERAUTH_STR("/v1/invoices"), &response, &error), LEDGERAUTH_OK, &error);
        ledgerauth_response_free(response);
        for (int waited = 0; all.calls < 2 && waited < 200; waited++) {
            usleep(10000);
        }
        CHECK(all.calls == 2 && all.refused == 2 && all.slow == 0);
        CHECK(sandbox_requests("finora", before) == 1);
        ledgerauth_client_free(all.client);
    }
}

/* A secrets manager: the first key that it gives was revoked. */
typedef struct vault {
    const char *first, *second;
    int asked, wrong;
    ledgerauth_credential *asking; /* the credential that asks */
} vault;

static int32_t give(void *userdata, ledgerauth_credential **credential_out) {
    vault *vault = userdata;
    const char *key = vault->asked++ == 0 ? vault->first : vault->second;
    if (vault->asked == 1) {
        CHECK(ledgerauth_credential_set_environment(vault->asking, LEDGERAUTH_STR("staging"), NULL) == LEDGERAUTH_OK);
    }
    if (vault->wrong == 1) {
        return LEDGERAUTH_OK; /* and writes nothing */
    }
    if (vault->wrong == 2) {
        return ledgerauth_credential_from_callback(give, userdata, credential_out, NULL);
    }
    return key == NULL ? 1 : ledgerauth_credential_from_key(ledgerauth_str_of(key), credential_out, NULL);
}

static int32_t from_vault(vault *vault, ledgerauth_client **client, ledgerauth_error **error) {
    ledgerauth_credential *credential = NULL;
    ledgerauth_client_options options = sandbox_options("finora", "finora");
    CHECK(ledgerauth_credential_from_callback(give, vault, &credential, NULL) == LEDGERAUTH_OK);
    vault->asking = credential;
    options.credential = credential;
    options.environment = LEDGERAUTH_STR("staging");
    int32_t status = ledgerauth_client_new(&options, client, error);
    ledgerauth_credential_free(credential);
    return status;
}

static void source(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_client *client = NULL;
    ledgerauth_response *response = NULL;
    json_t *issued = sandbox_control("POST", "/keys", "{\"finora\": {\"environment\": \"test\"}}");
    const char *old = json_string_value(json_object_get(issued, "key"));
    char revoke[256];
    snprintf(revoke, sizeof revoke, "{\"revoke\": {\"key\": \"%s\"}}", old);
    sandbox_do("/keys", revoke);
    vault good = {old, sandbox_key("finora_test"), 0, 0, NULL}, empty = {0}, silent = {.wrong = 1}, nested = {.wrong = 2};
    CHECK_STATUS(from_vault(&good, &client, &error), LEDGERAUTH_OK, &error);
    CHECK(good.asked == 1);
    CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/invoices"), &response, &error), LEDGERAUTH_OK, &error);
    CHECK(good.asked == 2);
    ledgerauth_response_free(response);
    ledgerauth_client_free(client);
    CHECK_STATUS(from_vault(&empty, &client, &error), LEDGERAUTH_SOURCE_UNAVAILABLE, &error);
    CHECK_STATUS(from_vault(&silent, &client, &error), LEDGERAUTH_SOURCE_UNAVAILABLE, &error);
    CHECK_STATUS(from_vault(&nested, &client, &error), LEDGERAUTH_SOURCE_UNAVAILABLE, &error);
    json_decref(issued);
}

/* A database with one row. */
typedef struct database {
    pthread_mutex_t lock;
    char *record;
    size_t size;
    uint64_t generation, owner;
    int claims, saves, loads, releases, pauses, asked;
    uint64_t paused_until;
} database;

static void hand_over(database *database, ledgerauth_stored *stored) {
    if (database->record != NULL) {
        ledgerauth_str record = {database->record, database->size};
        CHECK(ledgerauth_stored_record(stored, record, NULL) == LEDGERAUTH_OK);
    }
}

static int32_t db_claim(void *userdata, ledgerauth_str id, uint64_t owner, uint64_t span_ms, ledgerauth_stored *stored) {
    database *database = userdata;
    pthread_mutex_lock(&database->lock);
    database->claims++;
    CHECK(id.len > 0 && span_ms >= 30000);
    int taken = database->owner != 0 && database->owner != owner;
    if (!taken) {
        database->owner = owner;
        hand_over(database, stored);
    }
    pthread_mutex_unlock(&database->lock);
    return taken ? LEDGERAUTH_STORE_TAKEN : LEDGERAUTH_STORE_DONE;
}

static int32_t db_save(void *userdata, ledgerauth_str id, const ledgerauth_save *save, ledgerauth_stored *stored) {
    database *database = userdata;
    (void)stored, (void)id;
    pthread_mutex_lock(&database->lock);
    database->saves++;
    CHECK(save->size == sizeof *save && save->record.len > 0);
    int taken = save->owner != database->owner || save->replaces != database->generation;
    if (!taken) {
        free(database->record);
        database->record = malloc(save->record.len);
        memcpy(database->record, save->record.data, save->record.len);
        database->size = save->record.len;
        database->generation = save->generation;
    }
    pthread_mutex_unlock(&database->lock);
    return taken ? LEDGERAUTH_STORE_TAKEN : LEDGERAUTH_STORE_DONE;
}

static void db_release(void *userdata, ledgerauth_str id, uint64_t owner) {
    database *database = userdata;
    (void)id;
    pthread_mutex_lock(&database->lock);
    database->releases++;
    database->owner = database->owner == owner ? 0 : database->owner;
    pthread_mutex_unlock(&database->lock);
}

static int32_t db_load(void *userdata, ledgerauth_str id, ledgerauth_stored *stored) {
    database *database = userdata;
    (void)id;
    pthread_mutex_lock(&database->lock);
    database->loads++;
    hand_over(database, stored);
    pthread_mutex_unlock(&database->lock);
    return LEDGERAUTH_STORE_DONE;
}

static void db_pause(void *userdata, ledgerauth_str id, uint64_t until, ledgerauth_str why) {
    database *database = userdata;
    (void)id;
    CHECK(why.len > 0);
    database->pauses++;
    database->paused_until = until;
}

static void db_paused(void *userdata, ledgerauth_str id, ledgerauth_stored *stored) {
    database *database = userdata;
    (void)id;
    database->asked++;
    if (database->paused_until > 0) {
        CHECK(ledgerauth_stored_pause(stored, database->paused_until, LEDGERAUTH_STR("a limit that another process met"), NULL) == LEDGERAUTH_OK);
    }
}

static ledgerauth_client *with_store(const ledgerauth_store *store, const char *refresh_token) {
    ledgerauth_client_options options = sandbox_options("numeric", "numeric_api");
    options.store = store;
    return sandbox_numeric_as(options, refresh_token);
}

static void store(void) {
    database database = {.lock = PTHREAD_MUTEX_INITIALIZER};
    ledgerauth_store store = {.size = sizeof store, .userdata = &database, .claim = db_claim, .save = db_save, .release = db_release};
    ledgerauth_error *error = NULL;
    ledgerauth_response *response = NULL;
    ledgerauth_text *text = NULL;
    char request[256];
    store.load = db_load;
    store.pause = db_pause;
    store.paused = db_paused;
    snprintf(request, sizeof request, "{\"refresh_token\": {\"client_id\": \"%s\"}}", sandbox_pair("numeric", "client_id"));
    json_t *issued = sandbox_control("POST", "/keys", request);
    json_int_t before = sandbox_now();
    /* Two programs, one after the other, with the same first refresh token, which is good for one use. */
    for (int program = 0; program < 2; program++) {
        ledgerauth_client *client = with_store(&store, json_string_value(json_object_get(issued, "refresh_token")));
        CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/health"), &response, &error), LEDGERAUTH_OK, &error);
        ledgerauth_response_free(response);
        CHECK_STATUS(ledgerauth_client_explain(client, &text, &error), LEDGERAUTH_OK, &error);
        CHECK_HAS(ledgerauth_text_str(text), "in the store");
        ledgerauth_text_free(text);
        ledgerauth_client_free(client);
    }
    CHECK(sandbox_requests("numeric_auth", before) == 1);
    CHECK(database.claims >= 2 && database.saves >= 2 && database.releases >= 2 && database.loads >= 2 && database.asked > 0);
    CHECK(database.generation >= 1 && database.owner == 0);

    /* A limit that one met is kept by the next. */
    sandbox_do("/faults", "{\"service\": \"numeric_api\", \"kind\": {\"status\": {\"code\": 429, \"headers\": [[\"Retry-After\", \"3600\"]]}}}");
    ledgerauth_client *client = with_store(&store, json_string_value(json_object_get(issued, "refresh_token")));
    CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/health"), &response, &error), LEDGERAUTH_RATE_LIMITED, &error);
    ledgerauth_client_free(client);
    CHECK(database.pauses == 1 && database.paused_until > 1764000000000u);
    before = sandbox_now();
    client = with_store(&store, json_string_value(json_object_get(issued, "refresh_token")));
    CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/health"), &response, &error), LEDGERAUTH_RATE_LIMITED, &error);
    CHECK(sandbox_requests("numeric_api", before) == 0);
    ledgerauth_client_free(client);

    /* What is no record is neither used nor overwritten. */
    free(database.record);
    database.record = strdup("not a record");
    database.size = strlen(database.record);
    database.paused_until = 0;
    before = sandbox_now();
    client = with_store(&store, json_string_value(json_object_get(issued, "refresh_token")));
    CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/health"), &response, &error), LEDGERAUTH_STORE, &error);
    CHECK(sandbox_requests("numeric_auth", before) == 0 && memcmp(database.record, "not a record", 12) == 0);
    ledgerauth_client_free(client);
    free(database.record);
    json_decref(issued);
}

/* A program's own time: it stands still until somebody sleeps. */
typedef struct world {
    uint64_t now, slept;
    int sends, sleeps, dice, stop;
} world;

static uint64_t world_now(void *userdata) { return ((world *)userdata)->now; }

static int32_t world_sleep(void *userdata, uint64_t span_ms) {
    world *world = userdata;
    CHECK(span_ms >= 1 && span_ms <= 50);
    world->now += span_ms;
    world->slept += span_ms;
    world->sleeps++;
    return world->stop;
}

static uint64_t world_random(void *userdata) { return ((world *)userdata)->dice++, 7; }

static int32_t world_send(void *userdata, const ledgerauth_outgoing *outgoing, ledgerauth_answer *answer) {
    world *world = userdata;
    int first = world->sends++ == 0;
    CHECK(outgoing->size == sizeof *outgoing && outgoing->header_count >= 2 && outgoing->begin_ms > 0);
    CHECK_TEXT(outgoing->method, "GET");
    CHECK_TEXT(outgoing->url, "https://api.finorabusiness.com/v1/invoices");
    ledgerauth_answer_add_header_line(answer, LEDGERAUTH_STR("HTTP/1.1 100 Continue\r\n"), NULL);
    ledgerauth_answer_add_header_line(answer, LEDGERAUTH_STR("X-Old: yes\r\n"), NULL);
    ledgerauth_answer_add_header_line(answer, first ? LEDGERAUTH_STR("HTTP/1.1 503 Away\r\n") : LEDGERAUTH_STR("HTTP/1.1 200 OK\r\n"), NULL);
    ledgerauth_answer_add_header_line(answer, first ? LEDGERAUTH_STR("Retry-After: 20\r\n") : LEDGERAUTH_STR("X-New: yes\r\n"), NULL);
    ledgerauth_answer_add_header_line(answer, LEDGERAUTH_STR("no field at all\r\n"), NULL);
    ledgerauth_answer_add_header_line(answer, LEDGERAUTH_STR("\r\n"), NULL);
    ledgerauth_answer_add_body(answer, LEDGERAUTH_STR("[1,"), NULL);
    ledgerauth_answer_add_body(answer, LEDGERAUTH_STR("2]"), NULL);
    return LEDGERAUTH_OK;
}

static ledgerauth_client *in_world(world *world, int32_t (*send)(void *, const ledgerauth_outgoing *, ledgerauth_answer *)) {
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_client *client = NULL;
    ledgerauth_transport transport = {.size = sizeof transport, .userdata = world, .send = send, .now = world_now};
    transport.sleep = world_sleep;
    transport.random = world_random;
    ledgerauth_client_options options = {.size = sizeof options, .provider = LEDGERAUTH_STR("finora"), .transport = &transport};
    CHECK_STATUS(ledgerauth_credential_from_key(LEDGERAUTH_STR("live_sk_0123456789abcdef0123456789abcdef0123456789abcdef"), &credential, &error),
                 LEDGERAUTH_OK, &error);
    options.credential = credential;
    options.no_threads = 1;
    CHECK_STATUS(ledgerauth_client_new(&options, &client, &error), LEDGERAUTH_OK, &error);
    ledgerauth_credential_free(credential);
    return client;
}

static int32_t no_answer(void *userdata, const ledgerauth_outgoing *outgoing, ledgerauth_answer *answer) {
    world *world = userdata;
    (void)outgoing;
    return world->sends++, ledgerauth_answer_fail(answer, 0, LEDGERAUTH_STR("the wire was cut"), NULL), 5;
}

static int32_t rubbish(void *userdata, const ledgerauth_outgoing *outgoing, ledgerauth_answer *answer) {
    (void)userdata, (void)outgoing;
    CHECK(ledgerauth_answer_set_status(answer, 7, NULL) == LEDGERAUTH_MISUSE);
    return LEDGERAUTH_OK;
}

static void time_and_dice(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_response *response = NULL;
    world world = {.now = 1764000000000u};
    ledgerauth_client *client = in_world(&world, world_send);
    CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/invoices"), &response, &error), LEDGERAUTH_OK, &error);
    CHECK_TEXT(ledgerauth_response_body(response), "[1,2]");
    CHECK_TEXT(ledgerauth_response_header(response, LEDGERAUTH_STR("x-new")), "yes");
    CHECK(ledgerauth_response_header(response, LEDGERAUTH_STR("x-old")).data == NULL);
    CHECK(world.sends == 2 && world.slept >= 20000 && world.dice > 0);
    ledgerauth_response_free(response);
    world.sends = 0;
    world.stop = 1;
    CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/invoices"), &response, &error), LEDGERAUTH_DEADLINE_EXCEEDED, &error);
    ledgerauth_client_free(client);

    world.stop = 0;
    world.sends = 0;
    client = in_world(&world, no_answer);
    CHECK_ENDS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/invoices"), &response, &error), LEDGERAUTH_TRANSPORT, &error);
    CHECK(world.sends == 4);
    CHECK_HAS(ledgerauth_error_line(error), "the wire was cut");
    ledgerauth_error_free(error);
    error = NULL;
    world.sends = 0;
    CHECK_STATUS(ledgerauth_client_post(client, LEDGERAUTH_STR("/v1/invoices"), LEDGERAUTH_STR("{}"), &response, &error), LEDGERAUTH_TRANSPORT,
                 &error);
    CHECK(world.sends == 1);
    ledgerauth_client_free(client);
    client = in_world(&world, rubbish);
    CHECK_STATUS(ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/invoices"), &response, &error), LEDGERAUTH_TRANSPORT, &error);
    ledgerauth_client_free(client);
}

int main(void) {
    sandbox_find();
    audit();
    reentrant();
    source();
    store();
    time_and_dice();
    sandbox_leave();
    return check_end("callbacks");
}
