/* What one API's vendor documents. Part of ledgerauth.hpp. */
#ifndef LEDGERAUTH_PROVIDER_HPP
#define LEDGERAUTH_PROVIDER_HPP

#include <ledgerauth/error.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace ledgerauth {

/* What one API's vendor documents, where it is not a shipped one. */
class Provider {
public:
    static Provider builtin(std::string_view name) {
        return Provider([&](ledgerauth_provider **out, ledgerauth_error **error) { return ledgerauth_provider_builtin(detail::str(name), out, error); });
    }

    static Provider from_toml(std::string_view profile) {
        return Provider([&](ledgerauth_provider **out, ledgerauth_error **error) { return ledgerauth_provider_from_toml(detail::str(profile), out, error); });
    }

    std::string_view name() const { return detail::view(ledgerauth_provider_name(provider_.get())); }
    std::string_view title() const { return detail::view(ledgerauth_provider_title(provider_.get())); }
    const ledgerauth_provider *handle() const { return provider_.get(); }

    /* Reads a key without using it: the environment that it says it is for, if it does. Throws for what cannot be a key. */
    std::optional<std::string> environment_of(std::string_view key) const {
        ledgerauth_key *parsed = nullptr;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_key_parse(provider_.get(), detail::str(key), &parsed, error); });
        detail::Owned<ledgerauth_key, ledgerauth_key_free> owned(parsed);
        std::string_view environment = detail::view(ledgerauth_key_environment(parsed));
        return environment.empty() ? std::nullopt : std::optional<std::string>(environment);
    }

private:
    template <typename Make>
    explicit Provider(Make make) {
        ledgerauth_provider *provider = nullptr;
        detail::checked([&](ledgerauth_error **error) { return make(&provider, error); });
        provider_.reset(provider);
    }

    detail::Owned<ledgerauth_provider, ledgerauth_provider_free> provider_;
};

} // namespace ledgerauth

#endif
