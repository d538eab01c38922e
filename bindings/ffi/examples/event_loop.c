/*
 * Your own event loop: a hundred calls in flight on one thread, by curl_multi.
 *
 *     cc event_loop.c $(pkg-config --cflags --libs ledgerauth libcurl) -o event_loop
 *     NUMERIC_CLIENT_ID=... NUMERIC_CLIENT_SECRET=... ./event_loop
 */
#include "by_curl.h"
#include <stdio.h>
#include <time.h>

enum { CALLS = 100 };

typedef struct call {
    ledgerauth_exchange *exchange;
    ledgerauth_answer *answer;
    by_curl request;
    uint64_t wake_at; /* when to poll again; 0 if it does not wait */
    int over;
    int fine;
} call;

typedef struct loop {
    ledgerauth_client *client;
    CURLM *multi;
    call calls[CALLS];
    uint64_t seen; /* the client's changes when the waiting calls were polled last */
    int left;
    int most_in_flight;
} loop;

static uint64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* Starts what a step asks to be sent. */
static void transmit(loop *loop, call *call, const ledgerauth_step *step) {
    ledgerauth_answer_clear(call->answer, NULL);
    call->request.easy = curl_easy_init();
    by_curl_prepare(&call->request, step->method, step->url, step->headers, step->header_count, step->body, call->answer);
    curl_easy_setopt(call->request.easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(call->request.easy, CURLOPT_TIMEOUT_MS, (long)(step->timeout_ms > 0 ? step->timeout_ms : 30000));
    curl_multi_add_handle(loop->multi, call->request.easy);
}

/* Asks a call what to do next, and does it. */
static void go_on(loop *loop, call *call) {
    ledgerauth_step step = {.size = sizeof step};
    call->wake_at = 0;
    if (ledgerauth_exchange_poll(call->exchange, &step, NULL) != LEDGERAUTH_OK) {
        call->over = 1;
        loop->left--;
        return;
    }
    switch (step.kind) {
    case LEDGERAUTH_STEP_FETCH:
    case LEDGERAUTH_STEP_SEND:
        transmit(loop, call, &step);
        break;
    case LEDGERAUTH_STEP_CONNECT:
        /* libcurl connects when it sends. */
        ledgerauth_exchange_handle_connected(call->exchange, LEDGERAUTH_CONNECT_NOT_SUPPORTED, 0, LEDGERAUTH_STR(""), NULL);
        go_on(loop, call);
        break;
    case LEDGERAUTH_STEP_WAIT:
        call->wake_at = now_ms() + step.wait_ms + 1;
        break;
    default:
        call->over = 1;
        call->fine = step.error == NULL;
        loop->left--;
        if (step.error != NULL) {
            fprintf(stderr, "%.*s\n", LEDGERAUTH_ARG(ledgerauth_error_line(step.error)));
        }
    }
}

/* Polls the calls that wait: all of them if the client has changed, else those whose time has come. */
static void wake(loop *loop) {
    uint64_t changes = ledgerauth_client_changes(loop->client), now = now_ms();
    int all = changes != loop->seen;
    loop->seen = changes;
    for (int at = 0; at < CALLS; at++) {
        call *call = &loop->calls[at];
        if (!call->over && call->wake_at > 0 && (all || call->wake_at <= now)) {
            go_on(loop, call);
        }
    }
}

/* Reports what has arrived. */
static void collect(loop *loop) {
    int more = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(loop->multi, &more)) != NULL;) {
        call *call = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        curl_multi_remove_handle(loop->multi, call->request.easy);
        by_curl_finish(&call->request);
        curl_easy_cleanup(call->request.easy);
        if (code == CURLE_OK) {
            ledgerauth_exchange_handle_response(call->exchange, call->answer, NULL);
        } else {
            ledgerauth_str what = ledgerauth_str_of(curl_easy_strerror(code));
            ledgerauth_exchange_handle_failure(call->exchange, by_curl_not_sent(code), what, NULL);
        }
        go_on(loop, call);
    }
}

static void run(loop *loop) {
    while (loop->left > 0) {
        int in_flight = 0;
        curl_multi_perform(loop->multi, &in_flight);
        loop->most_in_flight = in_flight > loop->most_in_flight ? in_flight : loop->most_in_flight;
        collect(loop);
        wake(loop);
        curl_multi_poll(loop->multi, NULL, 0, 10, NULL);
    }
}

static ledgerauth_client *new_client(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_client *client = NULL;
    int32_t status = ledgerauth_credential_from_client_env(LEDGERAUTH_STR("NUMERIC_CLIENT_ID"), LEDGERAUTH_STR("NUMERIC_CLIENT_SECRET"),
                                                           &credential, &error);
    if (status == LEDGERAUTH_OK) {
        ledgerauth_client_options options = {.size = sizeof options};
        options.provider = LEDGERAUTH_STR("numeric");
        options.credential = credential;
        options.environment = ledgerauth_str_of(getenv("ENVIRONMENT"));
        options.base_url = ledgerauth_str_of(getenv("BASE_URL"));
        options.token_url = ledgerauth_str_of(getenv("TOKEN_URL"));
        status = ledgerauth_client_new(&options, &client, &error);
    }
    if (status != LEDGERAUTH_OK) {
        fprintf(stderr, "%.*s\n", LEDGERAUTH_ARG(ledgerauth_error_line(error)));
        ledgerauth_error_free(error);
    }
    ledgerauth_credential_free(credential);
    return client;
}

int main(void) {
    static loop loop;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    loop.client = new_client();
    if (loop.client == NULL) {
        return EXIT_FAILURE;
    }
    loop.multi = curl_multi_init();
    loop.left = CALLS;
    for (int at = 0; at < CALLS; at++) {
        ledgerauth_call about = {.size = sizeof about, .method = LEDGERAUTH_STR("GET"), .path = LEDGERAUTH_STR("/v1/health")};
        ledgerauth_exchange_new(loop.client, &about, &loop.calls[at].exchange, NULL);
        ledgerauth_answer_new(&loop.calls[at].answer, NULL);
    }
    for (int at = 0; at < CALLS; at++) {
        go_on(&loop, &loop.calls[at]);
    }
    run(&loop);
    int fine = 0;
    for (int at = 0; at < CALLS; at++) {
        fine += loop.calls[at].fine;
        ledgerauth_answer_free(loop.calls[at].answer);
        ledgerauth_exchange_free(loop.calls[at].exchange);
    }
    printf("%d of %d calls answered, %d in flight at most, one thread\n", fine, CALLS, loop.most_in_flight);
    curl_multi_cleanup(loop.multi);
    ledgerauth_client_free(loop.client);
    curl_global_cleanup();
    return fine == CALLS ? EXIT_SUCCESS : EXIT_FAILURE;
}
