/*
 * A person connects an account: by browser, on another device, not at all; and ends it. ISSUER is the authorization server; who started this program
 * reads the lines "open ADDRESS" and "enter CODE", and does so. The argument says which: "browser", "device" or "refused".
 */
#include "check.h"

static const char PROFILE[] = "name = \"oidc\"\ntitle = \"the test's authorization server\"\n[[environment]]\nname = \"test\"\n"
                              "base_url = \"https://ledger.example\"\ntoken_url = \"https://login.ledger.example/token\"\n"
                              "[token]\ngrants = [\"refresh_token\"]\nrequest = \"form\"\nclient_auth = \"none\"\n";

static int prompts;

static void on_prompt(void *userdata, const ledgerauth_prompt *prompt) {
    prompts++;
    CHECK(prompt->size == sizeof *prompt && prompt->url.len > 0 && prompt->until > 1764000000000u);
    CHECK((prompt->user_code.len > 0) == (strcmp(userdata, "device") == 0));
    if (prompt->user_code.len > 0) {
        CHECK(prompt->url_with_code.len > prompt->url.len);
        printf("enter %.*s\n", LEDGERAUTH_ARG(prompt->user_code));
    } else {
        printf("open %.*s\n", LEDGERAUTH_ARG(prompt->url));
    }
    fflush(stdout);
}

static ledgerauth_credential *person(const char *id) {
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_str scopes[] = {LEDGERAUTH_STR("openid"), LEDGERAUTH_STR("offline_access"), LEDGERAUTH_STR("ledger.read")};
    CHECK_STATUS(ledgerauth_credential_from_public_client(ledgerauth_str_of(id), &credential, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_credential_use_stored(credential, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_credential_set_scopes(credential, scopes, 3, &error), LEDGERAUTH_OK, &error);
    return credential;
}

static ledgerauth_client *connect_to(const char *issuer, const char *id, int discover) {
    ledgerauth_error *error = NULL;
    ledgerauth_provider *provider = NULL;
    ledgerauth_client *client = NULL;
    ledgerauth_credential *credential = person(id);
    CHECK_STATUS(ledgerauth_provider_from_toml(ledgerauth_str_of(PROFILE), &provider, &error), LEDGERAUTH_OK, &error);
    ledgerauth_client_options options = {.size = sizeof options, .own_provider = provider, .credential = credential};
    char token_url[256];
    snprintf(token_url, sizeof token_url, "%s/token", issuer);
    options.environment = LEDGERAUTH_STR("test");
    options.base_url = ledgerauth_str_of(issuer);
    options.token_url = ledgerauth_str_of(token_url);
    options.issuer = ledgerauth_str_of(issuer);
    options.insecure_loopback = 1;
    options.no_proxy = 1;
    /* The server tells its endpoints, or the program does. */
    char authorization[256], device[256], revocation[256];
    snprintf(authorization, sizeof authorization, "%s/auth", issuer);
    snprintf(device, sizeof device, "%s/device/auth", issuer);
    snprintf(revocation, sizeof revocation, "%s/token/revocation", issuer);
    if (discover) {
        options.discover = 1;
    } else {
        options.authorization_url = ledgerauth_str_of(authorization);
        options.device_authorization_url = ledgerauth_str_of(device);
        options.revocation_url = ledgerauth_str_of(revocation);
    }
    CHECK_STATUS(ledgerauth_client_new(&options, &client, &error), LEDGERAUTH_OK, &error);
    ledgerauth_provider_free(provider);
    ledgerauth_credential_free(credential);
    return client;
}

static int32_t call(const ledgerauth_client *client, ledgerauth_error **error) {
    ledgerauth_response *response = NULL;
    int32_t status = ledgerauth_client_get(client, LEDGERAUTH_STR("/api/ledger"), &response, error);
    ledgerauth_response_free(response);
    return status;
}

/* What is refused before anybody is asked. */
static void arguments(const ledgerauth_client *client) {
    ledgerauth_error *error = NULL;
    ledgerauth_login login = {.size = sizeof login};
    CHECK_STATUS(ledgerauth_client_login(client, &login, NULL, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_client_login(client, NULL, NULL, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_client_login(NULL, &login, NULL, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_client_login_on_device(client, NULL, NULL, NULL, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_client_revoke(NULL, &error), LEDGERAUTH_NULL, &error);
    login.on_prompt = on_prompt;
    login.redirect_uri = LEDGERAUTH_STR("https://elsewhere.example/callback");
    CHECK_STATUS(ledgerauth_client_login(client, &login, NULL, &error), LEDGERAUTH_SETTING, &error);
    login.redirect_uri = ledgerauth_str_of(NULL);
    login.parameter_count = 1;
    CHECK_STATUS(ledgerauth_client_login(client, &login, NULL, &error), LEDGERAUTH_NULL, &error);
    login.size = 8;
    CHECK_STATUS(ledgerauth_client_login(client, &login, NULL, &error), LEDGERAUTH_STRUCT_SIZE, &error);
    CHECK(prompts == 0);
}

int main(int argc, char **argv) {
    const char *issuer = getenv("ISSUER");
    char *way = argc > 1 ? argv[1] : (char *)"browser";
    int by_device = strcmp(way, "device") == 0, refused = strcmp(way, "refused") == 0;
    ledgerauth_error *error = NULL;
    ledgerauth_connected *connected = NULL;
    ledgerauth_client *client = connect_to(issuer != NULL ? issuer : "", by_device ? "device" : "native", refused);
    arguments(client);
    CHECK_STATUS(call(client, &error), LEDGERAUTH_CONSENT_REQUIRED, &error);

    ledgerauth_header consent = {LEDGERAUTH_STR("prompt"), LEDGERAUTH_STR("consent")};
    ledgerauth_login login = {.size = sizeof login, .on_prompt = on_prompt, .userdata = way, .parameters = &consent, .parameter_count = 1};
    login.patience_ms = 60000;
    int32_t status = by_device ? ledgerauth_client_login_on_device(client, on_prompt, way, &connected, &error)
                               : ledgerauth_client_login(client, &login, &connected, &error);
    CHECK(prompts == 1);
    if (refused) {
        CHECK_STATUS(status, LEDGERAUTH_CONSENT_REQUIRED, &error);
        CHECK(connected == NULL);
        CHECK_STATUS(call(client, &error), LEDGERAUTH_CONSENT_REQUIRED, &error);
    } else {
        CHECK_STATUS(status, LEDGERAUTH_OK, &error);
        CHECK_HAS(ledgerauth_connected_scope(connected), "ledger.read");
        CHECK(ledgerauth_connected_parameter(connected, LEDGERAUTH_STR("realmId")).data == NULL);
        CHECK_STATUS(call(client, &error), LEDGERAUTH_OK, &error);
        CHECK_STATUS(ledgerauth_client_revoke(client, &error), LEDGERAUTH_OK, &error);
        CHECK_STATUS(call(client, &error), LEDGERAUTH_CONSENT_REQUIRED, &error);
    }
    ledgerauth_connected_free(connected);
    ledgerauth_connected_free(NULL);
    ledgerauth_client_free(client);
    return check_end("login");
}
