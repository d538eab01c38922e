/*
 * What a compiler and the library must agree on: macros and functions, names and numbers. Valid C11 and C++17.
 */
#include "check.h"

static void version(void) {
    char text[64];
    CHECK(strcmp(ledgerauth_version(), LEDGERAUTH_VERSION) == 0);
    CHECK(ledgerauth_version_number() == LEDGERAUTH_VERSION_NUMBER);
    snprintf(text, sizeof text, "%d.%d.%d", LEDGERAUTH_VERSION_MAJOR, LEDGERAUTH_VERSION_MINOR, LEDGERAUTH_VERSION_PATCH);
    CHECK(strcmp(text, LEDGERAUTH_VERSION) == 0);
    CHECK(LEDGERAUTH_VERSION_NUMBER == LEDGERAUTH_VERSION_MAJOR * 1000000 + LEDGERAUTH_VERSION_MINOR * 1000 + LEDGERAUTH_VERSION_PATCH);
#ifdef EXPECT_HTTP
    CHECK(ledgerauth_has_http() == (EXPECT_HTTP != 0));
#endif
}

static void texts(void) {
    ledgerauth_str literal = LEDGERAUTH_STR("caf\xc3\xa9");
    ledgerauth_str counted = ledgerauth_str_of("caf\xc3\xa9");
    char printed[64];
    CHECK(literal.len == 5 && counted.len == 5 && memcmp(literal.data, counted.data, 5) == 0);
    CHECK(ledgerauth_str_of(NULL).len == 0 && ledgerauth_str_of(NULL).data == NULL);
    CHECK(ledgerauth_str_of("").len == 0 && LEDGERAUTH_STR("").len == 0);
    snprintf(printed, sizeof printed, "%.*s|", LEDGERAUTH_ARG(literal));
    CHECK(strcmp(printed, "caf\xc3\xa9|") == 0);
    snprintf(printed, sizeof printed, "%.*s|", LEDGERAUTH_ARG(ledgerauth_str_of(NULL)));
    CHECK(strcmp(printed, "|") == 0);
    memset(printed, 'x', sizeof printed);
    ledgerauth_wipe(printed + 1, sizeof printed - 2);
    CHECK(printed[0] == 'x' && printed[1] == 0 && printed[sizeof printed - 2] == 0 && printed[sizeof printed - 1] == 'x');
    ledgerauth_wipe(NULL, 10);
}

/* The statuses of the header: the test that builds this program lists them here. */
static const struct {
    int32_t number;
    const char *name;
} statuses[] = {
#define STATUS(constant) {constant, #constant},
#include "statuses.inc"
#undef STATUS
};

static void names(void) {
    size_t count = sizeof statuses / sizeof *statuses;
    CHECK(count > 30);
    for (size_t at = 0; at < count; at++) {
        CHECK(strcmp(ledgerauth_status_name(statuses[at].number), statuses[at].name) == 0);
        for (size_t other = 0; other < at; other++) {
            CHECK(statuses[other].number != statuses[at].number);
        }
    }
    CHECK(LEDGERAUTH_OK == 0);
    CHECK(strcmp(ledgerauth_status_name(12345), "unknown") == 0);
    CHECK(strcmp(ledgerauth_status_name(-1), "unknown") == 0);
}

/* Structs begin with their size. */
static void structs(void) {
    CHECK(offsetof(ledgerauth_client_options, size) == 0 && offsetof(ledgerauth_request, size) == 0);
    CHECK(offsetof(ledgerauth_call, size) == 0 && offsetof(ledgerauth_step, size) == 0);
    CHECK(offsetof(ledgerauth_transport, size) == 0 && offsetof(ledgerauth_store, size) == 0);
    CHECK(offsetof(ledgerauth_ring_key, size) == 0 && offsetof(ledgerauth_key_state, size) == 0);
    CHECK(offsetof(ledgerauth_outgoing, size) == 0 && offsetof(ledgerauth_audit_event, size) == 0);
    CHECK(offsetof(ledgerauth_save, size) == 0);
    CHECK(sizeof(ledgerauth_str) == sizeof(void *) + sizeof(size_t));
}

/* Freeing nothing, and asking nothing, is fine. */
static void nothing(void) {
    ledgerauth_client_free(NULL);
    ledgerauth_credential_free(NULL);
    ledgerauth_error_free(NULL);
    ledgerauth_response_free(NULL);
    ledgerauth_provider_free(NULL);
    ledgerauth_key_free(NULL);
    ledgerauth_key_states_free(NULL);
    ledgerauth_plan_free(NULL);
    ledgerauth_redactor_free(NULL);
    ledgerauth_redact_stream_free(NULL);
    ledgerauth_answer_free(NULL);
    ledgerauth_exchange_free(NULL);
    ledgerauth_text_free(NULL);
    CHECK(ledgerauth_error_status(NULL) == LEDGERAUTH_OK && ledgerauth_error_http_status(NULL) == 0);
    CHECK(ledgerauth_error_kind(NULL).len == 0 && ledgerauth_error_line(NULL).len == 0 && ledgerauth_error_what(NULL).len == 0);
    CHECK(ledgerauth_error_advice(NULL).len == 0 && ledgerauth_error_provider_code(NULL).len == 0);
    CHECK(ledgerauth_error_provider_message(NULL).len == 0 && ledgerauth_error_request_id(NULL).len == 0);
    CHECK(ledgerauth_error_server_request_id(NULL).len == 0 && ledgerauth_error_come_back_at(NULL) == 0);
    CHECK(ledgerauth_error_limit(NULL).len == 0 && !ledgerauth_error_is_retryable(NULL) && ledgerauth_error_key_fault(NULL).len == 0);
    CHECK(ledgerauth_error_position(NULL) == 0 && ledgerauth_error_response(NULL) == NULL);
    CHECK(ledgerauth_response_status(NULL) == 0 && ledgerauth_response_body(NULL).len == 0);
    CHECK(ledgerauth_response_header_count(NULL) == 0 && ledgerauth_response_header(NULL, LEDGERAUTH_STR("x")).len == 0);
    CHECK(ledgerauth_response_request_id(NULL).len == 0);
    CHECK(ledgerauth_client_state(NULL) == LEDGERAUTH_STATE_EMPTY && ledgerauth_client_changes(NULL) == 0);
    CHECK(ledgerauth_client_environment(NULL).len == 0 && ledgerauth_client_header(NULL).len == 0);
    CHECK(ledgerauth_provider_name(NULL).len == 0 && ledgerauth_provider_title(NULL).len == 0);
    CHECK(ledgerauth_key_prefix(NULL).len == 0 && ledgerauth_key_environment(NULL).len == 0);
    CHECK(ledgerauth_key_states_count(NULL) == 0 && ledgerauth_plan_count(NULL) == 0 && ledgerauth_plan_lines(NULL).len == 0);
    CHECK(ledgerauth_answer_status(NULL) == 0 && ledgerauth_answer_body(NULL).len == 0 && ledgerauth_text_str(NULL).len == 0);
    CHECK(!ledgerauth_header_may_go_anywhere(NULL));
}

int main(void) {
    version();
    texts();
    names();
    structs();
    nothing();
    return check_end("abi");
}
