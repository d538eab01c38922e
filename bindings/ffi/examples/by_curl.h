/*
 * One request by libcurl, as ledgerauth wants it sent: exactly these header fields, no redirect
 * followed, the answer into a ledgerauth_answer. What the examples share; C11 and C++17.
 */
#ifndef BY_CURL_H
#define BY_CURL_H

#include <curl/curl.h>
#include <ledgerauth.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What libcurl reads while the request runs. */
typedef struct by_curl {
    CURL *easy;
    struct curl_slist *fields;
    char *url;
    char *method;
    ledgerauth_read_fn read_body;
    void *read_userdata;
} by_curl;

static size_t by_curl_on_line(char *line, size_t size, size_t count, void *answer) {
    ledgerauth_str text = {line, size * count};
    return ledgerauth_answer_add_header_line((ledgerauth_answer *)answer, text, NULL) == LEDGERAUTH_OK ? text.len : 0;
}

static size_t by_curl_on_body(char *piece, size_t size, size_t count, void *answer) {
    ledgerauth_str text = {piece, size * count};
    return ledgerauth_answer_add_body((ledgerauth_answer *)answer, text, NULL) == LEDGERAUTH_OK ? text.len : 0;
}

static size_t by_curl_give_body(char *buffer, size_t size, size_t count, void *userdata) {
    by_curl *request = (by_curl *)userdata;
    size_t given = 0;
    int32_t status = request->read_body(request->read_userdata, (uint8_t *)buffer, size * count, &given);
    return status == LEDGERAUTH_OK ? given : CURL_READFUNC_ABORT;
}

/* A text of the library's as a C string, which the caller frees. */
static char *by_curl_string(ledgerauth_str text) {
    char *copy = (char *)malloc(text.len + 1);
    if (copy != NULL) {
        memcpy(copy, text.data != NULL ? text.data : "", text.len);
        copy[text.len] = '\0';
    }
    return copy;
}

/* Adds "name: value"; the line is wiped, because it may hold a credential. */
static void by_curl_field(by_curl *request, ledgerauth_str name, ledgerauth_str value) {
    size_t length = name.len + value.len + 2;
    char *line = (char *)malloc(length + 1);
    if (line == NULL) {
        return;
    }
    memcpy(line, name.data, name.len);
    memcpy(line + name.len, ": ", 2);
    memcpy(line + name.len + 2, value.data != NULL ? value.data : "", value.len);
    line[length] = '\0';
    request->fields = curl_slist_append(request->fields, line);
    ledgerauth_wipe(line, length);
    free(line);
}

static int by_curl_is(ledgerauth_str text, const char *word) {
    return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

/* Prepares an easy handle. Adds the fields that are given to those that are there already. */
static void by_curl_prepare(by_curl *request, ledgerauth_str method, ledgerauth_str url, const ledgerauth_header *headers,
                            size_t header_count, ledgerauth_str body, ledgerauth_answer *answer) {
    int has_type = 0;
    for (size_t at = 0; at < header_count; at++) {
        /* libcurl knows the length of what it sends. */
        if (!by_curl_is(headers[at].name, "content-length")) {
            by_curl_field(request, headers[at].name, headers[at].value);
        }
        has_type |= by_curl_is(headers[at].name, "content-type");
    }
    for (struct curl_slist *field = request->fields; field != NULL; field = field->next) {
        has_type |= strncasecmp(field->data, "content-type:", 13) == 0;
    }
    /* Nothing of libcurl's own: neither a wait for 100 Continue nor a guess at the type. */
    request->fields = curl_slist_append(request->fields, "Expect:");
    if (!has_type) {
        request->fields = curl_slist_append(request->fields, "Content-Type:");
    }
    request->url = by_curl_string(url);
    request->method = by_curl_string(method);
    curl_easy_setopt(request->easy, CURLOPT_URL, request->url);
    curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->fields);
    curl_easy_setopt(request->easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(request->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(request->easy, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    curl_easy_setopt(request->easy, CURLOPT_HEADERFUNCTION, by_curl_on_line);
    curl_easy_setopt(request->easy, CURLOPT_HEADERDATA, answer);
    curl_easy_setopt(request->easy, CURLOPT_WRITEFUNCTION, by_curl_on_body);
    curl_easy_setopt(request->easy, CURLOPT_WRITEDATA, answer);
    if (getenv("SSL_CERT_FILE") != NULL) {
        curl_easy_setopt(request->easy, CURLOPT_CAINFO, getenv("SSL_CERT_FILE"));
    }
    if (request->read_body != NULL) {
        curl_easy_setopt(request->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(request->easy, CURLOPT_READFUNCTION, by_curl_give_body);
        curl_easy_setopt(request->easy, CURLOPT_READDATA, request);
    } else if (body.data != NULL) {
        curl_easy_setopt(request->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(request->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        curl_easy_setopt(request->easy, CURLOPT_COPYPOSTFIELDS, body.data);
    } else if (by_curl_is(method, "HEAD")) {
        curl_easy_setopt(request->easy, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(request->easy, CURLOPT_CUSTOMREQUEST, request->method);
}

/* Whether the request certainly never left, and if that is because nobody vouches for the server. */
static int by_curl_not_sent(CURLcode code) {
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
        return 1;
    case CURLE_PEER_FAILED_VERIFICATION:
        return LEDGERAUTH_UNTRUSTED;
    default:
        return 0;
    }
}

/* Frees what the request needed, but not its easy handle. */
static void by_curl_finish(by_curl *request) {
    for (struct curl_slist *field = request->fields; field != NULL; field = field->next) {
        ledgerauth_wipe(field->data, strlen(field->data));
    }
    curl_slist_free_all(request->fields);
    free(request->url);
    free(request->method);
    request->fields = NULL;
    request->url = NULL;
    request->method = NULL;
}

/* What a transport's send does, with an easy handle that may have been told more; the handle is used up. */
static inline int32_t by_curl_send(CURL *easy, const ledgerauth_outgoing *outgoing, ledgerauth_answer *answer) {
    if (easy == NULL) {
        ledgerauth_answer_fail(answer, 1, LEDGERAUTH_STR("libcurl could not be set up"), NULL);
        return 1;
    }
    by_curl request;
    memset(&request, 0, sizeof request);
    request.easy = easy;
    request.read_body = outgoing->read_body;
    request.read_userdata = outgoing->read_userdata;
    by_curl_prepare(&request, outgoing->method, outgoing->url, outgoing->headers, outgoing->header_count, outgoing->body, answer);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(outgoing->end_ms > 0 ? outgoing->end_ms : outgoing->begin_ms));
    CURLcode code = curl_easy_perform(easy);
    by_curl_finish(&request);
    curl_easy_cleanup(easy);
    if (code != CURLE_OK) {
        ledgerauth_answer_fail(answer, by_curl_not_sent(code), ledgerauth_str_of(curl_easy_strerror(code)), NULL);
        return 1;
    }
    return LEDGERAUTH_OK;
}

#endif
