/*
 * ledgerauth: authentication to accounting and finance APIs, for C and C++
 *
 * A program that talks to an accounting API needs a key or a token on each request, another one
 * when that ends, a wait when the API says so, and a word for a person when nothing helps. This
 * library does that, and nothing else. A token is fetched once, however many threads ask for it,
 * and renewed without anybody waiting. A key that is refused is replaced by the next one. A live
 * key does not reach a test host. A 429 is obeyed. A POST that may have been booked is not sent
 * twice. A 403 says what to do.
 *
 * There are three ways to use it. They decide alike, to the last retry.
 *
 * 1. The simple client. The library sends: ledgerauth_client_new(), _get(), _post(), _send(),
 *    _check(), _free(). See examples/simple.c.
 * 2. Your own HTTP. The same client on top of a table of your functions (send, now, sleep,
 *    random). See examples/own_http.c, with libcurl.
 * 3. Your own event loop. An exchange says what to do next and is told what came of it; it never
 *    waits. See examples/event_loop.c, with curl_multi.
 *
 * All three run this loop, in the library or in your program:
 *
 *     step = what is next?
 *     FETCH     send it to the token endpoint, report the answer
 *     SEND      put the header fields on the request, send it, report the answer
 *     WAIT      poll again later
 *     DONE      the last answer is the caller's, or the error says why there is none
 *
 * Conventions. A function is ledgerauth_<noun>_<verb>() and takes its object first. One that can
 * fail returns a status, LEDGERAUTH_OK (0) or a number, and takes last where to put an error
 * object, or NULL. Outputs stand at the end, are named *_out, and are written only on success.
 * _free(NULL) is fine; nothing else may be freed twice or used after it was freed. Structs that a
 * program fills begin with their size; zero the rest. Times are milliseconds, moments are
 * milliseconds since 1970-01-01 UTC. A callback gets its userdata first.
 *
 * Threads. A client, a redactor, a provider, an error, a response and every list may be used by
 * any number of threads at once. An exchange, an answer and a redaction stream are for one thread
 * at a time; a second one gets LEDGERAUTH_BUSY. Freeing is for when no other thread uses the
 * object.
 *
 * Nothing that the library prints, logs or puts into an error is secret, and memory that held a
 * secret is wiped.
 */

#ifndef LEDGERAUTH_H
#define LEDGERAUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The objects, structs and callbacks of this header; each is explained in its section. */
typedef struct ledgerauth_answer ledgerauth_answer;
typedef struct ledgerauth_assertion ledgerauth_assertion;
typedef struct ledgerauth_audit_event ledgerauth_audit_event;
typedef struct ledgerauth_call ledgerauth_call;
typedef struct ledgerauth_client ledgerauth_client;
typedef struct ledgerauth_client_options ledgerauth_client_options;
typedef struct ledgerauth_connected ledgerauth_connected;
typedef struct ledgerauth_credential ledgerauth_credential;
typedef struct ledgerauth_error ledgerauth_error;
typedef struct ledgerauth_exchange ledgerauth_exchange;
typedef struct ledgerauth_header ledgerauth_header;
typedef struct ledgerauth_key ledgerauth_key;
typedef struct ledgerauth_key_state ledgerauth_key_state;
typedef struct ledgerauth_key_states ledgerauth_key_states;
typedef struct ledgerauth_login ledgerauth_login;
typedef struct ledgerauth_outgoing ledgerauth_outgoing;
typedef struct ledgerauth_plan ledgerauth_plan;
typedef struct ledgerauth_prompt ledgerauth_prompt;
typedef struct ledgerauth_provider ledgerauth_provider;
typedef struct ledgerauth_redact_stream ledgerauth_redact_stream;
typedef struct ledgerauth_redactor ledgerauth_redactor;
typedef struct ledgerauth_redirect ledgerauth_redirect;
typedef struct ledgerauth_request ledgerauth_request;
typedef struct ledgerauth_response ledgerauth_response;
typedef struct ledgerauth_ring_key ledgerauth_ring_key;
typedef struct ledgerauth_save ledgerauth_save;
typedef struct ledgerauth_step ledgerauth_step;
typedef struct ledgerauth_store ledgerauth_store;
typedef struct ledgerauth_stored ledgerauth_stored;
typedef struct ledgerauth_str ledgerauth_str;
typedef struct ledgerauth_text ledgerauth_text;
typedef struct ledgerauth_transport ledgerauth_transport;
typedef int32_t (*ledgerauth_source_fn)(void *userdata,
                                        ledgerauth_credential **credential_out);
typedef int32_t (*ledgerauth_read_fn)(void *userdata,
                                      uint8_t *buffer,
                                      size_t capacity,
                                      size_t *size_out);
typedef int32_t (*ledgerauth_write_fn)(void *userdata, const uint8_t *data, size_t size);
typedef void (*ledgerauth_prompt_fn)(void *userdata, const ledgerauth_prompt *prompt);
typedef void (*ledgerauth_audit_fn)(void *userdata, const ledgerauth_audit_event *event);
typedef void (*ledgerauth_log_fn)(void *userdata, int32_t level, ledgerauth_str line);

/* ---------------------------------------------------------------------------------------------
 * Version
 *
 * The macros say which header a program was compiled with, the functions which library it runs
 * with. Within one major version the library stays compatible with programs that were compiled
 * with an older header: functions and numbers stay, structs grow at their end only.
 */

/* The version of this header. */
#define LEDGERAUTH_VERSION "0.1.0"
#define LEDGERAUTH_VERSION_MAJOR 0
#define LEDGERAUTH_VERSION_MINOR 1
#define LEDGERAUTH_VERSION_PATCH 0
#define LEDGERAUTH_VERSION_NUMBER 1000

/*
 * The version of the library as text that ends with a NUL and lives for ever.
 * Since 0.1.0.
 */
const char *ledgerauth_version(void);

/*
 * The version of the library as one number: major * 1000000 + minor * 1000 + patch.
 * Since 0.1.0.
 */
uint32_t ledgerauth_version_number(void);

/*
 * Whether the library was built with its own HTTP. Without it, clients need a transport.
 * Since 0.1.0.
 */
bool ledgerauth_has_http(void);

/* ---------------------------------------------------------------------------------------------
 * Text
 *
 * Text is a pointer and a length, in UTF-8, and need not end with a NUL. What a program passes
 * in is read during the call and not kept. What the library hands out belongs to the object it
 * was asked of, and lives until that object is freed or, where that is said, until its next call.
 *
 *     ledgerauth_str path = LEDGERAUTH_STR("/v1/invoices");          a literal
 *     ledgerauth_str name = ledgerauth_str_of(getenv("COMPANY"));    any C string
 *     printf("%.*s\n", LEDGERAUTH_ARG(path));
 *
 * An empty text is one whose length is 0. In a struct of options, zeros mean "not said".
 */

/* A literal as a text. */
#ifdef __cplusplus
#define LEDGERAUTH_STR(literal) (ledgerauth_str{"" literal, sizeof(literal) - 1})
#else
#define LEDGERAUTH_STR(literal) ((ledgerauth_str){"" literal, sizeof(literal) - 1})
#endif

/* A text as the two arguments of "%.*s". */
#define LEDGERAUTH_ARG(text) (int)(text).len, (text).data

/* Text that the caller owns: free it with ledgerauth_text_free(). */
typedef struct ledgerauth_text ledgerauth_text;

/* Text or bytes that somebody else owns. */
typedef struct ledgerauth_str {
    /* The first byte; may be NULL if the length is 0. */
    const char *data;
    /* The number of bytes. */
    size_t len;
} ledgerauth_str;

/*
 * The text of a C string, without its NUL; empty for NULL. Borrows the string.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_str_of(const char *text);

/*
 * The text itself, which lives until ledgerauth_text_free(); empty for NULL.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_text_str(const ledgerauth_text *text);

/*
 * Frees a text; NULL is fine.
 * Since 0.1.0.
 */
void ledgerauth_text_free(ledgerauth_text *text);

/*
 * Overwrites memory that held a secret, in a way that no compiler leaves out. NULL is fine.
 * Since 0.1.0.
 */
void ledgerauth_wipe(void *memory, size_t len);

/* ---------------------------------------------------------------------------------------------
 * Status
 *
 * Every function that can fail returns a status: LEDGERAUTH_OK, which is 0, or a number whose
 * thousands say whose affair it is. Numbers are never used twice; a program should treat one
 * that it does not know by its thousands.
 *
 *     1000   the program: a mistake in a call
 *     2000   the set-up: key, profile, certificates, host; nothing was sent
 *     3000   the credential: refused, expired, lacking something; a person acts
 *     4000   the account: plan, permission, credits; a person acts
 *     5000   time: the same call may succeed later without anybody acting
 *     6000   the request: refused for a reason that is not about authentication
 *     9000   this library
 */

/* All is well. */
#define LEDGERAUTH_OK 0
/* A function was called in a way or at a moment that it may not be. */
#define LEDGERAUTH_MISUSE 1000
/* A pointer is NULL that must not be. */
#define LEDGERAUTH_NULL 1001
/* A text is not UTF-8. */
#define LEDGERAUTH_NOT_UTF8 1002
/* A struct's size is smaller than any version's, or the struct is from a newer header. */
#define LEDGERAUTH_STRUCT_SIZE 1003
/* A buffer is too small; the function says what it takes. */
#define LEDGERAUTH_BUFFER_TOO_SMALL 1004
/* An object for one thread at a time is in use by another. */
#define LEDGERAUTH_BUSY 1005
/* This build of the library cannot do it. */
#define LEDGERAUTH_UNSUPPORTED 1006
/* A callback of the program ended it. */
#define LEDGERAUTH_STOPPED 1007
/* A key or secret that cannot be right; ledgerauth_error_position() says where. */
#define LEDGERAUTH_KEY_FORMAT 2000
/* A profile that cannot be right. */
#define LEDGERAUTH_PROFILE 2001
/* A setting that cannot be used, such as a certificate or a proxy. */
#define LEDGERAUTH_SETTING 2002
/* The source of the credential (variable, file, callback) gave none. */
#define LEDGERAUTH_SOURCE_UNAVAILABLE 2003
/* A key or host belongs to another environment. */
#define LEDGERAUTH_ENVIRONMENT_MISMATCH 2004
/* The URL is not https. */
#define LEDGERAUTH_INSECURE_TRANSPORT 2005
/* The URL leads to a host that the credential is not for. */
#define LEDGERAUTH_FOREIGN_HOST 2006
/* The server's certificate is not trusted. */
#define LEDGERAUTH_UNTRUSTED 2007
/* The API saw no credential. */
#define LEDGERAUTH_CREDENTIAL_MISSING 3000
/* The API could not read the credential. */
#define LEDGERAUTH_CREDENTIAL_MALFORMED 3001
/* The API does not accept the key. */
#define LEDGERAUTH_KEY_REFUSED 3002
/* The key has expired. */
#define LEDGERAUTH_KEY_EXPIRED 3003
/* The key was revoked. */
#define LEDGERAUTH_KEY_REVOKED 3004
/* The API does not accept the access token, and a new one did not help. */
#define LEDGERAUTH_TOKEN_REFUSED 3005
/* The token endpoint refused id, secret, refresh token or scope. */
#define LEDGERAUTH_GRANT_REFUSED 3006
/* A person has to connect the account again. */
#define LEDGERAUTH_CONSENT_REQUIRED 3007
/* The credential lacks a scope. */
#define LEDGERAUTH_MISSING_SCOPE 3008
/* A person has to sign in again, more recently or by a stronger means. */
#define LEDGERAUTH_STEP_UP_REQUIRED 3009
/* The credential is right, but may not do this. */
#define LEDGERAUTH_PERMISSION_DENIED 4000
/* The account's plan does not include this. */
#define LEDGERAUTH_PLAN_REQUIRED 4001
/* The call is for enterprise accounts only. */
#define LEDGERAUTH_ENTERPRISE_ONLY 4002
/* The account or business is suspended. */
#define LEDGERAUTH_SUSPENDED 4003
/* The account has no credits left. */
#define LEDGERAUTH_INSUFFICIENT_CREDITS 4004
/* The API asks to slow down; ledgerauth_error_come_back_at() says until when. */
#define LEDGERAUTH_RATE_LIMITED 5000
/* The API failed. */
#define LEDGERAUTH_SERVER_ERROR 5001
/* The token endpoint gave no usable answer. */
#define LEDGERAUTH_TOKEN_ENDPOINT 5002
/* The connection could not be made or was lost. */
#define LEDGERAUTH_TRANSPORT 5003
/* The token store could not be read or written. */
#define LEDGERAUTH_STORE 5004
/* The deadline passed. */
#define LEDGERAUTH_DEADLINE_EXCEEDED 5005
/*
 * The answer began and broke off; ledgerauth_error_http_status() and
 * ledgerauth_error_request_id() say which it was.
 */
