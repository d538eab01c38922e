/* Secrets out of any text. Part of ledgerauth.hpp. */
#ifndef LEDGERAUTH_REDACT_HPP
#define LEDGERAUTH_REDACT_HPP

#include <ledgerauth/provider.hpp>

#include <string>
#include <string_view>

namespace ledgerauth {

/* Takes secrets out of any text. */
class Redactor {
public:
    Redactor() {
        ledgerauth_redactor *redactor = nullptr;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_redactor_new(&redactor, error); });
        redactor_.reset(redactor);
    }

    Redactor &secret(std::string_view text) {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_redactor_add_secret(redactor_.get(), detail::str(text), error); });
        return *this;
    }

    Redactor &header(std::string_view name) {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_redactor_add_header(redactor_.get(), detail::str(name), error); });
        return *this;
    }

    Redactor &provider(const Provider &provider) {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_redactor_add_provider(redactor_.get(), provider.handle(), error); });
        return *this;
    }

    std::string redact(std::string_view text) const {
        ledgerauth_text *out = nullptr;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_redactor_redact(redactor_.get(), detail::str(text), &out, error); });
        return detail::taken(out);
    }

    const ledgerauth_redactor *handle() const { return redactor_.get(); }

private:
    detail::Owned<ledgerauth_redactor, ledgerauth_redactor_free> redactor_;
};

/* The same for text that comes in pieces. */
class RedactStream {
public:
    explicit RedactStream(const Redactor &redactor) {
        ledgerauth_redact_stream *stream = nullptr;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_redact_stream_new(redactor.handle(), &stream, error); });
        stream_.reset(stream);
    }

    /* What can be written already. */
    std::string push(std::string_view piece) {
        ledgerauth_text *out = nullptr;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_redact_stream_push(stream_.get(), detail::str(piece), &out, error); });
        return detail::taken(out);
    }

    /* The rest. */
    std::string finish() {
        ledgerauth_text *out = nullptr;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_redact_stream_finish(stream_.get(), &out, error); });
        return detail::taken(out);
    }

private:
    detail::Owned<ledgerauth_redact_stream, ledgerauth_redact_stream_free> stream_;
};

} // namespace ledgerauth

#endif
