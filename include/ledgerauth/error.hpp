/* What is thrown. Part of ledgerauth.hpp. */
#ifndef LEDGERAUTH_ERROR_HPP
#define LEDGERAUTH_ERROR_HPP

#include <ledgerauth/response.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ledgerauth {

/* Whether the server acted on a call. */
enum class Processed : std::int32_t {
    unknown = LEDGERAUTH_PROCESSED_UNKNOWN, /* nobody knows: lost, out of time, 408, 5xx; look before you send it again */
    no = LEDGERAUTH_PROCESSED_NO,           /* never sent, or refused: 401, 403, 429, another 4xx but 408 */
    yes = LEDGERAUTH_PROCESSED_YES,         /* a 2xx was seen */
};

/* What went wrong. what() is a line for a person; everything else is for a program. Copies share one object. */
class Error : public std::exception {
public:
    explicit Error(ledgerauth_error *error) : error_(error, ledgerauth_error_free), line_(std::make_shared<std::string>(text(ledgerauth_error_line))) {}

    const char *what() const noexcept override { return line_->c_str(); }

    std::int32_t status() const { return ledgerauth_error_status(error_.get()); }
    std::string_view kind() const { return text(ledgerauth_error_kind); }
    std::string_view happened() const { return text(ledgerauth_error_what); }
    std::string_view advice() const { return text(ledgerauth_error_advice); }
    int http_status() const { return ledgerauth_error_http_status(error_.get()); }
    std::string_view provider_code() const { return text(ledgerauth_error_provider_code); }
    std::string_view provider_message() const { return text(ledgerauth_error_provider_message); }
    std::string_view request_id() const { return text(ledgerauth_error_request_id); }
    std::string_view server_request_id() const { return text(ledgerauth_error_server_request_id); }
    std::string_view limit() const { return text(ledgerauth_error_limit); }
    std::string_view key_fault() const { return text(ledgerauth_error_key_fault); }
    std::size_t position() const { return ledgerauth_error_position(error_.get()); }
    /* Whether the server may have acted on the call. */
    Processed processed() const { return static_cast<Processed>(ledgerauth_error_processed(error_.get())); }

    /* Whether the same call may be sent again later: what is wrong may pass, and sending it again cannot book twice. */
    bool is_retryable() const { return ledgerauth_error_is_retryable(error_.get()); }

    /* The moment before which the same call cannot succeed, if anybody knows it. */
    std::optional<Time> come_back_at() const { return detail::moment(ledgerauth_error_come_back_at(error_.get())); }

    /* The answer that is not a success, if there was one. */
    std::optional<ResponseView> response() const {
        const ledgerauth_response *answer = ledgerauth_error_response(error_.get());
        return answer == nullptr ? std::nullopt : std::optional<ResponseView>(ResponseView(answer));
    }

private:
    std::string_view text(ledgerauth_str (*detail)(const ledgerauth_error *)) const { return detail::view(detail(error_.get())); }

    std::shared_ptr<ledgerauth_error> error_;
    std::shared_ptr<std::string> line_;
};

namespace detail {

/* Calls a function of the library's whose last argument is where to put an error; throws it. */
template <typename Call>
void checked(Call call) {
    ledgerauth_error *error = nullptr;
    if (call(&error) != LEDGERAUTH_OK) {
        throw Error(error);
    }
}

} // namespace detail

} // namespace ledgerauth

#endif