#define LEDGERAUTH_BODY 5006
/* The API refused the request itself. */
#define LEDGERAUTH_REQUEST_REFUSED 6000
/*
 * Another host answered, to which a redirect led and the credential did not go: a login page, a
 * proxy, an ended tenant. See allow_redirect_to.
 */
#define LEDGERAUTH_REDIRECTED_ELSEWHERE 6001
/* A failure of a kind that has no number yet; ledgerauth_error_kind() names it. */
#define LEDGERAUTH_FAILED 9000
/* This library met a mistake of its own; please report it. */
#define LEDGERAUTH_PANIC 9001

/*
 * The name of a status as this header spells it, such as "LEDGERAUTH_KEY_REFUSED"; "unknown"
 * for a number that is none. It ends with a NUL and lives for ever.
 * Since 0.1.0.
 */
const char *ledgerauth_status_name(int32_t status);

/* ---------------------------------------------------------------------------------------------
 * Errors
 *
 * The last argument of a function that can fail is where to put an error object; NULL if the
 * status is enough. It is written only on failure, and then the caller's: free it with
 * ledgerauth_error_free(). Nothing in it is secret. It never changes, so any number of threads
 * may read it.
 *
 *     ledgerauth_error *error = NULL;
 *     if (ledgerauth_client_check(client, NULL, &error) != LEDGERAUTH_OK) {
 *         fprintf(stderr, "%.*s\n", LEDGERAUTH_ARG(ledgerauth_error_line(error)));
 *         ledgerauth_error_free(error);
 *     }
 *
 * A function whose answer is a text gives an empty one where there is none, one whose answer is
 * a number gives 0; so does every one of them for NULL.
 */

/* Nobody knows whether the server acted on the call: look before you send it again. */
#define LEDGERAUTH_PROCESSED_UNKNOWN 0
/* The server did not act on the call: it was never sent, or it was refused. */
#define LEDGERAUTH_PROCESSED_NO 1
/* The server acted on the call: a 2xx was seen. */
#define LEDGERAUTH_PROCESSED_YES 2

/* What went wrong: a status, a line for a person, and every detail for a program. */
typedef struct ledgerauth_error ledgerauth_error;

/*
 * The status that came with the error.
 * Since 0.1.0.
 */
int32_t ledgerauth_error_status(const ledgerauth_error *error);

/*
 * The kind in lower case, such as "key_refused".
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_error_kind(const ledgerauth_error *error);

/*
 * Everything a person needs, in one line without a line break: what happened, what the server
 * said, what to do.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_error_line(const ledgerauth_error *error);

/*
 * What happened, in one clause.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_error_what(const ledgerauth_error *error);

/*
 * What to do about it, in words for a person.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_error_advice(const ledgerauth_error *error);

/*
 * The HTTP status of the answer; 0 if there was none.
 * Since 0.1.0.
 */
int32_t ledgerauth_error_http_status(const ledgerauth_error *error);

/*
 * The server's own code, such as "INVALID_API_KEY" or "invalid_grant".
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_error_provider_code(const ledgerauth_error *error);

/*
 * The server's own message, shortened and without the credential.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_error_provider_message(const ledgerauth_error *error);

/*
 * The id under which the call went out, the same on all of its repeats.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_error_request_id(const ledgerauth_error *error);

/*
 * The id under which the server knows the request: what its support will ask for.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_error_server_request_id(const ledgerauth_error *error);

/*
 * The moment before which the same call cannot succeed, in milliseconds since 1970 UTC; 0 if
 * nobody knows one.
 * Since 0.1.0.
 */
uint64_t ledgerauth_error_come_back_at(const ledgerauth_error *error);

/*
 * Which limit was reached, such as "60 per minute".
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_error_limit(const ledgerauth_error *error);

/*
 * Whether the server may have acted on the call: LEDGERAUTH_PROCESSED_NO (never sent; 401, 403,
 * 429 or another 4xx but 408), LEDGERAUTH_PROCESSED_YES (a 2xx was seen) or
 * LEDGERAUTH_PROCESSED_UNKNOWN (the rest: lost, out of time, 408, 5xx).
 * Since 0.1.0.
 */
int32_t ledgerauth_error_processed(const ledgerauth_error *error);

/*
 * Whether the same call may be sent again later without anybody changing anything: what is wrong
 * may pass, and sending it again cannot book twice. A POST that may have been processed is never
 * retryable, unless the provider's own convention makes a repeat harmless.
 * Since 0.1.0.
 */
bool ledgerauth_error_is_retryable(const ledgerauth_error *error);

/*
 * What is wrong with a key, such as "white_space", for LEDGERAUTH_KEY_FORMAT.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_error_key_fault(const ledgerauth_error *error);

/*
 * Where in the key it is, counted in characters from 1; 0 if it is in no one place.
 * Since 0.1.0.
 */
size_t ledgerauth_error_position(const ledgerauth_error *error);

/*
 * The answer that is not a success, with its header fields and its whole body; for
 * LEDGERAUTH_BODY the one that broke off, without its body; NULL if there was none. It belongs to
 * the error.
 * Since 0.1.0.
 */
const ledgerauth_response *ledgerauth_error_response(const ledgerauth_error *error);

/*
 * Frees an error; NULL is fine.
 * Since 0.1.0.
 */
void ledgerauth_error_free(ledgerauth_error *error);

/* ---------------------------------------------------------------------------------------------
 * Credentials
 *
 * A credential is what the owner of an account was given: keys, or a client id and secret. It is
 * checked against its provider's formats when a client is made, and may be freed then. One from
 * a file or a callback is asked for again when the API refuses everything it gave, so a rotated
 * secret needs no restart.
 *
 * Several keys of one account make a ring, and a service account signs assertions; each has a
 * chapter of its own.
 */

/*
 * A credential. Functions that change it may not be called from two threads at once with others;
 * they wait for each other.
 */
typedef struct ledgerauth_credential ledgerauth_credential;

/*
 * Asks the program for its credential. Called when a client is made, and again when the API
 * refuses everything that it gave; from any thread, but never from two at once. It makes a
 * credential with the functions of this chapter, writes it to credential_out, where it is the
 * library's, and returns LEDGERAUTH_OK; any other number means that there is none now.
 *
 * The callback must not throw, must not leave by longjmp, and must not free its client.
 */
typedef int32_t (*ledgerauth_source_fn)(void *userdata,
                                        ledgerauth_credential **credential_out);

/*
 * A static key. The caller frees it.
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_from_key(ledgerauth_str key,
                                       ledgerauth_credential **credential_out,
                                       ledgerauth_error **error_out);

/*
 * A client id and secret, exchanged for access tokens (RFC 6749 section 4.4). The caller frees
 * it.
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_from_client(ledgerauth_str id,
                                          ledgerauth_str secret,
                                          ledgerauth_credential **credential_out,
                                          ledgerauth_error **error_out);

/*
 * A refresh token with the client that it was issued to (RFC 6749 section 6). The caller frees
 * it.
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_from_refresh_token(ledgerauth_str id,
                                                 ledgerauth_str secret,
                                                 ledgerauth_str refresh_token,
                                                 ledgerauth_credential **credential_out,
                                                 ledgerauth_error **error_out);

/*
 * A client id alone: a public client (RFC 6749 section 2.1), or one that shows a certificate when
 * it connects (RFC 8705), as the option client_auth says. The caller frees it.
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_from_public_client(ledgerauth_str id,
                                                 ledgerauth_credential **credential_out,
                                                 ledgerauth_error **error_out);

/*
 * A client id and a private key (PEM) that signs for it (private_key_jwt, RFC 7523). algorithm is
 * "RS256", "PS256", "ES256" or "EdDSA"; key_id is the name under which the server knows the key,
 * or empty. LEDGERAUTH_UNSUPPORTED in a library without HTTP. The caller frees it.
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_from_private_key(ledgerauth_str id,
                                               ledgerauth_str algorithm,
                                               ledgerauth_str key_pem,
                                               ledgerauth_str key_id,
                                               ledgerauth_credential **credential_out,
                                               ledgerauth_error **error_out);

/*
 * A static key from an environment variable. LEDGERAUTH_SOURCE_UNAVAILABLE if it is not set. The
 * caller frees it.
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_from_env(ledgerauth_str variable,
                                       ledgerauth_credential **credential_out,
                                       ledgerauth_error **error_out);

/*
 * A client id and secret from two environment variables. The caller frees it.
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_from_client_env(ledgerauth_str id_variable,
                                              ledgerauth_str secret_variable,
                                              ledgerauth_credential **credential_out,
                                              ledgerauth_error **error_out);

/*
 * A credential from a file: one key a line, or JSON. LEDGERAUTH_SOURCE_UNAVAILABLE if it cannot
 * be read. The caller frees it.
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_from_file(ledgerauth_str path,
                                        ledgerauth_credential **credential_out,
                                        ledgerauth_error **error_out);

/*
 * A credential from a callback, for secrets managers. What userdata points to has to live until
 * the clients that were made with the credential are freed. The caller frees it.
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_from_callback(ledgerauth_source_fn callback,
                                            void *userdata,
                                            ledgerauth_credential **credential_out,
                                            ledgerauth_error **error_out);

/*
 * Declares the environment that the credential is for: needed where neither its prefix nor the
 * host tells.
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_set_environment(ledgerauth_credential *credential,
                                              ledgerauth_str environment,
                                              ledgerauth_error **error_out);

/*
 * Exchanges this refresh token (RFC 6749 section 6), issued to the credential's client.
 * LEDGERAUTH_MISUSE for keys and callbacks.
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_set_refresh_token(ledgerauth_credential *credential,
                                                ledgerauth_str refresh_token,
                                                ledgerauth_error **error_out);

/*
 * Exchanges the refresh token that a person's login has put into the client's store.
 * LEDGERAUTH_MISUSE for keys and callbacks.
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_use_stored(ledgerauth_credential *credential,
                                         ledgerauth_error **error_out);

/*
 * Asks for these scopes when the credential is exchanged for a token (RFC 6749 section 3.3).
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_set_scopes(ledgerauth_credential *credential,
                                         const ledgerauth_str *scopes,
                                         size_t scope_count,
                                         ledgerauth_error **error_out);

/*
 * Frees a credential and wipes what it holds; NULL is fine. Clients made with it go on.
 * Since 0.1.0.
 */
