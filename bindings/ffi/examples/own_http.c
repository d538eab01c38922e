/*
 * Your own HTTP: the client on top of libcurl. The library may have been built without HTTP.
 *
 *     cc own_http.c $(pkg-config --cflags --libs ledgerauth libcurl) -o own_http
 *     NUMERIC_CLIENT_ID=... NUMERIC_CLIENT_SECRET=... ./own_http
 */
#include "by_curl.h"
#include <stdio.h>

/* Sends one request: called by the library for calls and token requests alike, from any thread. */
static int32_t send_by_curl(void *userdata, const ledgerauth_outgoing *outgoing, ledgerauth_answer *answer) {
    (void)userdata;
    return by_curl_send(curl_easy_init(), outgoing, answer);
}

static int complain(const char *when, ledgerauth_error *error) {
    fprintf(stderr, "%s: %.*s\n", when, LEDGERAUTH_ARG(ledgerauth_error_line(error)));
    ledgerauth_error_free(error);
    return EXIT_FAILURE;
}

static int work(const ledgerauth_client *client) {
    ledgerauth_error *error = NULL;
    ledgerauth_response *response = NULL;
    if (ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/health"), &response, &error) != LEDGERAUTH_OK) {
        return complain("get", error);
    }
    printf("health: %d\n", ledgerauth_response_status(response));
    ledgerauth_response_free(response);
    ledgerauth_str task = LEDGERAUTH_STR("{\"name\": \"close March\"}");
    if (ledgerauth_client_post(client, LEDGERAUTH_STR("/v1/tasks"), task, &response, &error) != LEDGERAUTH_OK) {
        return complain("post", error);
    }
    printf("task: %.*s\n", LEDGERAUTH_ARG(ledgerauth_response_body(response)));
    ledgerauth_response_free(response);
    return EXIT_SUCCESS;
}

int main(void) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    if (ledgerauth_credential_from_client_env(LEDGERAUTH_STR("NUMERIC_CLIENT_ID"), LEDGERAUTH_STR("NUMERIC_CLIENT_SECRET"), &credential, &error)
        != LEDGERAUTH_OK) {
        return complain("credential", error);
    }
    ledgerauth_transport transport = {.size = sizeof transport, .send = send_by_curl};
    ledgerauth_client_options options = {.size = sizeof options};
    options.provider = LEDGERAUTH_STR("numeric");
    options.credential = credential;
    options.transport = &transport;
    options.environment = ledgerauth_str_of(getenv("ENVIRONMENT"));
    options.base_url = ledgerauth_str_of(getenv("BASE_URL"));
    options.token_url = ledgerauth_str_of(getenv("TOKEN_URL"));
    ledgerauth_client *client = NULL;
    int32_t status = ledgerauth_client_new(&options, &client, &error);
    ledgerauth_credential_free(credential);
    if (status != LEDGERAUTH_OK) {
        return complain("client", error);
    }
    int result = work(client);
    ledgerauth_client_free(client);
    curl_global_cleanup();
    return result;
}
