/* A program's own HTTP below a client. Part of ledgerauth.hpp. */
#ifndef LEDGERAUTH_TRANSPORT_HPP
#define LEDGERAUTH_TRANSPORT_HPP

#include <ledgerauth/answer.hpp>

#include <exception>
#include <string>
#include <utility>

namespace ledgerauth {

/* What a Transport throws when there is no answer. Anything else that it throws counts as lost. */
struct NotReached : std::exception {
    NotReached(Unanswered far, std::string reason) : how(far), happened(std::move(reason)) {}
    const char *what() const noexcept override { return happened.c_str(); }
    Unanswered how;
    std::string happened;
};

/* A program's own HTTP below a client. Called from many threads at once. */
class Transport {
public:
    Transport() = default;
    Transport(const Transport &) = default;
    Transport &operator=(const Transport &) = default;
    virtual ~Transport() = default;

    /* Sends a request exactly as it is, follows no redirect, and fills the answer. */
    virtual void send(const ledgerauth_outgoing &request, Answer &answer) = 0;
};

} // namespace ledgerauth

#endif