void ledgerauth_credential_free(ledgerauth_credential *credential);

/* ---------------------------------------------------------------------------------------------
 * Options of a client
 *
 * Zero the struct, set its size, and set what is known; what is zero has a default from the
 * provider's profile. Only provider and credential have to be set.
 *
 *     ledgerauth_client_options options = {.size = sizeof options};
 *     options.provider = LEDGERAUTH_STR("finora");
 *     options.credential = credential;
 *
 * What says whom to trust, who one is, and where tokens are kept may not be a text of length 0
 * that is not NULL: an empty file or variable would then decide it. That is LEDGERAUTH_SETTING.
 *
 * Texts and structs that it points to are read while the client is made, and not kept. What a
 * userdata points to has to live until the client is freed.
 */

/* Everything that can be said about a client before it is made. */
typedef struct ledgerauth_client_options {
    /* sizeof(ledgerauth_client_options). */
    size_t size;
    /* The name of a shipped provider, such as "finora". */
    ledgerauth_str provider;
    /* A provider of the program's own, instead of a shipped one. */
    const ledgerauth_provider *own_provider;
    /* What to authenticate with. */
    const ledgerauth_credential *credential;
    /* The environment, such as "sandbox", where neither key nor host tells it. */
    ledgerauth_str environment;
    /* Send here instead of to the profile's base URL: a workspace's own, a gateway, a test server. */
    ledgerauth_str base_url;
    /* Fetch tokens here instead of at the profile's endpoint. */
    ledgerauth_str token_url;
    /*
     * How to authenticate at the token endpoint, instead of the profile's way, by the names of
     * RFC 7591: "client_secret_basic", "client_secret_post", "private_key_jwt" and others.
     */
    ledgerauth_str client_auth;
    /* The authorization server's name (RFC 8414), instead of the profile's. */
    ledgerauth_str issuer;
    /*
     * Not 0 to ask the issuer, while the client is made, for the endpoints that the
     * profile does not name (RFC 8414).
     */
    int32_t discover;
    /* Send the credential in this header instead of the profile's. */
    ledgerauth_str header;
    /*
     * Put this word before the credential instead of the profile's; a text of length 0 that is
     * not NULL for none.
     */
    ledgerauth_str scheme;
    /* Allow http without TLS to this very machine, and to nothing else: for tests. Not 0 for yes. */
    int32_t insecure_loopback;
    /*
     * The name under which a shared store keeps the tokens: a readable beginning of the record's id, which
     * names the provider, the environment, the client and the hosts as well. So one name may serve several
     * of those; two accounts of one client need two.
     */
    ledgerauth_str name;
    /* The name of the integration that uses the credential: what audit events say. */
    ledgerauth_str integration;
    /*
     * How long a call may take with all its waits and repeats, in milliseconds; 90000 if 0,
     * because the commonest limit is a count per minute and a call should be able to sit one out.
     */
    uint64_t deadline_ms;
    /* How often a call is sent at most; 4 times if 0, because three repeats bridge a restart. */
    uint32_t max_attempts;
    /*
     * Where tokens are kept; in a memory of the client's own if none of this, store_folder and
     * store_redis is set.
     */
    const ledgerauth_store *store;
    /*
     * Keep tokens in this folder, which all processes of this host and user may share; it is made
     * if it is not there.
     */
    ledgerauth_str store_folder;
    /*
     * Keep tokens in this Redis server, which all hosts may share: "rediss://user:password@host:6379".
     * LEDGERAUTH_UNSUPPORTED in a library that was built without Redis.
     */
    ledgerauth_str store_redis;
    /*
     * Trust these certificate authorities (PEM) of the Redis server and no others; those that the
     * operating system trusts if not said.
     */
    ledgerauth_str store_ca_pem;
    /*
     * Encrypt what is kept in store_folder or store_redis with this key: 32 bytes in base64 or
     * hexadecimal.
     */
    ledgerauth_str store_key;
    /* How requests are sent; by the library's own HTTP if NULL. */
    const ledgerauth_transport *transport;
    /*
     * Not 0 to start no threads: the call that finds a token due then gets it before it goes on. Its
     * deadline ends each wait, but no single step of the store, which needs a time limit of its own;
     * that of store_folder is 3 seconds.
     */
    int32_t no_threads;
    /* Called for every audit event. */
    ledgerauth_audit_fn on_audit;
    /* Handed to on_audit. */
    void *audit_userdata;
    /* Called with a line for every audit event. */
    ledgerauth_log_fn on_log;
    /* Handed to on_log. */
    void *log_userdata;
    /*
     * 32 bytes: the key under which audit events tell credentials apart. A random one of this
     * process if NULL, so that a credential has another fingerprint after a restart.
     */
    const uint8_t *fingerprint_key;
    /*
     * Own HTTP: how long the server may take to begin its answer, and may pause within it, in
     * milliseconds; 60000 if 0, because reports over a year's ledger take tens of seconds.
     */
    uint64_t timeout_ms;
    /*
     * Own HTTP: how long connecting may take, in milliseconds; 10000 if 0, because a host that has
     * not answered by then is not there.
     */
    uint64_t connect_timeout_ms;
    /*
     * Own HTTP: connect through this proxy, such as "http://user:password@host:3128". If not
     * said: https_proxy, HTTPS_PROXY, all_proxy or ALL_PROXY, the first that is set, but for the
     * hosts in no_proxy or NO_PROXY, as curl and requests read them. Plain http is sent to this
     * machine alone, and always directly.
     */
    ledgerauth_str proxy;
    /* Own HTTP: not 0 to connect directly, whatever the variables say. */
    int32_t no_proxy;
    /*
     * Own HTTP: not 0 to trust the authorities that the operating system trusts instead of
     * Mozilla's list.
     */
    int32_t platform_roots;
    /* Own HTTP: trust these certificate authorities (PEM) and no others. */
    ledgerauth_str ca_pem;
    /* Own HTTP: show this certificate chain (PEM) to servers that ask for one. */
    ledgerauth_str identity_chain_pem;
    /* Own HTTP: the key to that certificate (PEM). */
    ledgerauth_str identity_key_pem;
    /*
     * Own HTTP: what the program is called in the User-Agent header; "ledgerauth/VERSION" if not
     * said.
     */
    ledgerauth_str user_agent;
    /*
     * Hosts whose answers count as the API's where a redirect leads there, such as that of signed
     * downloads: "files.example", "files.example:8443". The credential goes to none of them; the
     * answer of any other host is LEDGERAUTH_REDIRECTED_ELSEWHERE.
     */
    const ledgerauth_str *allow_redirect_to;
    /* How many of them. */
    size_t allow_redirect_to_count;
    /*
     * Own HTTP: the longest body that is read into memory, in bytes, counted unpacked; 268435456 (256
     * MiB) if 0, because a MiB of gzip can unpack to a GiB. One that is read in pieces has no limit.
     */
    uint64_t max_body;
    /* Not 0 to call on_audit in the thread in which an event happens, and to wait for it. */
    int32_t audit_blocks;
    /* Where a person consents in a browser, instead of the profile's authorization endpoint. */
    ledgerauth_str authorization_url;
    /* Where a login on another device begins (RFC 8628), instead of the profile's endpoint. */
    ledgerauth_str device_authorization_url;
    /* Where tokens are revoked (RFC 7009), instead of at the profile's endpoint. */
    ledgerauth_str revocation_url;
    /*
     * What the credential may do, in the vendor's words, such as "retail": calls that the profile
     * says need more are then refused before they are sent. If not said, it is what the keys' notes
     * or the grant's scopes say.
     */
    const ledgerauth_str *permissions;
    /* How many of them. */
    size_t permission_count;
    /*
     * Own HTTP: the path of a file with the certificate chain (PEM), instead of
     * identity_chain_pem. It and identity_key_file are read again when they change; while one of
     * them does not fit the other, the old pair goes on. Audit events tell both
     * ("identity_replaced", "identity_kept").
     */
    ledgerauth_str identity_chain_file;
    /* Own HTTP: the path of a file with the key to that certificate (PEM). */
    ledgerauth_str identity_key_file;
} ledgerauth_client_options;

/* ---------------------------------------------------------------------------------------------
 * Clients
 *
 * A client makes authenticated calls to one account at one provider. Any number of threads may
 * use one; its token is fetched once for all of them. Keep it for as long as there are calls to
 * make: it holds the connections and the token.
 */

/* The state of a client: there is nothing to send with yet. */
#define LEDGERAUTH_STATE_EMPTY 0
/* The state of a client: there is something to send with. */
#define LEDGERAUTH_STATE_FRESH 1
/* The state of a client: there is something to send with, and it should be renewed. */
#define LEDGERAUTH_STATE_STALE 2
/* The state of a client: a token is being fetched. */
#define LEDGERAUTH_STATE_REFRESHING 3
/* The state of a client: a token with a new refresh token is here and could not be stored. */
#define LEDGERAUTH_STATE_UNSAVED 4
/* The state of a client: the credential was refused, or no token could be had. */
#define LEDGERAUTH_STATE_DEAD 5

/* A client. Any number of threads may use it at once. */
typedef struct ledgerauth_client ledgerauth_client;

/*
 * Makes a client. Everything is checked against everything, and nothing is sent. The caller frees
 * it with ledgerauth_client_free().
 * Since 0.1.0.
 */
int32_t ledgerauth_client_new(const ledgerauth_client_options *options,
                              ledgerauth_client **client_out,
                              ledgerauth_error **error_out);

/*
 * Frees a client; NULL is fine. No thread may be using it. A token that is being fetched is waited
 * for and stored, because a refresh token may have been spent on it. When it returns, no callback
 * will be called any more. Responses, errors and lists that came from it stay.
 * Since 0.1.0.
 */
