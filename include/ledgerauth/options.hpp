/* What can be said about a client before it is made. Part of ledgerauth.hpp. */
#ifndef LEDGERAUTH_OPTIONS_HPP
#define LEDGERAUTH_OPTIONS_HPP

#include <ledgerauth/clock.hpp>
#include <ledgerauth/provider.hpp>
#include <ledgerauth/store.hpp>
#include <ledgerauth/transport.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledgerauth {

enum class LogLevel { debug = LEDGERAUTH_LOG_DEBUG, info = LEDGERAUTH_LOG_INFO, warn = LEDGERAUTH_LOG_WARN };

/*
 * The options of a client. An option that is empty, zero or not there has its default from the
 * provider's profile. Trust, identity and store are optional, and an empty text there is refused: an
 * empty file or variable must not decide it.
 */
struct Options {
    std::string provider;
    std::shared_ptr<const Provider> own_provider;
    std::string environment;
    std::string base_url;
    std::string token_url;
    std::string client_auth;
    std::string issuer;
    bool discover = false;
    std::string header;
    std::optional<std::string> scheme;
    bool insecure_loopback = false;
    std::string name;
    std::string integration;
    Milliseconds deadline{0};
    std::uint32_t max_attempts = 0;
    std::shared_ptr<Store> store;
    std::optional<std::string> store_folder;
    std::optional<std::string> store_redis;
    std::optional<std::string> store_ca_pem;
    std::optional<std::string> store_key;
    std::shared_ptr<Transport> transport;
    bool no_threads = false;
    std::function<void(const ledgerauth_audit_event &)> on_audit;
    std::function<void(LogLevel, std::string_view)> on_log;
    Milliseconds timeout{0};
    Milliseconds connect_timeout{0};
    std::string proxy;
    bool no_proxy = false;
    bool platform_roots = false;
    std::optional<std::string> ca_pem;
    std::optional<std::string> identity_chain_pem;
    std::optional<std::string> identity_key_pem;
    std::string user_agent;
    /* Hosts whose answers count as the API's where a redirect leads there. */
    std::vector<std::string> allow_redirect_to;
    std::uint64_t max_body = 0;
    bool audit_blocks = false;
    std::string authorization_url;
    std::string device_authorization_url;
    std::string revocation_url;
    /* What the credential may do, in the vendor's words: calls that need more are refused before they are sent. */
    std::vector<std::string> permissions;
    /* Paths instead of PEM: the files are read again when they change. */
    std::optional<std::string> identity_chain_file;
    std::optional<std::string> identity_key_file;
    /* What tells the time and waits, instead of the library: for tests, and for programs that shut down. */
    std::shared_ptr<Clock> clock;
    /* A random number, from which request ids and the jitter of pauses follow; the library's own if not said. */
    std::function<std::uint64_t()> random;
};

} // namespace ledgerauth

#endif
