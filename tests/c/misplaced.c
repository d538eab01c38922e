/*
 * A secret that was passed in the wrong place, as an option of a client or to a function that
 * makes a credential, is shown by no text of the error, no line of the log and no event.
 *
 * The places are those of the header, which the harness lists in texts.inc: a new function lacks
 * its attempt below and is not compiled.
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

/* The text options of a client, and those that are lists of texts. */
static const size_t OPTIONS[] = {
#define FUNCTION(name)
#define OPTION(name) offsetof(ledgerauth_client_options, name),
#define LIST(name, count)
#include "texts.inc"
#undef OPTION
#undef LIST
};
static const size_t LISTS[][2] = {
#define OPTION(name)
#define LIST(name, count) {offsetof(ledgerauth_client_options, name), offsetof(ledgerauth_client_options, count)},
#include "texts.inc"
#undef FUNCTION
#undef OPTION
#undef LIST
};

/* The one that is passed now, and where. */
static ledgerauth_str secret;
static const char *place;
static int attempts, heard;

/* What every private key begins and ends with is no secret, and errors name it. */
static int is_frame(const char *run) {
    static const char *const FRAMES[] = {"-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"};
    int is_one = 0;
    for (size_t which = 0; which < 2; which++) {
        for (size_t at = 0; at + RUN <= strlen(FRAMES[which]); at++) {
            is_one = is_one || memcmp(FRAMES[which] + at, run, RUN) == 0;
        }
    }
    return is_one;
}

static int holds(ledgerauth_str text) {
    for (size_t from = 0; from + RUN <= secret.len; from++) {
        for (size_t at = 0; at + RUN <= text.len; at++) {
            if (memcmp(text.data + at, secret.data + from, RUN) == 0 && !is_frame(secret.data + from)) {
                fprintf(stderr, "%s shows it: %.*s\n", place, LEDGERAUTH_ARG(text));
                return 1;
            }
        }
    }
    return 0;
}

static void nothing_shown(ledgerauth_error *error) {
    ledgerauth_str texts[] = {
        ledgerauth_error_line(error),
        ledgerauth_error_what(error),
        ledgerauth_error_advice(error),
        ledgerauth_error_provider_code(error),
        ledgerauth_error_provider_message(error),
        ledgerauth_error_key_fault(error),
    };
    for (size_t at = 0; at < sizeof texts / sizeof *texts; at++) {
        CHECK(!holds(texts[at]));
    }
    ledgerauth_error_free(error);
}

static void on_log(void *userdata, int32_t level, ledgerauth_str line) {
    (void)userdata;
    (void)level;
    heard++;
    CHECK(!holds(line));
}

static void on_audit(void *userdata, const ledgerauth_audit_event *event) {
    (void)userdata;
    CHECK(!holds(event->decision) && !holds(event->integration) && !holds(event->environment) && !holds(event->path));
}

/* Makes a client and refuses a call of its, which is logged. Nothing is sent. */
static void used(ledgerauth_client_options *options) {
    ledgerauth_error *error = NULL;
    ledgerauth_client *client = NULL;
    ledgerauth_response *response = NULL;
    ledgerauth_text *text = NULL;
    attempts++;
    options->size = sizeof *options;
    options->on_log = on_log;
    options->on_audit = on_audit;
    options->audit_blocks = 1;
    if (ledgerauth_client_new(options, &client, &error) != LEDGERAUTH_OK) {
        nothing_shown(error);
        return;
    }
    CHECK(ledgerauth_client_get(client, LEDGERAUTH_STR("https://elsewhere.example/"), &response, &error) != LEDGERAUTH_OK);
    nothing_shown(error);
    error = NULL;
    if (ledgerauth_client_explain(client, &text, &error) == LEDGERAUTH_OK) {
        CHECK(!holds(ledgerauth_text_str(text)));
        ledgerauth_text_free(text);
    } else {
        nothing_shown(error);
    }
    ledgerauth_client_free(client);
}

/* What came of an attempt: an error, or a credential to make a client with. */
static void came(int32_t status, ledgerauth_credential *credential, ledgerauth_error *error, const char *provider) {
    if (status != LEDGERAUTH_OK) {
        attempts++;
        nothing_shown(error);
    } else {
        ledgerauth_client_options options = {.provider = ledgerauth_str_of(provider), .credential = credential};
        used(&options);
    }
    ledgerauth_credential_free(credential);
}

static const ledgerauth_str ID = {"client-1", 8}, OTHER = {"client-secret-1", 15};

static ledgerauth_str key(void) { return LEDGERAUTH_STR("test_sk_a3f09c17be5d4482a3f09c17be5d4482a3f09c17be5d4482"); }

static ledgerauth_credential *by_key(void) {
    ledgerauth_credential *credential = NULL;
    CHECK(ledgerauth_credential_from_key(key(), &credential, NULL) == LEDGERAUTH_OK);
    return credential;
}

static ledgerauth_credential *by_client(void) {
    ledgerauth_credential *credential = NULL;
    CHECK(ledgerauth_credential_from_client(ID, OTHER, &credential, NULL) == LEDGERAUTH_OK);
    return credential;
}

/* An attempt at a function that makes a credential, of a client at a provider. */
#define MAKES(name, provider, ...)                                   \
    {                                                                \
        ledgerauth_error *error = NULL;                              \
        ledgerauth_credential *credential = NULL;                    \
        int32_t status = name(__VA_ARGS__, &credential, &error);     \
        came(status, credential, error, provider);                   \
    }

/* An attempt at a function that changes one. */
#define CHANGES(name, provider, made, ...)                           \
    {                                                                \
        ledgerauth_error *error = NULL;                              \
        ledgerauth_credential *credential = made;                    \
        int32_t status = name(credential, __VA_ARGS__, &error);      \
        came(status, credential, error, provider);                   \
    }