void ledgerauth_client_free(ledgerauth_client *client);

/*
 * Proves the credential with the provider's harmless test call. LEDGERAUTH_OK, and a line such
 * as "Finora Business (staging), GET /v1/me: accepted", if it is good; else what is wrong and
 * what to do. verdict_out may be NULL; the caller frees what is written there.
 * Since 0.1.0.
 */
int32_t ledgerauth_client_check(const ledgerauth_client *client,
                                ledgerauth_text **verdict_out,
                                ledgerauth_error **error_out);

/*
 * How the credential stands, in a few lines for a person or a support ticket: state, generation,
 * what ends when, what went wrong last, what to do. Nothing in it is secret. The caller frees it.
 * Since 0.1.0.
 */
int32_t ledgerauth_client_explain(const ledgerauth_client *client,
                                  ledgerauth_text **explanation_out,
                                  ledgerauth_error **error_out);

/*
 * Takes over another credential of the same kind and account, from the next call on: keys for keys,
 * a client's id and secret for another. So a rotation needs neither a restart nor a single 401: hand
 * the new one over, then end the old one at the provider. A token of the old id and secret is used
 * no more. What the credential may do stays as it was declared when the client was made.
 *
 * It waits while a token is being fetched with the old one. The credential stays the caller's, to be
 * freed; what a callback's userdata points to has to live until the client is freed. If it is of
 * another kind or environment (LEDGERAUTH_MISUSE, LEDGERAUTH_ENVIRONMENT_MISMATCH), or malformed, the
 * client goes on with what it has.
 * Since 0.1.0.
 */
int32_t ledgerauth_client_replace_credential(const ledgerauth_client *client,
                                             const ledgerauth_credential *credential,
                                             ledgerauth_error **error_out);

/*
 * Reads the credential's source again now, without waiting for a refusal: environment variables, a
 * file or a callback. The next call uses what it gave, as with
 * ledgerauth_client_replace_credential(). LEDGERAUTH_MISUSE if the credential came as a value.
 * Since 0.1.0.
 */
int32_t ledgerauth_client_reload(const ledgerauth_client *client,
                                 ledgerauth_error **error_out);

/*
 * What the client is doing: one of LEDGERAUTH_STATE_*; LEDGERAUTH_STATE_EMPTY for NULL.
 * Since 0.1.0.
 */
int32_t ledgerauth_client_state(const ledgerauth_client *client);

/*
 * The environment that the client is for, such as "production". It belongs to the client.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_client_environment(const ledgerauth_client *client);

/*
 * The name of the header that carries the credential, such as "Authorization". It belongs to the
 * client.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_client_header(const ledgerauth_client *client);

/*
 * The value of the header that authenticates a request to a path, or to an absolute URL of the
 * same host: for programs that send by themselves and want nothing else of the library. It gets
 * a token if there is none; while there is one, this takes tens of nanoseconds.
 *
 * The value and a NUL are written to buffer. length_out, which may be NULL, receives the value's
 * length without the NUL, and it alone is written also when the status is
 * LEDGERAUTH_BUFFER_TOO_SMALL. 8192 bytes are enough for what servers accept.
 * Since 0.1.0.
 */
int32_t ledgerauth_client_authorize(const ledgerauth_client *client,
                                    ledgerauth_str path,
                                    char *buffer,
                                    size_t capacity,
                                    size_t *length_out,
                                    ledgerauth_error **error_out);

/*
 * Asks for a document until it is ready, as the provider's profile says what "not ready" looks
 * like. deadline_ms is how long to go on asking; five minutes if 0, because reading a long
 * invoice takes minutes and not hours. The caller frees the response.
 * Since 0.1.0.
 */
int32_t ledgerauth_client_poll(const ledgerauth_client *client,
                               ledgerauth_str path,
                               uint64_t deadline_ms,
                               ledgerauth_response **response_out,
                               ledgerauth_error **error_out);

/* ---------------------------------------------------------------------------------------------
 * Responses
 *
 * A response is a success with its whole body in memory. An answer that is not a success is an
 * error; ledgerauth_error_response() then has it.
 */

/* The answer to a call. It never changes, so any number of threads may read it. */
typedef struct ledgerauth_response ledgerauth_response;

/* A header field. */
typedef struct ledgerauth_header {
    /* Its name. */
    ledgerauth_str name;
    /* Its value. */
    ledgerauth_str value;
} ledgerauth_header;

/* A redirect that was followed. */
typedef struct ledgerauth_redirect {
    /* The HTTP status, such as 302. */
    int32_t status;
    /* The URL that answered so, with its query. */
    ledgerauth_str url;
} ledgerauth_redirect;

/*
 * The HTTP status, such as 200; 0 for NULL.
 * Since 0.1.0.
 */
int32_t ledgerauth_response_status(const ledgerauth_response *response);

/*
 * The body. It belongs to the response.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_response_body(const ledgerauth_response *response);

/*
 * The first value of a header, whatever the case of its name; data is NULL if there is none. It
 * belongs to the response.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_response_header(const ledgerauth_response *response,
                                          ledgerauth_str name);

/*
 * The number of header fields.
 * Since 0.1.0.
 */
size_t ledgerauth_response_header_count(const ledgerauth_response *response);

/*
 * The header field of that number, counted from 0. LEDGERAUTH_MISUSE if there are not so many. It
 * belongs to the response.
 * Since 0.1.0.
 */
int32_t ledgerauth_response_header_at(const ledgerauth_response *response,
                                      size_t index,
                                      ledgerauth_header *header_out,
                                      ledgerauth_error **error_out);

/*
 * The id under which the call went out, the same on all of its repeats. It belongs to the
 * response.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_response_request_id(const ledgerauth_response *response);

/*
 * Where the answer came from, with its query: the URL that was asked, or where redirects have led.
 * It belongs to the response.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_response_url(const ledgerauth_response *response);

/*
 * The number of redirects that were followed on the way to the answer.
 * Since 0.1.0.
 */
size_t ledgerauth_response_redirect_count(const ledgerauth_response *response);

/*
 * The redirect of that number, counted from 0 in the order in which they were met.
 * LEDGERAUTH_MISUSE if there are not so many. It belongs to the response.
 * Since 0.1.0.
 */
int32_t ledgerauth_response_redirect_at(const ledgerauth_response *response,
                                        size_t index,
                                        ledgerauth_redirect *redirect_out,
                                        ledgerauth_error **error_out);

/*
 * Frees a response; NULL is fine.
 * Since 0.1.0.
 */
void ledgerauth_response_free(ledgerauth_response *response);

/* ---------------------------------------------------------------------------------------------
 * Requests
 *
 * A request is sent with the credential, as often as it is right, until the server has answered.
 * LEDGERAUTH_OK means that it was a success: its status is below 400. Anything else is an error
 * that says whose affair it is and what to do; ledgerauth_error_response() has the answer, if
 * there was one.
 *
 * A request that may have been processed is sent again only if that cannot book anything twice:
 * by its method, by the provider's own convention (such as an external_id in a Numora document),
 * or because the answer proves that nothing was processed.
 */

/*
 * Gives the next piece of a request's body: writes at most capacity bytes to buffer and their
 * number to size_out, 0 at the end. LEDGERAUTH_OK to go on; any other number ends the call with
 * LEDGERAUTH_STOPPED. Must not throw and must not leave by longjmp.
 */
typedef int32_t (*ledgerauth_read_fn)(void *userdata,
                                      uint8_t *buffer,
                                      size_t capacity,
                                      size_t *size_out);

/*
 * Takes a piece of an answer's body as it comes. LEDGERAUTH_OK to go on; any other number ends
 * the call with LEDGERAUTH_STOPPED. Must not throw and must not leave by longjmp.
 */
typedef int32_t (*ledgerauth_write_fn)(void *userdata, const uint8_t *data, size_t size);

/*
 * Everything that can be said about a request. Zero it, set size, method and path, and what is
 * needed.
 */
typedef struct ledgerauth_request {
    /* sizeof(ledgerauth_request). */
    size_t size;
    /* GET, HEAD, POST, PUT, PATCH or DELETE. */
    ledgerauth_str method;
    /* A path such as "/v1/invoices", or an absolute URL of the same host. */
    ledgerauth_str path;
    /* Query parameters, which are percent-encoded and added to the path. */
    const ledgerauth_header *query;
    /* How many of them. */
    size_t query_count;
    /*
     * Header fields. When a redirect leads to another host, only those that say what answer is
     * wanted go along.
     */
    const ledgerauth_header *headers;
    /* How many of them. */
    size_t header_count;
    /* The body; none if its data is NULL. */
    ledgerauth_str body;
    /*
     * Gives the body instead, piece by piece: the call is then never repeated after something of
     * it has left.
     */
    ledgerauth_read_fn read_body;
    /* Handed to read_body. */
    void *read_userdata;
    /* Takes the body of a success piece by piece instead of the response. */
    ledgerauth_write_fn write_body;
    /* Handed to write_body. */
    void *write_userdata;
    /*
     * How long the call may take with all its waits and repeats, until the answer begins, in
     * milliseconds; the client's deadline if 0.
     */
    uint64_t deadline_ms;
    /* The id under which the call is known to both sides; a random one if not said. */
    ledgerauth_str request_id;
    /*
     * How many bytes read_body gives in all; not known if 0, and then the body is sent in chunks. A
     * body that ends before, or has more, fails the call before its last byte is sent.
     */
    uint64_t read_size;
    /*
     * Hosts whose answers count as the API's where a redirect leads there, beside those of the
     * client's options: "files.example", "files.example:8443". The credential goes to none of them.
     */
    const ledgerauth_str *allow_redirect_to;
    /* How many of them. */
    size_t allow_redirect_to_count;
} ledgerauth_request;

/*
 * Gets a path such as "/v1/invoices". The caller frees the response.
 * Since 0.1.0.
 */
int32_t ledgerauth_client_get(const ledgerauth_client *client,
                              ledgerauth_str path,
                              ledgerauth_response **response_out,
                              ledgerauth_error **error_out);

/*
 * Posts JSON to a path. The caller frees the response.
 * Since 0.1.0.
 */
int32_t ledgerauth_client_post(const ledgerauth_client *client,
                               ledgerauth_str path,
                               ledgerauth_str json,
                               ledgerauth_response **response_out,
                               ledgerauth_error **error_out);

/*
 * Sends a request of any kind. The caller frees the response.
 * Since 0.1.0.
 */
int32_t ledgerauth_client_send(const ledgerauth_client *client,
                               const ledgerauth_request *request,
                               ledgerauth_response **response_out,
                               ledgerauth_error **error_out);

/* ---------------------------------------------------------------------------------------------
 * Logins
 *
 * A person connects an account once, in a browser of this machine or on another device; the
 * tokens go into the client's store, and every client of that store and name goes on from there.
 * The client's credential is one of a client that had ledgerauth_credential_use_stored(); its
 * scopes are what the person is asked for.
 *
 * A login takes as long as the person does, and the thread that calls for it with it. Calls that
 * other threads make meanwhile go on with what there was before.
 */

