/*
 * Who has a private key: a client that signs for itself, and a service account that signs for somebody, alone or with a client beside it. ISSUER is the
 * authorization server, KEY the key of its client "key-es256" and of the service account.
 */
#include "check.h"

static const char PROFILE[] = "name = \"oidc\"\ntitle = \"the test's authorization server\"\n[[environment]]\nname = \"test\"\n"
                              "base_url = \"https://ledger.example\"\ntoken_url = \"https://login.ledger.example/token\"\n"
                              "[token]\ngrants = [\"client_credentials\", \"jwt_bearer\"]\nrequest = \"form\"\nclient_auth = \"none\"\n";

static const char *issuer, *key;

/* The status of a call with this credential, which is freed. */
static int32_t call(ledgerauth_credential *credential, const char *part, ledgerauth_error **error) {
    ledgerauth_provider *provider = NULL;
    ledgerauth_client *client = NULL;
    ledgerauth_response *response = NULL;
    char token_url[256];
    snprintf(token_url, sizeof token_url, "%s/token", issuer);
    CHECK_STATUS(ledgerauth_provider_from_toml(ledgerauth_str_of(PROFILE), &provider, error), LEDGERAUTH_OK, error);
    ledgerauth_client_options options = {.size = sizeof options, .own_provider = provider, .credential = credential};
    options.environment = LEDGERAUTH_STR("test");
    options.base_url = ledgerauth_str_of(issuer);
    options.token_url = ledgerauth_str_of(token_url);
    options.insecure_loopback = 1;
    options.no_proxy = 1;
    int32_t status = ledgerauth_client_new(&options, &client, error);
    if (status == LEDGERAUTH_OK) {
        status = ledgerauth_client_get(client, LEDGERAUTH_STR("/api/ledger"), &response, error);
    }
    if (status == LEDGERAUTH_OK) {
        CHECK_HAS(ledgerauth_response_body(response), part);
    }
    ledgerauth_response_free(response);
    ledgerauth_client_free(client);
    ledgerauth_credential_free(credential);
    ledgerauth_provider_free(provider);
    return status;
}

static ledgerauth_assertion service(void) {
    ledgerauth_assertion service = {.size = sizeof service};
    service.issuer = LEDGERAUTH_STR("service");
    service.subject = LEDGERAUTH_STR("books@acme.test");
    service.audience = ledgerauth_str_of(issuer);
    service.algorithm = LEDGERAUTH_STR("ES256");
    service.key_pem = ledgerauth_str_of(key);
    service.key_id = LEDGERAUTH_STR("service-1");
    return service;
}

static void refused(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_assertion said = service();
    CHECK_STATUS(ledgerauth_credential_from_service_account(NULL, &credential, &error), LEDGERAUTH_NULL, &error);
    said.issuer = ledgerauth_str_of(NULL);
    CHECK_STATUS(ledgerauth_credential_from_service_account(&said, &credential, &error), LEDGERAUTH_MISUSE, &error);
    said = service();
    said.algorithm = LEDGERAUTH_STR("HS256");
    CHECK_STATUS(ledgerauth_credential_from_service_account(&said, &credential, &error), LEDGERAUTH_MISUSE, &error);
    said = service();
    said.key_pem = LEDGERAUTH_STR("no pem");
    CHECK_STATUS(ledgerauth_credential_from_service_account(&said, &credential, &error), LEDGERAUTH_SETTING, &error);
    CHECK(credential == NULL);
    said = service();
    CHECK_STATUS(ledgerauth_credential_from_key(LEDGERAUTH_STR("a-key"), &credential, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_credential_set_assertion(credential, &said, &error), LEDGERAUTH_MISUSE, &error);
    ledgerauth_credential_free(credential);
}

int main(void) {
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_assertion said;
    issuer = getenv("ISSUER") != NULL ? getenv("ISSUER") : "";
    key = getenv("KEY") != NULL ? getenv("KEY") : "";
    refused();

    said = service();
    CHECK_STATUS(ledgerauth_credential_from_public_client(LEDGERAUTH_STR("service"), &credential, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_credential_set_assertion(credential, &said, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(call(credential, "\"service\"", &error), LEDGERAUTH_OK, &error);

    /* This server wants a client beside the assertion, and says so. */
    CHECK_STATUS(ledgerauth_credential_from_service_account(&said, &credential, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(call(credential, "", &error), LEDGERAUTH_GRANT_REFUSED, &error);

    ledgerauth_str scope = LEDGERAUTH_STR("ledger.write");
    said.scope_claim = 1;
    CHECK_STATUS(ledgerauth_credential_from_public_client(LEDGERAUTH_STR("service"), &credential, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_credential_set_assertion(credential, &said, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_credential_set_scopes(credential, &scope, 1, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(call(credential, "ledger.write", &error), LEDGERAUTH_OK, &error);
    return check_end("service");
}
