/*
 * Replays the vectors that say what is read from one text: keys, redaction.
 */
#include "replay.h"

/* No twelve characters of the key in a row stand in the error. */
static int shows_nothing(const ledgerauth_error *error, ledgerauth_str key) {
    ledgerauth_str line = ledgerauth_error_line(error);
    for (size_t from = 0; from + 12 <= key.len; from++) {
        for (size_t at = 0; at + 12 <= line.len; at++) {
            if (memcmp(line.data + at, key.data + from, 12) == 0) {
                return 0;
            }
        }
    }
    return 1;
}

static void keys(void) {
    json_t *vector, *file = replay_file("keys", 35);
    size_t index;
    json_array_foreach(json_object_get(file, "vectors"), index, vector) {
        ledgerauth_error *error = NULL;
        ledgerauth_provider *provider = NULL;
        ledgerauth_key *key = NULL;
        ledgerauth_str text = replay_str(vector, "text");
        CHECK_STATUS(ledgerauth_provider_builtin(replay_str(vector, "provider"), &provider, &error), LEDGERAUTH_OK, &error);
        int is_key = strcmp(replay_text(vector, "kind"), "key") == 0;
        int32_t status = is_key ? ledgerauth_key_parse(provider, text, &key, &error)
                                : ledgerauth_key_parse_client(provider, LEDGERAUTH_STR("client-1"), text, &key, &error);
        if (json_object_get(vector, "fault") == NULL) {
            CHECK(status == LEDGERAUTH_OK && error == NULL);
            CHECK_TEXT(ledgerauth_key_environment(key), replay_text(vector, "environment"));
        } else {
            CHECK_ENDS(status, LEDGERAUTH_KEY_FORMAT, &error);
            CHECK(key == NULL);
            CHECK_TEXT(ledgerauth_error_kind(error), "key_format");
            CHECK_TEXT(ledgerauth_error_key_fault(error), replay_text(vector, "fault"));
            CHECK(ledgerauth_error_advice(error).len > 0 && shows_nothing(error, text));
            if (json_object_get(vector, "position") != NULL) {
                CHECK(ledgerauth_error_position(error) == (size_t)replay_number(vector, "position", 0));
            }
        }
        ledgerauth_key_free(key);
        ledgerauth_error_free(error);
        ledgerauth_provider_free(provider);
    }
    json_decref(file);
}

/* The text in pieces of that length. */
static void streamed(const ledgerauth_redactor *redactor, ledgerauth_str text, size_t length, const char *wanted) {
    ledgerauth_error *error = NULL;
    ledgerauth_redact_stream *stream = NULL;
    char *out = calloc(1, 1);
    size_t size = 0;
    CHECK_STATUS(ledgerauth_redact_stream_new(redactor, &stream, &error), LEDGERAUTH_OK, &error);
    for (size_t at = 0; at <= text.len; at += length) {
        ledgerauth_str piece = {text.data + at, text.len - at < length ? text.len - at : length};
        ledgerauth_text *ready = NULL;
        int last = at + length > text.len;
        CHECK_STATUS(ledgerauth_redact_stream_push(stream, piece, &ready, &error), LEDGERAUTH_OK, &error);
        for (int end = 0; end <= last; end++) {
            ledgerauth_str part = ledgerauth_text_str(ready);
            out = realloc(out, size + part.len + 1);
            memcpy(out + size, part.data, part.len);
            out[size += part.len] = '\0';
            ledgerauth_text_free(ready);
            ready = NULL;
            if (end < last) {
                CHECK_STATUS(ledgerauth_redact_stream_finish(stream, &ready, &error), LEDGERAUTH_OK, &error);
            }
        }
    }
    CHECK(size == strlen(wanted) && memcmp(out, wanted, size) == 0);
    ledgerauth_redact_stream_free(stream);
    free(out);
}

static void redaction(void) {
    json_t *vector, *name, *file = replay_file("redaction", 120);
    size_t index, at;
    json_array_foreach(json_object_get(file, "vectors"), index, vector) {
        ledgerauth_error *error = NULL;
        ledgerauth_redactor *redactor = NULL;
        ledgerauth_text *text = NULL;
        CHECK_STATUS(ledgerauth_redactor_new(&redactor, &error), LEDGERAUTH_OK, &error);
        json_array_foreach(json_object_get(vector, "headers"), at, name) {
            CHECK_STATUS(ledgerauth_redactor_add_header(redactor, ledgerauth_str_of(json_string_value(name)), &error), LEDGERAUTH_OK, &error);
        }
        json_array_foreach(json_object_get(vector, "secrets"), at, name) {
            CHECK_STATUS(ledgerauth_redactor_add_secret(redactor, ledgerauth_str_of(json_string_value(name)), &error), LEDGERAUTH_OK, &error);
        }
        CHECK_STATUS(ledgerauth_redactor_redact(redactor, replay_str(vector, "in"), &text, &error), LEDGERAUTH_OK, &error);
        ledgerauth_str out = replay_str(vector, "out"), got = ledgerauth_text_str(text);
        CHECK(got.len == out.len && memcmp(got.data, out.data, out.len) == 0);
        if (strlen(replay_text(vector, "out")) == out.len) {
            streamed(redactor, replay_str(vector, "in"), index % 9 + 1, out.data);
        }
        ledgerauth_text_free(text);
        ledgerauth_redactor_free(redactor);
    }
    json_decref(file);
}

/* A provider's own form of keys is known once the provider is. */
static void of_provider(void) {
    static const char PROFILE[] = "name = \"own\"\ntitle = \"Own\"\n[[environment]]\nname = \"production\"\nbase_url = \"https://api.own.example\"\n"
                                  "[key]\n[[key.format]]\nprefix = \"acme_prod_\"\nalphabet = \"hex\"\nlength = 18\n";
    ledgerauth_str said = LEDGERAUTH_STR("the acme_prod_0123456789abcdef01 was sent");
    ledgerauth_error *error = NULL;
    ledgerauth_provider *provider = NULL;
    ledgerauth_redactor *redactor = NULL;
    CHECK_STATUS(ledgerauth_provider_from_toml(ledgerauth_str_of(PROFILE), &provider, &error), LEDGERAUTH_OK, &error);
    CHECK_STATUS(ledgerauth_redactor_new(&redactor, &error), LEDGERAUTH_OK, &error);
    ledgerauth_text *text = NULL;
    CHECK_STATUS(ledgerauth_redactor_redact(redactor, said, &text, &error), LEDGERAUTH_OK, &error);
    CHECK_HAS(ledgerauth_text_str(text), "0123456789");
    ledgerauth_text_free(text);
    CHECK_STATUS(ledgerauth_redactor_add_provider(redactor, NULL, &error), LEDGERAUTH_NULL, &error);
    CHECK_STATUS(ledgerauth_redactor_add_provider(redactor, provider, &error), LEDGERAUTH_OK, &error);
    text = NULL;
    CHECK_STATUS(ledgerauth_redactor_redact(redactor, said, &text, &error), LEDGERAUTH_OK, &error);
    CHECK_HAS(ledgerauth_text_str(text), "was sent");
    CHECK(memmem(ledgerauth_text_str(text).data, ledgerauth_text_str(text).len, "0123456789", 10) == NULL);
    ledgerauth_text_free(text);
    ledgerauth_redactor_free(redactor);
    ledgerauth_provider_free(provider);
}

int main(void) {
    keys();
    redaction();
    of_provider();
    return check_end("vectors");
}