/*
 * What a server says of a connection that a person made; nothing of it is secret. It never
 * changes.
 */
typedef struct ledgerauth_connected ledgerauth_connected;

/* What a person has to be shown. It lives for as long as the callback runs. */
typedef struct ledgerauth_prompt {
    /* sizeof(ledgerauth_prompt) of the library. */
    size_t size;
    /* The address to open. */
    ledgerauth_str url;
    /* The code to enter there; empty where a redirect does the rest. */
    ledgerauth_str user_code;
    /*
     * The same address with the code in it, for a QR code or a link; empty if the server gives
     * none.
     */
    ledgerauth_str url_with_code;
    /* When it ends, in milliseconds since 1970 UTC. */
    uint64_t until;
} ledgerauth_prompt;

/*
 * Shows a person where to go. Called once, in the thread that logs in. The callback must not
 * throw, must not leave by longjmp, and must not free its client.
 */
typedef void (*ledgerauth_prompt_fn)(void *userdata, const ledgerauth_prompt *prompt);

/* How a person logs in. Zero it, set size and on_prompt, and what is needed. */
typedef struct ledgerauth_login {
    /* sizeof(ledgerauth_login). */
    size_t size;
    /* Shows the person where to go. */
    ledgerauth_prompt_fn on_prompt;
    /* Handed to on_prompt. */
    void *userdata;
    /*
     * Where the browser comes back to, as the client is registered: an http address of this
     * machine, with port 0 for any that is free; "http://127.0.0.1:0/callback" if not said.
     */
    ledgerauth_str redirect_uri;
    /* More parameters of the authorization request, such as "prompt" or "login_hint". */
    const ledgerauth_header *parameters;
    /* How many of them. */
    size_t parameter_count;
    /*
     * How long the person may take, in milliseconds; five minutes if 0, because a password and a
     * second factor have to be found first.
     */
    uint64_t patience_ms;
} ledgerauth_login;

/*
 * Lets a person consent in a browser (RFC 6749 section 4.1 with PKCE and a redirect to this
 * machine, RFC 8252): on_prompt shows or opens the address. connected_out may be NULL; the caller
 * frees what is written there.
 * Since 0.1.0.
 */
int32_t ledgerauth_client_login(const ledgerauth_client *client,
                                const ledgerauth_login *login,
                                ledgerauth_connected **connected_out,
                                ledgerauth_error **error_out);

/*
 * Lets a person consent on another device (RFC 8628): on_prompt shows the address and the code,
 * which the person enters on a phone or another computer. connected_out may be NULL; the caller
 * frees what is written there.
 * Since 0.1.0.
 */
int32_t ledgerauth_client_login_on_device(const ledgerauth_client *client,
                                          ledgerauth_prompt_fn on_prompt,
                                          void *userdata,
                                          ledgerauth_connected **connected_out,
                                          ledgerauth_error **error_out);

/*
 * Ends what a person granted: the tokens are revoked at the server (RFC 7009) and taken out of
 * the store. The next call of any client of that store and name says that a person has to connect
 * the account.
 * Since 0.1.0.
 */
int32_t ledgerauth_client_revoke(const ledgerauth_client *client, ledgerauth_error **error_out);

/*
 * The scopes that were granted, with spaces between them; empty if the server does not say. It
 * belongs to the connection.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_connected_scope(const ledgerauth_connected *connected);

/*
 * What the redirect brought beside what the RFCs name, such as the "realmId" of the company at
 * Intuit; data is NULL if it brought none of that name. It belongs to the connection.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_connected_parameter(const ledgerauth_connected *connected,
                                              ledgerauth_str name);

/*
 * Frees what a server said; NULL is fine.
 * Since 0.1.0.
 */
void ledgerauth_connected_free(ledgerauth_connected *connected);

/* ---------------------------------------------------------------------------------------------
 * Providers
 *
 * A provider is what one API's vendor documents about authentication. The library ships several,
 * by name; another one is a file of facts, read at run time. Most programs name a shipped one in
 * the client's options and need nothing of this chapter.
 */

/* A provider. It never changes, so any number of threads may use one. */
typedef struct ledgerauth_provider ledgerauth_provider;

/*
 * A shipped provider by its name: "numeric", "numora", "adaas", "finora" and others.
 * LEDGERAUTH_PROFILE for a name that is none; the error lists those there are. The caller frees
 * it.
 * Since 0.1.0.
 */
int32_t ledgerauth_provider_builtin(ledgerauth_str name,
                                    ledgerauth_provider **provider_out,
                                    ledgerauth_error **error_out);

/*
 * A provider from the text of a profile (TOML). LEDGERAUTH_PROFILE, with line, field and reason,
 * for a text that is none. The caller frees it.
 * Since 0.1.0.
 */
int32_t ledgerauth_provider_from_toml(ledgerauth_str profile,
                                      ledgerauth_provider **provider_out,
                                      ledgerauth_error **error_out);

/*
 * The name of the shipped provider of that number, counted from 0 in alphabetical order; empty
 * when there are no more. It lives for ever.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_provider_builtin_name(size_t index);

/*
 * The short name, such as "finora".
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_provider_name(const ledgerauth_provider *provider);

/*
 * The name as people write it, such as "Finora Business".
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_provider_title(const ledgerauth_provider *provider);

/*
 * Frees a provider; NULL is fine. Clients made from it go on.
 * Since 0.1.0.
 */
void ledgerauth_provider_free(ledgerauth_provider *provider);

/* ---------------------------------------------------------------------------------------------
 * Keys
 *
 * A key is read against the formats that its provider documents, so that a key with a line break,
 * of another system, or of another environment is found before anything is sent. Clients do that
 * by themselves; a program calls these functions to check what somebody types into a form.
 */

/* What a key tells about itself without being shown. It never changes. */
typedef struct ledgerauth_key ledgerauth_key;

/*
 * Reads a static key. LEDGERAUTH_KEY_FORMAT if it cannot be one: ledgerauth_error_key_fault()
 * and ledgerauth_error_position() say what is wrong and where, ledgerauth_error_advice() what to
 * do; no error shows the key. The caller frees what comes back.
 * Since 0.1.0.
 */
int32_t ledgerauth_key_parse(const ledgerauth_provider *provider,
                             ledgerauth_str text,
                             ledgerauth_key **key_out,
                             ledgerauth_error **error_out);

/*
 * The same for a client id and its secret.
 * Since 0.1.0.
 */
int32_t ledgerauth_key_parse_client(const ledgerauth_provider *provider,
                                    ledgerauth_str id,
                                    ledgerauth_str secret,
                                    ledgerauth_key **key_out,
                                    ledgerauth_error **error_out);

/*
 * The prefix that all keys of this form share, such as "live_sk_"; empty if they have none. It
 * belongs to the key.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_key_prefix(const ledgerauth_key *key);

/*
 * The environment that the key says it is for; empty if it does not. It belongs to the key.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_key_environment(const ledgerauth_key *key);

/*
 * Frees what ledgerauth_key_parse() gave; NULL is fine.
 * Since 0.1.0.
 */
void ledgerauth_key_free(ledgerauth_key *key);

/* ---------------------------------------------------------------------------------------------
 * Key rings and rotation
 *
 * Several keys of one account make a ring: the first that is neither refused nor expired is used.
 * A key that has reached its end gives way to its successor before anybody meets a 401; one that
 * is refused gives way in the same call. The functions that ask a client tell how its keys stand,
 * and what to do by when.
 */

/* The age of a key: the vendor sets no limit. */
#define LEDGERAUTH_AGE_UNLIMITED 0
/* The age of a key: the vendor sets a limit, but when the key was created is not known. */
#define LEDGERAUTH_AGE_UNKNOWN 1
/* The age of a key: it ends, and there is time. */
#define LEDGERAUTH_AGE_ACTIVE 2
/* The age of a key: it ends within two weeks. */
#define LEDGERAUTH_AGE_EXPIRING 3
/* The age of a key: it has ended. */
#define LEDGERAUTH_AGE_EXPIRED 4

/* How the keys of a client stood when it was asked. It never changes. */
typedef struct ledgerauth_key_states ledgerauth_key_states;

/* What to do with a client's keys, the most urgent first. It never changes. */
typedef struct ledgerauth_plan ledgerauth_plan;

/*
 * One key of a ring, with what its owner knows about it. Zero it, set size, text, and what is
 * known.
 */
typedef struct ledgerauth_ring_key {
    /* sizeof(ledgerauth_ring_key). */
    size_t size;
    /* The key itself. */
    ledgerauth_str text;
    /* The name it was given in the vendor's dashboard. */
    ledgerauth_str name;
    /* The vendor's own id of it. */
    ledgerauth_str id;
    /* The integration that it belongs to. */
    ledgerauth_str integration;
    /*
     * What it may do, in the vendor's words: a call that needs more is refused before it is
     * sent, where the profile knows what calls need.
     */
    const ledgerauth_str *permissions;
    /* How many of them. */
    size_t permission_count;
    /* When it was created, in milliseconds since 1970 UTC; 0 if that is not known. */
    uint64_t created_at;
    /* Not 0 to accept a prefix, length or alphabet that the profile does not know. */
    int32_t relaxed;
} ledgerauth_ring_key;

/* How one key stands. The caller sets size; the texts belong to the list. */
typedef struct ledgerauth_key_state {
    /* sizeof(ledgerauth_key_state). */
    size_t size;
    /* The name that its owner gave it. */
    ledgerauth_str name;
    /* The vendor's own id of it. */
    ledgerauth_str id;
    /* The prefix that all keys of this form share. */
    ledgerauth_str prefix;
    /* One of LEDGERAUTH_AGE_*. */
    int32_t age;
    /* Whether the next call is sent with it. */
    int32_t in_use;
    /* When it ends or ended, in milliseconds since 1970 UTC; 0 if that is not known. */
    uint64_t ends_at;
    /*
     * When a call was last sent with it, in milliseconds since 1970 UTC; 0 if this client never
     * did. The old key of a rotation can be revoked when this no longer moves.
     */
    uint64_t last_needed_at;
    /* Why the API refused it; NULL if it did not. It belongs to the list. */
    const ledgerauth_error *refused;
} ledgerauth_key_state;

/*
 * A ring without a key yet: add some with ledgerauth_credential_add_key(). The caller frees it.
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_new_ring(ledgerauth_credential **credential_out,
                                       ledgerauth_error **error_out);

/*
 * Adds a key to a ring or behind a static key. LEDGERAUTH_MISUSE for any other credential.
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_add_key(ledgerauth_credential *credential,
                                      const ledgerauth_ring_key *key,
                                      ledgerauth_error **error_out);

/*
 * How each key of a client stands, in the ring's order; none if it authenticates with tokens. The
 * caller frees the list.
 * Since 0.1.0.
 */
int32_t ledgerauth_client_keys(const ledgerauth_client *client,
                               ledgerauth_key_states **states_out,
                               ledgerauth_error **error_out);

