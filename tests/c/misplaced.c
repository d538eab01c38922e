/*
 * A secret that was passed in the wrong place, as an option of a client or to a function that
 * makes a credential, is shown by no text of the error.
 */
#include "check.h"

#include <stddef.h>

enum { RUN = 12 };

static const char *const SECRETS[] = {
    "live_sk_8Gq2Zr7LwX4tB9vKc1Nf6YpHs3Dm5JaQe0Ru8TiWo2Vb7ExQ",
    "q7/Zk2+Vn8Lw4Xs1Tb9/Rc6Yf3Hd5Jm0Pa7Ge2Uo4Ni8=",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtYWRlLXVwIn0.Zk2Vn8Lw4Xs1Tb9Rc6Yf3Hd5Jm0Pa7Ge2Uo4Ni8aB0",
    "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49Zk2Vn8Lw4Xs1Tb9Rc6Yf3\n-----END PRIVATE KEY-----",
    "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JR0hBZ0VBTUJNR0J5cUdTTTQ5",
    "{\"id\": \"own\", \"secret\": \"Zk2Vn8Lw4Xs1Tb9Rc6Yf3Hd5Jm0Pa7Ge2Uo4Ni8\"}",
    "{\"kty\":\"EC\",\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\"}",
    "rediss+x://:hunter2-hunter2-hunter2@h:1",
};

/* The places of text options: each is set alone. */
static const size_t OPTIONS[] = {
    offsetof(ledgerauth_client_options, provider),
    offsetof(ledgerauth_client_options, environment),
    offsetof(ledgerauth_client_options, base_url),
    offsetof(ledgerauth_client_options, token_url),
    offsetof(ledgerauth_client_options, client_auth),
    offsetof(ledgerauth_client_options, issuer),
    offsetof(ledgerauth_client_options, header),
    offsetof(ledgerauth_client_options, scheme),
    offsetof(ledgerauth_client_options, name),
    offsetof(ledgerauth_client_options, integration),
    offsetof(ledgerauth_client_options, store_folder),
    offsetof(ledgerauth_client_options, store_redis),
    offsetof(ledgerauth_client_options, store_ca_pem),
    offsetof(ledgerauth_client_options, store_key),
};

static int holds(ledgerauth_str text, const char *secret) {
    for (size_t from = 0; from + RUN <= strlen(secret); from++) {
        for (size_t at = 0; at + RUN <= text.len; at++) {
            if (memcmp(text.data + at, secret + from, RUN) == 0) {
                fprintf(stderr, "shown: %.*s\n", LEDGERAUTH_ARG(text));
                return 1;
            }
        }
    }
    return 0;
}

static void nothing_shown(ledgerauth_error *error, const char *secret) {
    CHECK(!holds(ledgerauth_error_line(error), secret));
    CHECK(!holds(ledgerauth_error_advice(error), secret));
    ledgerauth_error_free(error);
}

int main(void) {
    for (size_t which = 0; which < sizeof SECRETS / sizeof *SECRETS; which++) {
        ledgerauth_str secret = ledgerauth_str_of(SECRETS[which]);
        ledgerauth_error *error = NULL;
        ledgerauth_credential *credential = NULL;
        CHECK(ledgerauth_credential_from_env(secret, &credential, &error) != LEDGERAUTH_OK);
        nothing_shown(error, SECRETS[which]);
        CHECK(ledgerauth_credential_from_file(secret, &credential, &error) != LEDGERAUTH_OK);
        nothing_shown(error, SECRETS[which]);
        ledgerauth_provider *provider = NULL;
        CHECK(ledgerauth_provider_builtin(secret, &provider, &error) != LEDGERAUTH_OK);
        nothing_shown(error, SECRETS[which]);

        ledgerauth_str key = LEDGERAUTH_STR("test_sk_a3f09c17be5d4482a3f09c17be5d4482a3f09c17be5d4482");
        CHECK(ledgerauth_credential_from_key(key, &credential, &error) == LEDGERAUTH_OK);
        for (size_t option = 0; option < sizeof OPTIONS / sizeof *OPTIONS; option++) {
            ledgerauth_client_options options = {.size = sizeof options, .provider = LEDGERAUTH_STR("finora"), .credential = credential};
            memcpy((char *)&options + OPTIONS[option], &secret, sizeof secret);
            ledgerauth_client *client = NULL;
            if (ledgerauth_client_new(&options, &client, &error) == LEDGERAUTH_OK) {
                ledgerauth_client_free(client);
            } else {
                nothing_shown(error, SECRETS[which]);
            }
        }
        ledgerauth_credential_free(credential);
    }
    return check_end("misplaced");
}
