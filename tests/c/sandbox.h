/*
 * The sandbox as a test program sees it: a JSON file with addresses and made-up keys, named by LEDGERAUTH_SANDBOX, and a control service.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "../../bindings/ffi/examples/by_curl.h"
#include "check.h"
#include <jansson.h>

static json_t *sandbox_about;

/* Reads the file; without it there is nothing to test with. */
static inline void sandbox_find(void) {
    const char *path = getenv("LEDGERAUTH_SANDBOX");
    json_error_t fault;
    sandbox_about = path != NULL ? json_load_file(path, 0, &fault) : NULL;
    if (sandbox_about == NULL) {
        fprintf(stderr, "LEDGERAUTH_SANDBOX names no file that auth-sandbox --json wrote\n");
        exit(EXIT_FAILURE);
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static inline void sandbox_leave(void) {
    json_decref(sandbox_about);
    curl_global_cleanup();
}

static inline const char *sandbox_text(const char *group, const char *name) {
    const char *text = json_string_value(json_object_get(json_object_get(sandbox_about, group), name));
    return text != NULL ? text : "";
}

static inline const char *sandbox_url(const char *service) { return sandbox_text("urls", service); }

static inline const char *sandbox_key(const char *name) { return sandbox_text("keys", name); }

/* One of a pair, such as ("numeric", "client_id"). */
static inline const char *sandbox_pair(const char *name, const char *part) {
    const char *text = json_string_value(json_object_get(json_object_get(json_object_get(sandbox_about, "keys"), name), part));
    return text != NULL ? text : "";
}

static inline const char *sandbox_ca(void) { return json_string_value(json_object_get(sandbox_about, "ca_pem")); }

static size_t sandbox_collect(char *piece, size_t size, size_t count, void *buffer) {
    char **text = (char **)buffer;
    size_t before = *text != NULL ? strlen(*text) : 0;
    char *longer = (char *)realloc(*text, before + size * count + 1);
    if (longer == NULL) {
        return 0;
    }
    memcpy(longer + before, piece, size * count);
    longer[before + size * count] = '\0';
    *text = longer;
    return size * count;
}

/* Asks the control service; body NULL for GET. The caller drops what comes back. */
static inline json_t *sandbox_control(const char *method, const char *path, const char *body) {
    char url[512], *text = NULL;
    snprintf(url, sizeof url, "%s%s", json_string_value(json_object_get(sandbox_about, "control_url")), path);
    CURL *easy = curl_easy_init();
    struct curl_slist *fields = curl_slist_append(NULL, "Content-Type: application/json");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, sandbox_collect);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &text);
    if (body != NULL) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    }
    CURLcode code = curl_easy_perform(easy);
    curl_slist_free_all(fields);
    curl_easy_cleanup(easy);
    json_t *answer = code == CURLE_OK && text != NULL ? json_loads(text, 0, NULL) : NULL;
    if (answer == NULL || json_object_get(answer, "error") != NULL) {
        fprintf(stderr, "%s %s: %s %s\n", method, url, curl_easy_strerror(code), text != NULL ? text : "");
        check_that(0, "the control service answers", __FILE__, __LINE__);
    }
    free(text);
    return answer;
}

/* The same where only the doing counts. */
static inline void sandbox_do(const char *path, const char *body) { json_decref(sandbox_control("POST", path, body)); }

/* How many requests to one service the log holds since a number; and that number. */
static inline int sandbox_requests(const char *service, json_int_t since) {
    char path[64];
    int count = 0;
    size_t index;
    json_t *entry;
    snprintf(path, sizeof path, "/log?since=%lld", (long long)since);
    json_t *log = sandbox_control("GET", path, NULL);
    json_array_foreach(json_object_get(log, "entries"), index, entry) {
        count += strcmp(json_string_value(json_object_get(entry, "service")), service) == 0;
    }
    json_decref(log);
    return count;
}