/*
 * The number of keys.
 * Since 0.1.0.
 */
size_t ledgerauth_key_states_count(const ledgerauth_key_states *states);

/*
 * How the key of that number stands, counted from 0. LEDGERAUTH_MISUSE if there are not so many.
 * Since 0.1.0.
 */
int32_t ledgerauth_key_states_at(const ledgerauth_key_states *states,
                                 size_t index,
                                 ledgerauth_key_state *state_out,
                                 ledgerauth_error **error_out);

/*
 * Frees a list of keys; NULL is fine.
 * Since 0.1.0.
 */
void ledgerauth_key_states_free(ledgerauth_key_states *states);

/*
 * What to do with a client's keys, and by when. The caller frees the plan.
 * Since 0.1.0.
 */
int32_t ledgerauth_client_plan(const ledgerauth_client *client,
                               ledgerauth_plan **plan_out,
                               ledgerauth_error **error_out);

/*
 * The plan as lines for a person. It belongs to the plan.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_plan_lines(const ledgerauth_plan *plan);

/*
 * The number of steps.
 * Since 0.1.0.
 */
size_t ledgerauth_plan_count(const ledgerauth_plan *plan);

/*
 * The step of that number, counted from 0: what to do, and by when in milliseconds since 1970
 * UTC. Either output may be NULL. LEDGERAUTH_MISUSE if there are not so many. The text belongs to
 * the plan.
 * Since 0.1.0.
 */
int32_t ledgerauth_plan_at(const ledgerauth_plan *plan,
                           size_t index,
                           uint64_t *by_out,
                           ledgerauth_str *what_out,
                           ledgerauth_error **error_out);

/*
 * Frees a plan; NULL is fine.
 * Since 0.1.0.
 */
void ledgerauth_plan_free(ledgerauth_plan *plan);

/* ---------------------------------------------------------------------------------------------
 * Service accounts
 *
 * A service account has no person and no secret on the wire: a private key signs who asks, on
 * whose behalf and for whom, and that is exchanged for access tokens (RFC 7523). Each request gets
 * a new assertion, good for a minute.
 *
 *     ledgerauth_assertion account = {.size = sizeof account};
 *     account.issuer = LEDGERAUTH_STR("books@acme.example");
 *     account.algorithm = LEDGERAUTH_STR("ES256");
 *     account.key_pem = pem;
 *     status = ledgerauth_credential_from_service_account(&account, &credential, &error);
 */

/*
 * What a service account asserts. Zero it, set size, issuer, algorithm and key_pem, and what is
 * needed. It is read during the call and not kept.
 */
typedef struct ledgerauth_assertion {
    /* sizeof(ledgerauth_assertion). */
    size_t size;
    /* Who asserts (iss): the service account's name, or a client id. */
    ledgerauth_str issuer;
    /* On whose behalf (sub), if not the issuer's own: the account that the token is for. */
    ledgerauth_str subject;
    /* For whom (aud), instead of what the profile says. */
    ledgerauth_str audience;
    /* How the key signs: "RS256", "PS256", "ES256" or "EdDSA". */
    ledgerauth_str algorithm;
    /* The private key (PEM). */
    ledgerauth_str key_pem;
    /* The name under which the server knows the key (kid). */
    ledgerauth_str key_id;
    /*
     * Not 0 to name the scopes inside, in the claim "scope", and not beside it: some servers read
     * them only there.
     */
    int32_t scope_claim;
} ledgerauth_assertion;

/*
 * A service account's signed assertion, exchanged for access tokens (RFC 7523 section 2.1).
 * LEDGERAUTH_SETTING for a key that cannot be used, LEDGERAUTH_UNSUPPORTED in a library without
 * HTTP. The caller frees it.
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_from_service_account(const ledgerauth_assertion *assertion,
                                                   ledgerauth_credential **credential_out,
                                                   ledgerauth_error **error_out);

/*
 * Exchanges a signed assertion, where the server wants a client named beside it: the credential is
 * that client's. LEDGERAUTH_MISUSE for keys and callbacks.
 * Since 0.1.0.
 */
int32_t ledgerauth_credential_set_assertion(ledgerauth_credential *credential,
                                            const ledgerauth_assertion *assertion,
                                            ledgerauth_error **error_out);

/* ---------------------------------------------------------------------------------------------
 * Audit and log
 *
 * An audit callback receives what happened with a credential: who used it where, what came of it,
 * what was decided. A log callback receives the same as lines. Nothing in them is secret. An audit
 * callback is called in order on a thread of the client's, so that a slow one holds no call up:
 * 16384 events wait for it at most, and how many found no room is an event, "events_dropped".
 * Freeing the client waits five seconds for what is left. With the option audit_blocks, or
 * no_threads, it is called as a log callback is: in the thread in which it happens, from any thread
 * and from several at once; keep that short. Both must not throw, must not leave by longjmp, must
 * not free their client, and must not call through it: that is LEDGERAUTH_MISUSE.
 */

/* How much attention a line deserves: a call went out or was answered. */
#define LEDGERAUTH_LOG_DEBUG 1
/* How much attention a line deserves: something happened to a token or a key. */
#define LEDGERAUTH_LOG_INFO 2
/* How much attention a line deserves: something went wrong. */
#define LEDGERAUTH_LOG_WARN 3

/*
 * One thing that happened with a credential. It lives for as long as the callback runs; texts
 * that say nothing are empty.
 */
typedef struct ledgerauth_audit_event {
    /*
     * sizeof(ledgerauth_audit_event) of the library; fields that a program's header has and the
     * library does not are beyond it.
     */
    size_t size;
    /* When, in milliseconds since 1970 UTC. */
    uint64_t at;
    /* One of LEDGERAUTH_LOG_*. */
    int32_t level;
    /* The status of the answer, if it is about one; else 0. */
    int32_t http_status;
    /*
     * What happened: "sent", "answered", "refused", "repeating", "replaced", "token_granted" and
     * others.
     */
    ledgerauth_str what;
    /* The integration, as its owner named it. */
    ledgerauth_str integration;
    /* The provider's short name. */
    ledgerauth_str provider;
    /* The environment. */
    ledgerauth_str environment;
    /* The method of the request. */
    ledgerauth_str method;
    /* The path of the request, without its query. */
    ledgerauth_str path;
    /* The id under which we know the request. */
    ledgerauth_str request_id;
    /* The id under which the server knows it. */
    ledgerauth_str server_request_id;
    /* Which credential it was: 16 hexadecimal digits of a keyed hash. */
    ledgerauth_str fingerprint;
    /* What was decided and why, in one clause. */
    ledgerauth_str decision;
} ledgerauth_audit_event;

/* Receives an audit event. */
typedef void (*ledgerauth_audit_fn)(void *userdata, const ledgerauth_audit_event *event);

/*
 * Receives a line without a line break, and how much attention it deserves: one of
 * LEDGERAUTH_LOG_*.
 */
typedef void (*ledgerauth_log_fn)(void *userdata, int32_t level, ledgerauth_str line);

/* ---------------------------------------------------------------------------------------------
 * Redaction
 *
 * A redactor takes secrets out of any text, and leaves what only looks like them alone: keys of
 * the shipped providers, Authorization headers and their relatives, token and password fields in
 * JSON, forms and URLs, and whatever a program names. What was taken out reads "[redacted]".
 *
 * Make one, name what is to be taken out besides, then share it: from then on any number of
 * threads may redact with it.
 */

/* Redacts text that comes in pieces, such as a log. For one thread at a time. */
typedef struct ledgerauth_redact_stream ledgerauth_redact_stream;

/* A redactor. */
typedef struct ledgerauth_redactor ledgerauth_redactor;

/*
 * Makes a redactor. The first of a process takes some tenths of a millisecond, because the search is
 * prepared then. The caller frees it.
 * Since 0.1.0.
 */
int32_t ledgerauth_redactor_new(ledgerauth_redactor **redactor_out,
                                ledgerauth_error **error_out);

/*
 * Takes out this text as well, wherever it stands. A text shorter than four bytes is not looked
 * for, because it would be found everywhere.
 * Since 0.1.0.
 */
int32_t ledgerauth_redactor_add_secret(ledgerauth_redactor *redactor,
                                       ledgerauth_str secret,
                                       ledgerauth_error **error_out);

/*
 * Takes out what this header holds as well, whatever the case of its name.
 * Since 0.1.0.
 */
int32_t ledgerauth_redactor_add_header(ledgerauth_redactor *redactor,
                                       ledgerauth_str name,
                                       ledgerauth_error **error_out);

/*
 * Takes out keys of this provider's formats as well; those of shipped ones are known.
 * Since 0.1.0.
 */
int32_t ledgerauth_redactor_add_provider(ledgerauth_redactor *redactor,
                                         const ledgerauth_provider *provider,
                                         ledgerauth_error **error_out);

/*
 * Redacts a text. The caller frees what comes back.
 * Since 0.1.0.
 */
int32_t ledgerauth_redactor_redact(const ledgerauth_redactor *redactor,
                                   ledgerauth_str text,
                                   ledgerauth_text **text_out,
                                   ledgerauth_error **error_out);

/*
 * Frees a redactor and wipes what it knows; NULL is fine. Streams made from it go on.
 * Since 0.1.0.
 */
void ledgerauth_redactor_free(ledgerauth_redactor *redactor);

/*
 * Starts a stream with what the redactor knows now. The caller frees it.
 * Since 0.1.0.
 */
int32_t ledgerauth_redact_stream_new(const ledgerauth_redactor *redactor,
                                     ledgerauth_redact_stream **stream_out,
                                     ledgerauth_error **error_out);

/*
 * Takes the next piece, any bytes, and gives what can be written already: whole lines. The caller
 * frees what comes back. LEDGERAUTH_BUSY while another thread is at it.
 * Since 0.1.0.
 */
int32_t ledgerauth_redact_stream_push(ledgerauth_redact_stream *stream,
                                      ledgerauth_str piece,
                                      ledgerauth_text **text_out,
                                      ledgerauth_error **error_out);

/*
 * Ends the text and gives the rest of it; the stream can then be used for another. The caller
 * frees what comes back.
 * Since 0.1.0.
 */
int32_t ledgerauth_redact_stream_finish(ledgerauth_redact_stream *stream,
                                        ledgerauth_text **text_out,
                                        ledgerauth_error **error_out);

/*
 * Frees a stream and wipes the text that waits in it; NULL is fine.
 * Since 0.1.0.
 */
void ledgerauth_redact_stream_free(ledgerauth_redact_stream *stream);