static void try_ledgerauth_credential_from_key(void) {
    MAKES(ledgerauth_credential_from_key, "finora", secret)
    MAKES(ledgerauth_credential_from_key, "numora", secret)
}

static void try_ledgerauth_credential_from_client(void) {
    MAKES(ledgerauth_credential_from_client, "numeric", secret, OTHER)
    MAKES(ledgerauth_credential_from_client, "numeric", ID, secret)
    MAKES(ledgerauth_credential_from_client, "adaas", secret, secret)
}

static void try_ledgerauth_credential_from_refresh_token(void) {
    MAKES(ledgerauth_credential_from_refresh_token, "numeric", secret, OTHER, ID)
    MAKES(ledgerauth_credential_from_refresh_token, "numeric", ID, secret, ID)
    MAKES(ledgerauth_credential_from_refresh_token, "numeric", ID, OTHER, secret)
}

static void try_ledgerauth_credential_from_public_client(void) {
    MAKES(ledgerauth_credential_from_public_client, "numeric", secret)
}

static void try_ledgerauth_credential_from_private_key(void) {
    ledgerauth_str es256 = LEDGERAUTH_STR("ES256");
    MAKES(ledgerauth_credential_from_private_key, "numeric", secret, es256, OTHER, ID)
    MAKES(ledgerauth_credential_from_private_key, "numeric", ID, secret, OTHER, ID)
    MAKES(ledgerauth_credential_from_private_key, "numeric", ID, es256, secret, ID)
    MAKES(ledgerauth_credential_from_private_key, "numeric", ID, es256, OTHER, secret)
}

static void try_ledgerauth_credential_from_env(void) { MAKES(ledgerauth_credential_from_env, "finora", secret) }

static void try_ledgerauth_credential_from_client_env(void) {
    MAKES(ledgerauth_credential_from_client_env, "numeric", secret, LEDGERAUTH_STR("PATH"))
    MAKES(ledgerauth_credential_from_client_env, "numeric", LEDGERAUTH_STR("PATH"), secret)
}

static void try_ledgerauth_credential_from_file(void) { MAKES(ledgerauth_credential_from_file, "finora", secret) }

static void try_ledgerauth_credential_set_environment(void) {
    CHANGES(ledgerauth_credential_set_environment, "finora", by_key(), secret)
    CHANGES(ledgerauth_credential_set_environment, "numeric", by_client(), secret)
}

static void try_ledgerauth_credential_set_refresh_token(void) {
    CHANGES(ledgerauth_credential_set_refresh_token, "finora", by_key(), secret)
    CHANGES(ledgerauth_credential_set_refresh_token, "numeric", by_client(), secret)
}

static void try_ledgerauth_credential_set_scopes(void) {
    CHANGES(ledgerauth_credential_set_scopes, "finora", by_key(), &secret, 1)
    CHANGES(ledgerauth_credential_set_scopes, "numeric", by_client(), &secret, 1)
}

static void try_ledgerauth_credential_add_key(void) {
    ledgerauth_ring_key added[5];
    for (size_t at = 0; at < sizeof added / sizeof *added; at++) {
        ledgerauth_ring_key plain = {.size = sizeof plain, .text = key()};
        added[at] = plain;
    }
    added[0].text = secret;
    added[1].name = secret;
    added[2].id = secret;
    added[3].integration = secret;
    added[4].permissions = &secret;
    added[4].permission_count = 1;
    for (size_t at = 0; at < sizeof added / sizeof *added; at++) {
        CHANGES(ledgerauth_credential_add_key, "finora", by_key(), &added[at])
    }
    CHANGES(ledgerauth_credential_add_key, "numeric", by_client(), &added[1])
}

static const struct {
    const char *name;
    void (*attempt)(void);
} FUNCTIONS[] = {
#define FUNCTION(name) {#name, try_##name},
#define OPTION(name)
#define LIST(name, count)
#include "texts.inc"
};

static void options(void) {
    ledgerauth_credential *credential = by_key();
    for (size_t at = 0; at < sizeof OPTIONS / sizeof *OPTIONS; at++) {
        ledgerauth_client_options options = {.provider = LEDGERAUTH_STR("finora"), .credential = credential};
        memcpy((char *)&options + OPTIONS[at], &secret, sizeof secret);
        used(&options);
    }
    for (size_t at = 0; at < sizeof LISTS / sizeof *LISTS; at++) {
        ledgerauth_client_options options = {.provider = LEDGERAUTH_STR("finora"), .credential = credential};
        const ledgerauth_str *list = &secret;
        size_t count = 1;
        memcpy((char *)&options + LISTS[at][0], &list, sizeof list);
        memcpy((char *)&options + LISTS[at][1], &count, sizeof count);
        used(&options);
    }
    ledgerauth_credential_free(credential);
}

int main(void) {
    for (size_t which = 0; which < sizeof SECRETS / sizeof *SECRETS; which++) {
        ledgerauth_error *error = NULL;
        ledgerauth_provider *provider = NULL;
        secret = ledgerauth_str_of(SECRETS[which]);
        place = "ledgerauth_provider_builtin";
        CHECK(ledgerauth_provider_builtin(secret, &provider, &error) != LEDGERAUTH_OK);
        nothing_shown(error);
        for (size_t at = 0; at < sizeof FUNCTIONS / sizeof *FUNCTIONS; at++) {
            place = FUNCTIONS[at].name;
            FUNCTIONS[at].attempt();
        }
        place = "an option";
        options();
    }
    printf("%d attempts, %d lines heard\n", attempts, heard);
    CHECK(heard > 0);
    return check_end("misplaced");
}