static inline json_int_t sandbox_now(void) {
    json_int_t last = 0;
    size_t index;
    json_t *entry, *log = sandbox_control("GET", "/log", NULL);
    json_array_foreach(json_object_get(log, "entries"), index, entry) { last = json_integer_value(json_object_get(entry, "number")); }
    json_decref(log);
    return last;
}

/* Whether requests are to be sent by libcurl, below the library, instead of by the library itself. */
static inline int sandbox_own_http(void) { return getenv("LEDGERAUTH_OWN_HTTP") != NULL || !ledgerauth_has_http(); }

static int32_t sandbox_send(void *userdata, const ledgerauth_outgoing *outgoing, ledgerauth_answer *answer) {
    (void)userdata;
    CURL *easy = curl_easy_init();
    struct curl_blob ca = {(void *)(uintptr_t)sandbox_ca(), strlen(sandbox_ca()), CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    return by_curl_send(easy, outgoing, answer);
}

static const ledgerauth_transport sandbox_transport = {sizeof(ledgerauth_transport), NULL, sandbox_send, NULL, NULL, NULL};

/* Options for a client at the sandbox; the caller sets the credential. */
static inline ledgerauth_client_options sandbox_options(const char *provider, const char *service) {
    ledgerauth_client_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.provider = ledgerauth_str_of(provider);
    options.base_url = ledgerauth_str_of(sandbox_url(service));
    options.insecure_loopback = 1; /* some sandboxes have no TLS */
    if (sandbox_own_http()) {
        options.transport = &sandbox_transport;
    } else {
        options.ca_pem = ledgerauth_str_of(sandbox_ca());
        options.no_proxy = 1;
    }
    return options;
}

/* A client with a key of Finora's, made with these options and perhaps changed by the caller first. */
static inline ledgerauth_client *sandbox_finora_with(ledgerauth_client_options options, const char *key) {
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_client *client = NULL;
    options.environment = LEDGERAUTH_STR("staging");
    CHECK_STATUS(ledgerauth_credential_from_key(ledgerauth_str_of(key), &credential, &error), LEDGERAUTH_OK, &error);
    options.credential = credential;
    CHECK_STATUS(ledgerauth_client_new(&options, &client, &error), LEDGERAUTH_OK, &error);
    ledgerauth_credential_free(credential);
    return client;
}

static inline ledgerauth_client *sandbox_finora(void) {
    return sandbox_finora_with(sandbox_options("finora", "finora"), sandbox_key("finora_test"));
}

/* A client of Numeric's with tokens; with a refresh token of its own if one is given. */
static inline ledgerauth_client *sandbox_numeric_as(ledgerauth_client_options options, const char *refresh_token) {
    char token_url[256];
    ledgerauth_error *error = NULL;
    ledgerauth_credential *credential = NULL;
    ledgerauth_client *client = NULL;
    snprintf(token_url, sizeof token_url, "%s/oauth/token", sandbox_url("numeric_auth"));
    options.environment = LEDGERAUTH_STR("production");
    options.token_url = ledgerauth_str_of(token_url);
    CHECK_STATUS(ledgerauth_credential_from_client(ledgerauth_str_of(sandbox_pair("numeric", "client_id")),
                                                   ledgerauth_str_of(sandbox_pair("numeric", "client_secret")), &credential, &error),
                 LEDGERAUTH_OK, &error);
    if (refresh_token != NULL) {
        CHECK_STATUS(ledgerauth_credential_set_refresh_token(credential, ledgerauth_str_of(refresh_token), &error), LEDGERAUTH_OK, &error);
    }
    options.credential = credential;
    CHECK_STATUS(ledgerauth_client_new(&options, &client, &error), LEDGERAUTH_OK, &error);
    ledgerauth_credential_free(credential);
    return client;
}

static inline ledgerauth_client *sandbox_numeric_with(ledgerauth_client_options options) { return sandbox_numeric_as(options, NULL); }

static inline ledgerauth_client *sandbox_numeric(void) { return sandbox_numeric_with(sandbox_options("numeric", "numeric_api")); }

#endif