/* ---------------------------------------------------------------------------------------------
 * Token stores
 *
 * A client keeps its tokens in memory. Where a refresh token is spent by its use, or where many
 * processes share one account, they belong into a store: a database, a file, whatever a program
 * has. A store keeps one record for each id and hands out the lease on it:
 *
 * - claim: if nobody holds the lease by the store's own clock, it is the owner's for that span,
 *   and the store hands over its record, if it has one.
 * - save: if the lease is still the owner's, and the record in the store is of the generation that
 *   is to be replaced (0 if there is none), it is overwritten. Durable on return.
 * - release: gives the lease back, if it is still the owner's.
 * - load: hands over the record without the lease.
 *
 * A record is bytes that hold secrets: keep them where only this program can read them. Their
 * form is documented with the project and the same in every language. Callbacks are called from
 * any thread and from several at once; they must not throw, must not leave by longjmp, and must
 * not use their client.
 */

/* A store's answer: it did what was asked. */
#define LEDGERAUTH_STORE_DONE 0
/* A store's answer: somebody else holds the lease, or was faster; nothing was done. */
#define LEDGERAUTH_STORE_TAKEN 1
/* A store's answer: it does not work; ledgerauth_stored_reason() may say why. */
#define LEDGERAUTH_STORE_DOWN 2
/*
 * A store's answer to claim: it did what was asked, and the process that saved the record last has
 * died for certain, so that nobody waits for the answer to its token request any more. Where a
 * store cannot prove that, it answers LEDGERAUTH_STORE_DONE: it costs a wait of 45 seconds.
 */
#define LEDGERAUTH_STORE_HOLDER_DIED 3

/* What a store hands over while one of its callbacks runs. */
typedef struct ledgerauth_stored ledgerauth_stored;

/* What is to be saved. It lives for as long as the callback runs. */
typedef struct ledgerauth_save {
    /* sizeof(ledgerauth_save) of the library. */
    size_t size;
    /* The record. */
    ledgerauth_str record;
    /* Its generation. */
    uint64_t generation;
    /* The generation that the store must hold for this to be right; 0 if it holds none. */
    uint64_t replaces;
    /* Who holds the lease; 0 if the store was down when it was asked for one. */
    uint64_t owner;
} ledgerauth_save;

/* A store of the program's own. All but pause and paused have to be there. */
typedef struct ledgerauth_store {
    /* sizeof(ledgerauth_store). */
    size_t size;
    /* Handed to every callback. */
    void *userdata;
    /*
     * Takes the lease on an id for span_ms milliseconds: LEDGERAUTH_STORE_DONE, and the record by
     * ledgerauth_stored_record() if there is one; LEDGERAUTH_STORE_TAKEN; LEDGERAUTH_STORE_DOWN.
     * LEDGERAUTH_STORE_HOLDER_DIED is LEDGERAUTH_STORE_DONE with a proof.
     */
    int32_t (*claim)(void *userdata,
                     ledgerauth_str id,
                     uint64_t owner,
                     uint64_t span_ms,
                     ledgerauth_stored *stored);
    /* Keeps a record: LEDGERAUTH_STORE_DONE, _TAKEN or _DOWN. */
    int32_t (*save)(void *userdata,
                    ledgerauth_str id,
                    const ledgerauth_save *save,
                    ledgerauth_stored *stored);
    /* Gives the lease back, if it is still the owner's. */
    void (*release)(void *userdata, ledgerauth_str id, uint64_t owner);
    /* Hands over the record without the lease: LEDGERAUTH_STORE_DONE or _DOWN. */
    int32_t (*load)(void *userdata, ledgerauth_str id, ledgerauth_stored *stored);
    /*
     * Keeps a limit that was met, for all that share the store, until a moment in milliseconds
     * since 1970 UTC.
     */
    void (*pause)(void *userdata, ledgerauth_str id, uint64_t until, ledgerauth_str why);
    /* Hands over the limit that is in force, by ledgerauth_stored_pause(), if there is one. */
    void (*paused)(void *userdata, ledgerauth_str id, ledgerauth_stored *stored);
} ledgerauth_store;

/*
 * Hands over a record from within claim or load.
 * Since 0.1.0.
 */
int32_t ledgerauth_stored_record(ledgerauth_stored *stored,
                                 ledgerauth_str record,
                                 ledgerauth_error **error_out);

/*
 * Says why the store does not work, from within claim, save or load.
 * Since 0.1.0.
 */
int32_t ledgerauth_stored_reason(ledgerauth_stored *stored,
                                 ledgerauth_str reason,
                                 ledgerauth_error **error_out);

/*
 * Hands over a limit that is in force, from within paused: until when in milliseconds since 1970
 * UTC, and why.
 * Since 0.1.0.
 */
int32_t ledgerauth_stored_pause(ledgerauth_stored *stored,
                                uint64_t until,
                                ledgerauth_str why,
                                ledgerauth_error **error_out);

/* ---------------------------------------------------------------------------------------------
 * Answers of a program's own HTTP
 *
 * An answer is what a program's own HTTP library received: status, header fields, body. Fill it
 * from the library's callbacks; libcurl's fit as they are:
 *
 *     CURLOPT_HEADERFUNCTION    ledgerauth_answer_add_header_line()
 *     CURLOPT_WRITEFUNCTION     ledgerauth_answer_add_body()
 *
 * What it holds is wiped when it is freed, because answers of token endpoints hold tokens.
 */

/* An answer in the making. For one thread at a time. */
typedef struct ledgerauth_answer ledgerauth_answer;

/*
 * An empty answer. The caller frees it.
 * Since 0.1.0.
 */
int32_t ledgerauth_answer_new(ledgerauth_answer **answer_out, ledgerauth_error **error_out);

/*
 * Sets the HTTP status, such as 200.
 * Since 0.1.0.
 */
int32_t ledgerauth_answer_set_status(ledgerauth_answer *answer,
                                     int32_t http_status,
                                     ledgerauth_error **error_out);

/*
 * Adds a header field.
 * Since 0.1.0.
 */
int32_t ledgerauth_answer_add_header(ledgerauth_answer *answer,
                                     ledgerauth_str name,
                                     ledgerauth_str value,
                                     ledgerauth_error **error_out);

/*
 * Takes one line of the answer's head as it was received: a status line, which begins the head
 * anew, a header field, or the empty line at its end. A line that is none of these is left out.
 * Since 0.1.0.
 */
int32_t ledgerauth_answer_add_header_line(ledgerauth_answer *answer,
                                          ledgerauth_str line,
                                          ledgerauth_error **error_out);

/*
 * Adds a piece of the body.
 * Since 0.1.0.
 */
int32_t ledgerauth_answer_add_body(ledgerauth_answer *answer,
                                   ledgerauth_str piece,
                                   ledgerauth_error **error_out);

/*
 * Says that there is no answer: not_sent is LEDGERAUTH_UNTRUSTED if the server's certificate is
 * not trusted, so that it is not sent again; any other number but 0 if the request certainly never
 * left (no address, no connection, no TLS), so that it may be sent again whatever it is; what
 * happened in one clause, without anything secret.
 * Since 0.1.0.
 */
int32_t ledgerauth_answer_fail(ledgerauth_answer *answer,
                               int32_t not_sent,
                               ledgerauth_str what,
                               ledgerauth_error **error_out);

/*
 * Empties an answer, so that it can be used for another.
 * Since 0.1.0.
 */
int32_t ledgerauth_answer_clear(ledgerauth_answer *answer, ledgerauth_error **error_out);

/*
 * The HTTP status; 0 if there is none yet.
 * Since 0.1.0.
 */
int32_t ledgerauth_answer_status(const ledgerauth_answer *answer);

/*
 * The body so far. It belongs to the answer, until the next piece is added.
 * Since 0.1.0.
 */
ledgerauth_str ledgerauth_answer_body(const ledgerauth_answer *answer);

/*
 * Frees an answer; NULL is fine.
 * Since 0.1.0.
 */
void ledgerauth_answer_free(ledgerauth_answer *answer);

/* ---------------------------------------------------------------------------------------------
 * Your own HTTP below a client
 *
 * A transport is a table of functions through which a client reaches the world. With one, the
 * library needs no HTTP of its own and can be built without; what a client decides is the same
 * to the last retry. The example examples/own_http.c does it with libcurl.
 */

/*
 * A request to be sent exactly as it is, with nothing of the transport's own that could carry a
 * credential. It lives for as long as send runs.
 */
typedef struct ledgerauth_outgoing {
    /* sizeof(ledgerauth_outgoing) of the library. */
    size_t size;
    /* The method, such as GET. */
    ledgerauth_str method;
    /* The absolute URL. */
    ledgerauth_str url;
    /* The header fields, names in small letters. */
    const ledgerauth_header *headers;
    /* How many of them. */
    size_t header_count;
    /* The body; none if its data is NULL. */
    ledgerauth_str body;
    /* If not NULL, gives the body piece by piece: call it with read_userdata. */
    ledgerauth_read_fn read_body;
    /* Handed to read_body. */
    void *read_userdata;
    /* How long it may take until the answer begins, in milliseconds. */
    uint64_t begin_ms;
    /*
     * How long it may take until the answer's last byte is here, in milliseconds; 0 if it may
     * flow for as long as it does.
     */
    uint64_t end_ms;
} ledgerauth_outgoing;

/*
 * A program's own way into the world. Zero it, set size, and what the program has; where a
 * function is NULL the library uses its own.
 *
 * The functions are called from any thread and from several at once; with the option no_threads
 * only from the threads that use the client. They must not throw, must not leave by longjmp, and
 * must not free their client.
 */
typedef struct ledgerauth_transport {
    /* sizeof(ledgerauth_transport). */
    size_t size;
    /* Handed to every function. */
    void *userdata;
    /*
     * Sends a request once, follows no redirect, and fills the answer, whatever its status:
     * LEDGERAUTH_OK. If there is none it says so by ledgerauth_answer_fail() and returns any
     * other number; without that the library takes it that the request may have arrived.
     */
    int32_t (*send)(void *userdata,
                    const ledgerauth_outgoing *request,
                    ledgerauth_answer *answer);
    /*
     * The time in milliseconds since 1970 UTC, by a clock that neither steps with the wall clock
     * nor stops while the machine sleeps.
     */
    uint64_t (*now)(void *userdata);
    /*
     * Sleeps that long, 50 milliseconds at most. LEDGERAUTH_OK to go on waiting; any other number
     * ends the wait, and the call with LEDGERAUTH_DEADLINE_EXCEEDED: for programs that shut down.
     */
    int32_t (*sleep)(void *userdata, uint64_t span_ms);
    /* A random number, from which a call's request id and the jitter of its pauses follow. */
    uint64_t (*random)(void *userdata);
} ledgerauth_transport;

/* ---------------------------------------------------------------------------------------------
 * Steps
 *
 * A step is what an exchange wants done next.
 */

