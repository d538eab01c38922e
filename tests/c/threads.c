/*
 * Sixteen threads on one client: one token, no race. The number of calls of each may be given.
 */
#include "sandbox.h"
#include <pthread.h>

enum { THREADS = 16 };

typedef struct shared {
    ledgerauth_client *client;
    ledgerauth_redactor *redactor;
    pthread_barrier_t barrier;
    pthread_mutex_t lock;
    int calls, fine, heard;
} shared;

static void on_audit(void *userdata, const ledgerauth_audit_event *event) {
    shared *shared = userdata;
    pthread_mutex_lock(&shared->lock);
    shared->heard += event->what.len > 0;
    pthread_mutex_unlock(&shared->lock);
}

static int one_call(shared *shared, int call) {
    char value[1024];
    size_t length = 0;
    ledgerauth_response *response = NULL;
    ledgerauth_error *error = NULL;
    ledgerauth_text *text = NULL;
    int fine = ledgerauth_client_get(shared->client, LEDGERAUTH_STR("/v1/health"), &response, &error) == LEDGERAUTH_OK;
    fine = fine && ledgerauth_response_status(response) == 200;
    ledgerauth_response_free(response);
    fine = fine && ledgerauth_client_authorize(shared->client, LEDGERAUTH_STR("/v1/x"), value, sizeof value, &length, &error) == LEDGERAUTH_OK;
    fine = fine && length == strlen(value);
    fine = fine && ledgerauth_redactor_redact(shared->redactor, LEDGERAUTH_STR("x-api-key: 0a1b2c3d"), &text, &error) == LEDGERAUTH_OK;
    ledgerauth_text_free(text);
    text = NULL;
    fine = fine && ledgerauth_client_explain(shared->client, &text, &error) == LEDGERAUTH_OK;
    ledgerauth_text_free(text);
    if (call % 4 == 0) {
        fine = fine && ledgerauth_client_get(shared->client, LEDGERAUTH_STR("no path"), &response, &error) == LEDGERAUTH_MISUSE;
        ledgerauth_error_free(error);
        error = NULL;
    }
    ledgerauth_error_free(error);
    return fine;
}

static void *work(void *userdata) {
    shared *shared = userdata;
    int fine = 0;
    pthread_barrier_wait(&shared->barrier);
    for (int call = 0; call < shared->calls; call++) {
        fine += one_call(shared, call);
    }
    pthread_mutex_lock(&shared->lock);
    shared->fine += fine;
    pthread_mutex_unlock(&shared->lock);
    return NULL;
}

int main(int argc, char **argv) {
    shared shared = {.calls = argc > 1 ? atoi(argv[1]) : 20, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[THREADS];
    ledgerauth_error *error = NULL;
    sandbox_find();
    json_int_t before = sandbox_now();
    sandbox_do("/settings", "{\"token_delay_ms\": 100}");
    ledgerauth_client_options options = sandbox_options("numeric", "numeric_api");
    options.on_audit = on_audit;
    options.audit_blocks = 1;
    options.audit_userdata = &shared;
    shared.client = sandbox_numeric_with(options);
    CHECK_STATUS(ledgerauth_redactor_new(&shared.redactor, &error), LEDGERAUTH_OK, &error);
    pthread_barrier_init(&shared.barrier, NULL, THREADS);
    for (int at = 0; at < THREADS; at++) {
        CHECK(pthread_create(&threads[at], NULL, work, &shared) == 0);
    }
    for (int at = 0; at < THREADS; at++) {
        pthread_join(threads[at], NULL);
    }
    CHECK(shared.fine == THREADS * shared.calls);
    CHECK(sandbox_requests("numeric_auth", before) == 1);
    CHECK(shared.heard >= 2 * THREADS * shared.calls);
    sandbox_do("/settings", "{\"token_delay_ms\": 0}");
    ledgerauth_redactor_free(shared.redactor);
    ledgerauth_client_free(shared.client);
    pthread_barrier_destroy(&shared.barrier);
    sandbox_leave();
    return check_end("threads");
}
