/*
 * The simple client: the library sends.
 *
 *     cc simple.c $(pkg-config --cflags --libs ledgerauth) -o simple
 *     FINORA_API_KEY=... ./simple
 *
 * BASE_URL and ENVIRONMENT point it at another server, and SSL_CERT_FILE names the certificate
 * authority of that.
 */
#include <ledgerauth.h>
#include <stdio.h>
#include <stdlib.h>

/* Says what went wrong and what to do, and frees the error. */
static int complain(const char *when, ledgerauth_error *error) {
    fprintf(stderr, "%s: %.*s\n", when, LEDGERAUTH_ARG(ledgerauth_error_line(error)));
    ledgerauth_error_free(error);
    return EXIT_FAILURE;
}

static int work(const ledgerauth_client *client) {
    ledgerauth_error *error = NULL;
    ledgerauth_text *verdict = NULL;
    if (ledgerauth_client_check(client, &verdict, &error) != LEDGERAUTH_OK) {
        return complain("check", error);
    }
    printf("%.*s\n", LEDGERAUTH_ARG(ledgerauth_text_str(verdict)));
    ledgerauth_text_free(verdict);

    ledgerauth_str invoice = LEDGERAUTH_STR(
        "{\"customerName\": \"Ada Ltd\", \"dueDate\": \"2026-12-31\", \"items\": [{\"description\": \"Audit\", \"quantity\": 1, \"unitPrice\": 250000}]}");
    ledgerauth_response *response = NULL;
    if (ledgerauth_client_post(client, LEDGERAUTH_STR("/v1/invoices"), invoice, &response, &error) != LEDGERAUTH_OK) {
        return complain("post", error);
    }
    printf("posted: %d, request %.*s\n", ledgerauth_response_status(response), LEDGERAUTH_ARG(ledgerauth_response_request_id(response)));
    ledgerauth_response_free(response);

    if (ledgerauth_client_get(client, LEDGERAUTH_STR("/v1/invoices"), &response, &error) != LEDGERAUTH_OK) {
        return complain("get", error);
    }
    printf("got: %.*s\n", LEDGERAUTH_ARG(ledgerauth_response_body(response)));
    ledgerauth_response_free(response);
    return EXIT_SUCCESS;
}

int main(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    if (ledgerauth_credential_from_env(LEDGERAUTH_STR("FINORA_API_KEY"), &credential, &error) != LEDGERAUTH_OK) {
        return complain("credential", error);
    }
    ledgerauth_client_options options = {.size = sizeof options};
    options.provider = LEDGERAUTH_STR("finora");
    options.credential = credential;
    options.base_url = ledgerauth_str_of(getenv("BASE_URL"));
    options.environment = ledgerauth_str_of(getenv("ENVIRONMENT"));
    options.platform_roots = 1;
    ledgerauth_client *client = NULL;
    int32_t status = ledgerauth_client_new(&options, &client, &error);
    ledgerauth_credential_free(credential);
    if (status != LEDGERAUTH_OK) {
        return complain("client", error);
    }
    int result = work(client);
    ledgerauth_client_free(client);
    return result;
}
