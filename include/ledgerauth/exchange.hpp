/* Calls that a program's event loop drives. Part of ledgerauth.hpp. */
#ifndef LEDGERAUTH_EXCHANGE_HPP
#define LEDGERAUTH_EXCHANGE_HPP

#include <ledgerauth/answer.hpp>
#include <ledgerauth/client.hpp>

#include <string_view>

namespace ledgerauth {

/* One call of a client, driven by a program with its own event loop; ledgerauth.h shows the loop. Destroy it before its client. */
class Exchange {
public:
    Exchange(const Client &client, const ledgerauth_call &call) {
        ledgerauth_exchange *exchange = nullptr;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_exchange_new(client.handle(), &call, &exchange, error); });
        exchange_.reset(exchange);
    }

    Exchange(const Client &client, std::string_view method, std::string_view path) : Exchange(client, about(method, path)) {}

    /* What to do next; what it points to lives until the next poll. */
    ledgerauth_step poll() {
        ledgerauth_step step{};
        step.size = sizeof step;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_exchange_poll(exchange_.get(), &step, error); });
        return step;
    }

    void handle_response(const Answer &answer) {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_exchange_handle_response(exchange_.get(), answer.handle(), error); });
    }

    /* How CONNECT ended: LEDGERAUTH_CONNECTED or LEDGERAUTH_CONNECT_NOT_SUPPORTED. */
    void handle_connected(std::int32_t result) {
        detail::checked([&](ledgerauth_error **error) {
            return ledgerauth_exchange_handle_connected(exchange_.get(), result, 0, detail::str(""), error);
        });
    }

    /* CONNECT ended without a connection. */
    void handle_not_connected(Unanswered how, std::string_view what) {
        detail::checked([&](ledgerauth_error **error) {
            return ledgerauth_exchange_handle_connected(exchange_.get(), LEDGERAUTH_CONNECT_FAILED, static_cast<std::int32_t>(how),
                                                        detail::str(what), error);
        });
    }

    void handle_failure(Unanswered how, std::string_view what) {
        detail::checked([&](ledgerauth_error **error) {
            return ledgerauth_exchange_handle_failure(exchange_.get(), static_cast<std::int32_t>(how), detail::str(what), error);
        });
    }

private:
    static ledgerauth_call about(std::string_view method, std::string_view path) {
        ledgerauth_call call{};
        call.size = sizeof call;
        call.method = detail::str(method);
        call.path = detail::str(path);
        return call;
    }

    detail::Owned<ledgerauth_exchange, ledgerauth_exchange_free> exchange_;
};

} // namespace ledgerauth

#endif
