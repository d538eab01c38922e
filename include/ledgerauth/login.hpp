/* How a person connects an account. Part of ledgerauth.hpp. */
#ifndef LEDGERAUTH_LOGIN_HPP
#define LEDGERAUTH_LOGIN_HPP

#include <ledgerauth/boundary.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledgerauth {

/* What a person has to be shown to log in. */
struct Prompt {
    std::string_view url;
    std::optional<std::string_view> user_code;
    std::optional<std::string_view> url_with_code;
    Time until;
};

/* How a person logs in by browser. */
struct Login {
    std::function<void(const Prompt &)> show;
    std::string redirect_uri;
    std::vector<Field> parameters;
    Milliseconds patience{0};
};

/* What a server says of a connection that a person made. */
class Connected {
public:
    explicit Connected(ledgerauth_connected *connected) : owned_(connected) {}

    std::string_view scope() const { return detail::view(ledgerauth_connected_scope(owned_.get())); }

    /* What the redirect brought beside what the RFCs name, such as Intuit's "realmId". */
    std::optional<std::string_view> parameter(std::string_view name) const {
        ledgerauth_str value = ledgerauth_connected_parameter(owned_.get(), detail::str(name));
        return value.data == nullptr ? std::nullopt : std::optional<std::string_view>(detail::view(value));
    }

private:
    detail::Owned<ledgerauth_connected, ledgerauth_connected_free> owned_;
};

} // namespace ledgerauth

#endif