/* Send this to the token endpoint exactly as it is: handle_response or handle_failure. */
#define LEDGERAUTH_STEP_FETCH 1
/* Send the request with these header fields: handle_response or handle_failure. */
#define LEDGERAUTH_STEP_SEND 2
/* Poll again later. */
#define LEDGERAUTH_STEP_WAIT 3
/* The end. */
#define LEDGERAUTH_STEP_DONE 4
/* Take the store's lease: handle_claimed. With own_store only, as all that follow. */
#define LEDGERAUTH_STEP_CLAIM 5
/* Make the record durable: handle_saved. */
#define LEDGERAUTH_STEP_SAVE 6
/* Give the store's lease back, then poll. */
#define LEDGERAUTH_STEP_RELEASE 7
/* Ask the store for a limit that is in force: handle_looked. */
#define LEDGERAUTH_STEP_LOOK 8
/* Tell the store of a limit, then poll. */
#define LEDGERAUTH_STEP_PAUSE 9
/* Ask the credential's source again: handle_loaded. */
#define LEDGERAUTH_STEP_LOAD 10
/*
 * Open a new connection to the URL's host for the FETCH that may follow, and keep it until then:
 * handle_connected. With or without own_store. A program that cannot says so.
 */
#define LEDGERAUTH_STEP_CONNECT 11
/* How a CONNECT ended: the connection stands, and the next FETCH uses it. */
#define LEDGERAUTH_CONNECTED 1
/* How a CONNECT ended: the connection was not made. */
#define LEDGERAUTH_CONNECT_FAILED 2
/*
 * How a CONNECT ended: this program cannot open a connection ahead of a request. The exchange goes
 * on without.
 */
#define LEDGERAUTH_CONNECT_NOT_SUPPORTED 3
/*
 * How an exchange ended: the answer that was reported last is the caller's; if it is not a
 * success, step.error says what is wrong.
 */
#define LEDGERAUTH_OUTCOME_ANSWERED 1
/* How an exchange ended: there is no answer; step.error says why. */
#define LEDGERAUTH_OUTCOME_FAILED 2
/* How an exchange ended: a renewal is over, and there is a new token. */
#define LEDGERAUTH_OUTCOME_RENEWED 3

/* What an exchange wants done next. What does not belong to its kind is zero. */
typedef struct ledgerauth_step {
    /* sizeof(ledgerauth_step). */
    size_t size;
    /* One of LEDGERAUTH_STEP_*. */
    int32_t kind;
    /* DONE: one of LEDGERAUTH_OUTCOME_*. */
    int32_t outcome;
    /* FETCH, SEND: the method. */
    ledgerauth_str method;
    /* FETCH, SEND, CONNECT: the absolute URL. */
    ledgerauth_str url;
    /* FETCH: all header fields. SEND: those to put on the request instead of any of that name. */
    const ledgerauth_header *headers;
    /* How many of them. */
    size_t header_count;
    /* FETCH: the body; none if its data is NULL. */
    ledgerauth_str body;
    /*
     * FETCH: how long the whole request may take. CONNECT: how long connecting may take. In
     * milliseconds.
     */
    uint64_t timeout_ms;
    /* SEND: not 0 if a redirect led to another host. */
    int32_t foreign;
    /* SEND: how often the request is sent, this time included. */
    uint32_t attempt;
    /* WAIT: for how many milliseconds from now. */
    uint64_t wait_ms;
    /* DONE: what is wrong, or NULL. It belongs to the exchange. */
    const ledgerauth_error *error;
    /* CLAIM, SAVE, RELEASE: who asks for the lease, or holds it; 0 in a SAVE without one. */
    uint64_t owner;
    /* CLAIM: for how long, in milliseconds. */
    uint64_t span_ms;
    /* SAVE: the record. */
    ledgerauth_str record;
    /* SAVE: its generation. */
    uint64_t generation;
    /* SAVE: the generation that the store must hold; 0 if it holds none. */
    uint64_t replaces;
    /* PAUSE: until when, in milliseconds since 1970 UTC. */
    uint64_t until;
    /* PAUSE: why. */
    ledgerauth_str why;
} ledgerauth_step;

/* ---------------------------------------------------------------------------------------------
 * Exchanges, for event loops
 *
 * An exchange is one call of a client, driven by a program with its own event loop: a hundred of
 * them on one thread. Nothing in it waits or sends. The loop is always the same:
 *
 *     ledgerauth_step step = {.size = sizeof step};
 *     ledgerauth_exchange_poll(exchange, &step, NULL);
 *     switch (step.kind) {
 *     FETCH, SEND   send what the step says, then ledgerauth_exchange_handle_response()
 *                   or ledgerauth_exchange_handle_failure(); then poll
 *     CONNECT       ledgerauth_exchange_handle_connected(), with
 *                   LEDGERAUTH_CONNECT_NOT_SUPPORTED if the program cannot; then poll
 *     WAIT          poll after step.wait_ms, or as soon as ledgerauth_client_changes() moves
 *     DONE          the answer that was reported last is the caller's, or step.error says why
 *                   there is none
 *     }
 *     ledgerauth_exchange_free(exchange);      however it is left
 *
 * A FETCH is sent exactly as it is. To a SEND the program adds its own header fields and its own
 * body; if step.foreign is not 0, only those that ledgerauth_header_may_go_anywhere(). Redirects
 * are not followed. To its own store the library talks by itself, inside of poll.
 *
 * An exchange is for one thread at a time; another one gets LEDGERAUTH_BUSY. Free a client's
 * exchanges before the client. The example examples/event_loop.c does it with curl_multi.
 */

/* An exchange. */
typedef struct ledgerauth_exchange ledgerauth_exchange;

/*
 * What the library has to know of a request, which is never the request itself. Zero it, set
 * size, method and path.
 */
typedef struct ledgerauth_call {
    /* sizeof(ledgerauth_call). */
    size_t size;
    /* The method in capitals. */
    ledgerauth_str method;
    /* A path such as "/v1/invoices", or an absolute URL of the same host. */
    ledgerauth_str path;
    /*
     * The body, if there is one: looked at now and not kept. Where the provider has a convention
     * that makes a repeat harmless, and the body keeps it, the call may be repeated.
     */
    ledgerauth_str body;
    /* Not 0 if the body is a stream that can be sent only once. */
    int32_t once;
    /*
     * Not 0 to do CLAIM, SAVE, LOOK, PAUSE, RELEASE and LOAD oneself, for stores with I/O of
     * their own.
     */
    int32_t own_store;
    /*
     * How long the call may take with all its waits and repeats, in milliseconds; the client's
     * deadline if 0.
     */
    uint64_t deadline_ms;
    /* The id under which the call is known to both sides; a random one if not said. */
    ledgerauth_str request_id;
} ledgerauth_call;

/*
 * Starts an exchange for a call. Refused here if the credential may not go there; nothing was
 * sent. The caller frees it.
 * Since 0.1.0.
 */
int32_t ledgerauth_exchange_new(const ledgerauth_client *client,
                                const ledgerauth_call *call,
                                ledgerauth_exchange **exchange_out,
                                ledgerauth_error **error_out);

/*
 * Starts the exchange that gets the client's next token, if one is wanted and nobody is at it;
 * else writes NULL. Driven beside the others, it renews without one of them waiting. A program
 * that never asks for one works too: then the first exchange that has no token gets it. The
 * caller frees it.
 * Since 0.1.0.
 */
int32_t ledgerauth_exchange_renewal(const ledgerauth_client *client,
                                    ledgerauth_exchange **exchange_out,
                                    ledgerauth_error **error_out);

/*
 * Says what to do next. The caller sets step->size; what the step points to belongs to the
 * exchange and lives until its next poll.
 * Since 0.1.0.
 */
int32_t ledgerauth_exchange_poll(ledgerauth_exchange *exchange,
                                 ledgerauth_step *step_out,
                                 ledgerauth_error **error_out);

/*
 * Reports the answer to FETCH or SEND. Of a success that answers a SEND, the body may be left
 * out.
 * Since 0.1.0.
 */
int32_t ledgerauth_exchange_handle_response(ledgerauth_exchange *exchange,
                                            const ledgerauth_answer *answer,
                                            ledgerauth_error **error_out);

/*
 * Reports that FETCH or SEND got no answer, in the words of ledgerauth_answer_fail().
 * Since 0.1.0.
 */
int32_t ledgerauth_exchange_handle_failure(ledgerauth_exchange *exchange,
                                           int32_t not_sent,
                                           ledgerauth_str what,
                                           ledgerauth_error **error_out);

/*
 * Reports how CONNECT ended: one of LEDGERAUTH_CONNECTED, LEDGERAUTH_CONNECT_FAILED and
 * LEDGERAUTH_CONNECT_NOT_SUPPORTED. If it failed: not_sent and what as in
 * ledgerauth_answer_fail(); nothing was sent, whatever not_sent says.
 * Since 0.1.0.
 */
int32_t ledgerauth_exchange_handle_connected(ledgerauth_exchange *exchange,
                                             int32_t result,
                                             int32_t not_sent,
                                             ledgerauth_str what,
                                             ledgerauth_error **error_out);

/*
 * Reports what a store answered to CLAIM: LEDGERAUTH_STORE_DONE or LEDGERAUTH_STORE_HOLDER_DIED
 * with the record, if it has one; LEDGERAUTH_STORE_TAKEN; or LEDGERAUTH_STORE_DOWN with the reason
 * in the record's place.
 * Since 0.1.0.
 */
int32_t ledgerauth_exchange_handle_claimed(ledgerauth_exchange *exchange,
                                           int32_t result,
                                           ledgerauth_str record,
                                           ledgerauth_error **error_out);

/*
 * Reports what a store answered to SAVE: LEDGERAUTH_STORE_DONE, LEDGERAUTH_STORE_TAKEN, or
 * LEDGERAUTH_STORE_DOWN with the reason.
 * Since 0.1.0.
 */
int32_t ledgerauth_exchange_handle_saved(ledgerauth_exchange *exchange,
                                         int32_t result,
                                         ledgerauth_str reason,
                                         ledgerauth_error **error_out);

/*
 * Reports what a store answered to LOOK: until when a limit is in force in milliseconds since
 * 1970 UTC, and why; 0 if it knows of none.
 * Since 0.1.0.
 */
int32_t ledgerauth_exchange_handle_looked(ledgerauth_exchange *exchange,
                                          uint64_t until,
                                          ledgerauth_str why,
                                          ledgerauth_error **error_out);

/*
 * Reports what the credential's source gave on LOAD; NULL if it gave nothing. The caller keeps
 * the credential.
 * Since 0.1.0.
 */
int32_t ledgerauth_exchange_handle_loaded(ledgerauth_exchange *exchange,
                                          const ledgerauth_client *client,
                                          const ledgerauth_credential *credential,
                                          ledgerauth_error **error_out);

/*
 * Frees an exchange, finished or not; NULL is fine. Whoever waits for it is let go on.
 * Since 0.1.0.
 */
void ledgerauth_exchange_free(ledgerauth_exchange *exchange);

/*
 * A number that moves whenever an exchange that waits should be polled again.
 * Since 0.1.0.
 */
uint64_t ledgerauth_client_changes(const ledgerauth_client *client);

/*
 * Whether a header field of the program's own may go along to another host, where a redirect led.
 * Since 0.1.0.
 */
bool ledgerauth_header_may_go_anywhere(const ledgerauth_header *field);

#ifdef __cplusplus
}
#endif

#endif
