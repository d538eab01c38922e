/*
 * How long a body may be: max_body counts what was unpacked, and a body that is taken in pieces has no limit.
 */
#include "bomb.h"

static const char MADE_UP[] = "test_sk_a3f09c17be5d4482a3f09c17be5d4482a3f09c17be5d4482";

static ledgerauth_client *client_of(const bomb *server, uint64_t max_body) {
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_client *client = NULL;
    ledgerauth_client_options options = {.size = sizeof options, .provider = LEDGERAUTH_STR("finora"), .environment = LEDGERAUTH_STR("staging")};
    CHECK_STATUS(ledgerauth_credential_from_key(ledgerauth_str_of(MADE_UP), &credential, &error), LEDGERAUTH_OK, &error);
    options.credential = credential;
    options.base_url = ledgerauth_str_of(server->url);
    options.insecure_loopback = 1;
    options.no_proxy = 1;
    options.max_body = max_body;
    CHECK_STATUS(ledgerauth_client_new(&options, &client, &error), LEDGERAUTH_OK, &error);
    ledgerauth_credential_free(credential);
    return client;
}

static int32_t count(void *userdata, const uint8_t *data, size_t size) {
    (void)data;
    *(uint64_t *)userdata += size;
    return 0;
}

/* A bomb of one byte more than the limit ends so, and one of the limit does not. */
static void bounded(uint64_t runs, uint64_t max_body) {
    bomb server;
    ledgerauth_error *error = NULL;
    ledgerauth_response *response = NULL;
    bomb_start(&server, runs);
    uint64_t taken = 0, limit = max_body != 0 ? max_body : UINT64_C(268435456);
    ledgerauth_client *client = client_of(&server, max_body);
    int32_t status = ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/invoices"), &response, &error);
    if (server.unpacked > limit) {
        CHECK_ENDS(status, LEDGERAUTH_BODY, &error);
        CHECK_HAS(ledgerauth_error_line(error), "longer than max_body");
        CHECK_HAS(ledgerauth_error_advice(error), "raise max_body");
        CHECK(ledgerauth_error_http_status(error) == 200 && ledgerauth_error_processed(error) == LEDGERAUTH_PROCESSED_YES);
        ledgerauth_error_free(error);
        error = NULL;
    } else {
        CHECK_STATUS(status, LEDGERAUTH_OK, &error);
        CHECK(ledgerauth_response_body(response).len == server.unpacked);
        ledgerauth_response_free(response);
    }

    ledgerauth_request request = {.size = sizeof request, .method = LEDGERAUTH_STR("GET"), .path = LEDGERAUTH_STR("/v1/invoices")};
    request.write_body = count;
    request.write_userdata = &taken;
    CHECK_STATUS(ledgerauth_client_send(client, &request, &response, &error), LEDGERAUTH_OK, &error);
    CHECK(taken == server.unpacked);
    ledgerauth_response_free(response);
    ledgerauth_client_free(client);
    CHECK(server.answers == 2);
    bomb_stop(&server);
}

int main(int count_of_arguments, char **arguments) {
    enum { RUNS = 4096 };
    bounded(RUNS, 1 + (uint64_t)RUNS * BOMB_RUN);
    bounded(RUNS, (uint64_t)RUNS * BOMB_RUN);
    bounded(RUNS, 0);
    if (count_of_arguments > 1 && strcmp(arguments[1], "default") == 0) {
        /* 256 MiB are the longest, where nothing was said. */
        bounded(1040448, 0);
    }
    return check_end("bodies");
}
