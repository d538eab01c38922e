/*
 * A fixed list of calls, whose bytes on the wire are compared with those of the same list made from Rust.
 */
#include "sandbox.h"

static const char BODY[] = "{\"customerName\":\"Wire\",\"dueDate\":\"2026-12-31\",\"items\":[{\"description\":\"x\",\"quantity\":1,\"unitPrice\":5}]}";

static int32_t give_all(void *userdata, uint8_t *buffer, size_t capacity, size_t *size_out) {
    int *given = userdata;
    *size_out = *given || capacity < sizeof BODY - 1 ? 0 : sizeof BODY - 1;
    memcpy(buffer, BODY, *size_out);
    *given = 1;
    return LEDGERAUTH_OK;
}

static void send_one(const ledgerauth_client *client, ledgerauth_request request, const char *id) {
    ledgerauth_error *error = NULL;
    ledgerauth_response *response = NULL;
    request.size = sizeof request;
    request.request_id = ledgerauth_str_of(id);
    int32_t status = ledgerauth_client_send(client, &request, &response, &error);
    CHECK(status == LEDGERAUTH_OK || ledgerauth_error_http_status(error) > 0);
    ledgerauth_response_free(response);
    ledgerauth_error_free(error);
}

int main(void) {
    sandbox_find();
    ledgerauth_client *finora = sandbox_finora(), *numeric = sandbox_numeric();
    ledgerauth_header query[] = {{LEDGERAUTH_STR("q"), LEDGERAUTH_STR("a b&c\xc3\xa9")}};
    ledgerauth_header fields[] = {{LEDGERAUTH_STR("X-Mine"), LEDGERAUTH_STR("yes")}, {LEDGERAUTH_STR("Accept"), LEDGERAUTH_STR("text/csv")}};
    ledgerauth_header json = {LEDGERAUTH_STR("content-type"), LEDGERAUTH_STR("application/json")};
    ledgerauth_str invoices = LEDGERAUTH_STR("/v1/invoices");
    int given = 0;

    send_one(finora, (ledgerauth_request){.method = LEDGERAUTH_STR("GET"), .path = invoices}, "wire-1");
    send_one(finora,
             (ledgerauth_request){
                 .method = LEDGERAUTH_STR("GET"), .path = invoices, .query = query, .query_count = 1, .headers = fields, .header_count = 2},
             "wire-2");
    ledgerauth_request post = {.method = LEDGERAUTH_STR("POST"), .path = invoices, .headers = &json, .header_count = 1};
    post.body = ledgerauth_str_of(BODY);
    send_one(finora, post, "wire-3");
    ledgerauth_request put = {.method = LEDGERAUTH_STR("PUT"), .path = LEDGERAUTH_STR("/v1/nothing-here")};
    put.body = (ledgerauth_str){"a\0b\xff", 4};
    send_one(finora, put, "wire-4");
    post.body = ledgerauth_str_of(NULL);
    post.read_body = give_all;
    post.read_userdata = &given;
    send_one(finora, post, "wire-5");
    send_one(finora, (ledgerauth_request){.method = LEDGERAUTH_STR("HEAD"), .path = invoices}, "wire-6");
    send_one(finora, (ledgerauth_request){.method = LEDGERAUTH_STR("DELETE"), .path = LEDGERAUTH_STR("/v1/nothing-here")}, "wire-7");
    send_one(numeric, (ledgerauth_request){.method = LEDGERAUTH_STR("GET"), .path = LEDGERAUTH_STR("/v1/health")}, "wire-8");

    ledgerauth_credential *ring = NULL;
    ledgerauth_client *with_ring = NULL;
    ledgerauth_client_options options = sandbox_options("finora", "finora");
    const char *keys[] = {"test_sk_0123456789abcdef0123456789abcdef0123456789abcdef", sandbox_key("finora_test")};
    CHECK(ledgerauth_credential_new_ring(&ring, NULL) == LEDGERAUTH_OK);
    for (int at = 0; at < 2; at++) {
        ledgerauth_ring_key key = {.size = sizeof key, .text = ledgerauth_str_of(keys[at])};
        CHECK(ledgerauth_credential_add_key(ring, &key, NULL) == LEDGERAUTH_OK);
    }
    options.environment = LEDGERAUTH_STR("staging");
    options.credential = ring;
    CHECK(ledgerauth_client_new(&options, &with_ring, NULL) == LEDGERAUTH_OK);
    send_one(with_ring, (ledgerauth_request){.method = LEDGERAUTH_STR("GET"), .path = invoices}, "wire-9");

    char fault[512];
    snprintf(fault, sizeof fault, "{\"service\": \"finora\", \"kind\": {\"redirect\": {\"code\": 302, \"location\": \"%s/elsewhere\"}}}",
             sandbox_url("stranger"));
    sandbox_do("/faults", fault);
    /* What the other host says is not the API's answer, unless it was named. */
    ledgerauth_str stranger = ledgerauth_str_of(sandbox_url("stranger"));
    ledgerauth_request elsewhere = {.method = LEDGERAUTH_STR("GET"), .path = invoices, .headers = fields, .header_count = 2};
    elsewhere.allow_redirect_to = &stranger;
    elsewhere.allow_redirect_to_count = 1;
    send_one(finora, elsewhere, "wire-10");

    ledgerauth_client_free(with_ring);
    ledgerauth_credential_free(ring);
    ledgerauth_client_free(numeric);
    ledgerauth_client_free(finora);
    sandbox_leave();
    return check_end("wire");
}
