/* Answers to calls. Part of ledgerauth.hpp. */
#ifndef LEDGERAUTH_RESPONSE_HPP
#define LEDGERAUTH_RESPONSE_HPP

#include <ledgerauth/boundary.hpp>

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace ledgerauth {

/* The answer to a call, as long as the object that it came from. */
class ResponseView {
public:
    explicit ResponseView(const ledgerauth_response *response) : response_(response) {}

    int status() const { return ledgerauth_response_status(response_); }
    std::string_view body() const { return detail::view(ledgerauth_response_body(response_)); }
    std::string_view request_id() const { return detail::view(ledgerauth_response_request_id(response_)); }

    /* Where the answer came from, with its query. */
    std::string_view url() const { return detail::view(ledgerauth_response_url(response_)); }

    /* The redirects that were followed on the way, in their order: status and URL. */
    std::vector<std::pair<int, std::string_view>> history() const {
        std::vector<std::pair<int, std::string_view>> all;
        for (std::size_t at = 0; at < ledgerauth_response_redirect_count(response_); at++) {
            ledgerauth_redirect hop{};
            if (ledgerauth_response_redirect_at(response_, at, &hop, nullptr) == LEDGERAUTH_OK) {
                all.emplace_back(hop.status, detail::view(hop.url));
            }
        }
        return all;
    }

    /* The first value of a header, whatever the case of its name. */
    std::optional<std::string_view> header(std::string_view name) const {
        ledgerauth_str value = ledgerauth_response_header(response_, detail::str(name));
        return value.data == nullptr ? std::nullopt : std::optional<std::string_view>(detail::view(value));
    }

    std::vector<std::pair<std::string_view, std::string_view>> headers() const {
        std::vector<std::pair<std::string_view, std::string_view>> all;
        for (std::size_t at = 0; at < ledgerauth_response_header_count(response_); at++) {
            ledgerauth_header field{};
            if (ledgerauth_response_header_at(response_, at, &field, nullptr) == LEDGERAUTH_OK) {
                all.emplace_back(detail::view(field.name), detail::view(field.value));
            }
        }
        return all;
    }

private:
    const ledgerauth_response *response_;
};

/* A success, with its whole body. */
class Response : public ResponseView {
public:
    explicit Response(ledgerauth_response *response) : ResponseView(response), owned_(response) {}

private:
    detail::Owned<ledgerauth_response, ledgerauth_response_free> owned_;
};

} // namespace ledgerauth

#endif
