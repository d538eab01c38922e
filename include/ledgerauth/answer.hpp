/* What a program's own HTTP received. Part of ledgerauth.hpp. */
#ifndef LEDGERAUTH_ANSWER_HPP
#define LEDGERAUTH_ANSWER_HPP

#include <ledgerauth/error.hpp>

#include <cstdint>
#include <string_view>

namespace ledgerauth {

/* How a request went that got no answer. */
enum class Unanswered : std::int32_t {
    lost = 0,                         /* it may have arrived */
    not_sent = 1,                     /* nothing left, and it can be sent again */
    untrusted = LEDGERAUTH_UNTRUSTED, /* nothing left, because the server's certificate is not trusted; it is not tried again */
};

/* What a program's own HTTP received. */
class Answer {
public:
    Answer() {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_answer_new(&answer_, error); });
        owned_.reset(answer_);
    }
    explicit Answer(ledgerauth_answer *borrowed) : answer_(borrowed) {}

    void status(int http_status) {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_answer_set_status(answer_, http_status, error); });
    }
    void header(std::string_view name, std::string_view value) {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_answer_add_header(answer_, detail::str(name), detail::str(value), error); });
    }
    void header_line(std::string_view line) {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_answer_add_header_line(answer_, detail::str(line), error); });
    }
    void body(std::string_view piece) {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_answer_add_body(answer_, detail::str(piece), error); });
    }
    void clear() {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_answer_clear(answer_, error); });
    }
    int status() const { return ledgerauth_answer_status(answer_); }
    std::string_view body() const { return detail::view(ledgerauth_answer_body(answer_)); }
    ledgerauth_answer *handle() const { return answer_; }

private:
    ledgerauth_answer *answer_ = nullptr;
    detail::Owned<ledgerauth_answer, ledgerauth_answer_free> owned_;
};

} // namespace ledgerauth

#endif
