/*
 * Tokens in a Redis server. The argument says what to do: "keep" calls with a token that is kept there, "mistrust" does not know the server's certificate
 * authority, "open" has no key to what is kept, "refuse" is for a library without Redis.
 */
#include "sandbox.h"

static ledgerauth_str variable(const char *name) { return ledgerauth_str_of(getenv(name)); }

static ledgerauth_client_options kept(void) {
    ledgerauth_client_options options = sandbox_options("numeric", "numeric_api");
    options.store_redis = variable("REDIS_URL");
    options.store_ca_pem = variable("REDIS_CA");
    options.store_key = LEDGERAUTH_STR("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    return options;
}

static int32_t call(const ledgerauth_client *client, ledgerauth_error **error) {
    ledgerauth_response *response = NULL;
    int32_t status = ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/health"), &response, error);
    ledgerauth_response_free(response);
    return status;
}

static void keep(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_text *text = NULL;
    ledgerauth_client *client = sandbox_numeric_as(kept(), getenv("REFRESH_TOKEN"));
    CHECK_STATUS(call(client, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_client_explain(client, &text, &error), LEDGERAUTH_OK, &error);
    CHECK_HAS(ledgerauth_text_str(text), "in the store");
    ledgerauth_text_free(text);
    ledgerauth_client_free(client);
}

/* A call that cannot be made, because the store does not work; its password is not shown. */
static void down(ledgerauth_client_options options, const char *why) {
    ledgerauth_error *error = NULL;
    ledgerauth_client *client = sandbox_numeric_as(options, getenv("REFRESH_TOKEN"));
    CHECK_ENDS(call(client, &error), LEDGERAUTH_STORE, &error);
    CHECK_HAS(ledgerauth_error_line(error), why);
    char *line = by_curl_string(ledgerauth_error_line(error));
    CHECK(getenv("REDIS_PASSWORD") != NULL && strstr(line, getenv("REDIS_PASSWORD")) == NULL);
    free(line);
    ledgerauth_error_free(error);
    ledgerauth_client_free(client);
}

static void mistrust(void) {
    ledgerauth_client_options options = kept();
    options.store_ca_pem = ledgerauth_str_of(sandbox_ca());
    down(options, "could not be trusted");
}

static void open_without_key(void) {
    ledgerauth_client_options options = kept();
    options.store_key = ledgerauth_str_of(NULL);
    down(options, "the record is sealed");
}

static void refuse(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_client *client = NULL;
    ledgerauth_client_options options = sandbox_options("finora", "finora");
    CHECK_STATUS(ledgerauth_credential_from_key(ledgerauth_str_of(sandbox_key("finora_test")), &credential, &error), LEDGERAUTH_OK, &error);
    options.credential = credential;
    options.environment = LEDGERAUTH_STR("staging");
    options.store_redis = LEDGERAUTH_STR("rediss://tokens.example:6379");
    CHECK_ENDS(ledgerauth_client_new(&options, &client, &error), LEDGERAUTH_UNSUPPORTED, &error);
    CHECK_HAS(ledgerauth_error_line(error), "FEATURES=redis");
    CHECK(client == NULL);
    ledgerauth_error_free(error);
    ledgerauth_credential_free(credential);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    sandbox_find();
    if (strcmp(what, "keep") == 0) {
        keep();
    } else if (strcmp(what, "mistrust") == 0) {
        mistrust();
    } else if (strcmp(what, "open") == 0) {
        open_without_key();
    } else if (strcmp(what, "refuse") == 0) {
        refuse();
    }
    sandbox_leave();
    return check_end("redis");
}
