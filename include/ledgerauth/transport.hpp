/* A program's own HTTP below a client. Part of ledgerauth.hpp. */
#ifndef LEDGERAUTH_TRANSPORT_HPP
#define LEDGERAUTH_TRANSPORT_HPP

#include <ledgerauth/answer.hpp>

#include <exception>
#include <string>
#include <utility>

namespace ledgerauth {

/* What a Transport throws when there is no answer. Anything else that it throws counts as lost on the way. */
struct NotReached : std::exception {
    NotReached(bool not_sent, std::string what) : not_sent(not_sent), happened(std::move(what)) {}
    const char *what() const noexcept override { return happened.c_str(); }
    bool not_sent;
    std::string happened;
};

/* A program's own HTTP below a client. Called from many threads at once. */
class Transport {
public:
    virtual ~Transport() = default;

    /* Sends a request exactly as it is, follows no redirect, and fills the answer. */
    virtual void send(const ledgerauth_outgoing &request, Answer &answer) = 0;
};

} // namespace ledgerauth

#endif
