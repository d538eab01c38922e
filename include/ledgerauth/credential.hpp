/* What the owner of an account was given. Part of ledgerauth.hpp. */
#ifndef LEDGERAUTH_CREDENTIAL_HPP
#define LEDGERAUTH_CREDENTIAL_HPP

#include <ledgerauth/error.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ledgerauth {

/* One key of a ring, with what its owner knows about it. */
struct Key {
    std::string text;
    std::string name;
    std::string id;
    std::string integration;
    std::vector<std::string> permissions;
    std::optional<Time> created;
    bool relaxed = false;
};

/* A service account's assertion: issuer, subject and audience, and the private key (PEM) that signs it. */
struct Assertion {
    std::string issuer;
    std::string subject;
    std::string audience;
    /* RS256, PS256, ES256 or EdDSA. */
    std::string algorithm;
    std::string key_pem;
    std::string key_id;
    /* Name the scopes inside and not beside it. */
    bool scope_claim = false;
};

/* What the owner of an account was given. */
class Credential {
public:
    static Credential key(std::string_view key) {
        return Credential([&](auto **out, auto **error) { return ledgerauth_credential_from_key(detail::str(key), out, error); });
    }

    /* Several keys of one account: the first that is neither refused nor expired is used. */
    static Credential keys(const std::vector<Key> &keys) {
        Credential ring([](auto **out, auto **error) { return ledgerauth_credential_new_ring(out, error); });
        for (const Key &key : keys) {
            ring.add(key);
        }
        return ring;
    }

    static Credential client(std::string_view id, std::string_view secret) {
        return Credential([&](auto **out, auto **error) { return ledgerauth_credential_from_client(detail::str(id), detail::str(secret), out, error); });
    }

    static Credential refresh_token(std::string_view id, std::string_view secret, std::string_view token) {
        return Credential([&](auto **out, auto **error) {
            return ledgerauth_credential_from_refresh_token(detail::str(id), detail::str(secret), detail::str(token), out, error);
        });
    }

    /* A client id alone: a public client, or one that shows a certificate when it connects. */
    static Credential public_client(std::string_view id) {
        return Credential([&](auto **out, auto **error) { return ledgerauth_credential_from_public_client(detail::str(id), out, error); });
    }

    /* A client id and a private key (PEM) that signs for it; algorithm is RS256, PS256, ES256 or EdDSA. */
    static Credential private_key(std::string_view id, std::string_view algorithm, std::string_view key_pem, std::string_view key_id = {}) {
        return Credential([&](auto **out, auto **error) {
            return ledgerauth_credential_from_private_key(detail::str(id), detail::str(algorithm), detail::str(key_pem), detail::str(key_id), out, error);
        });
    }

    /* A service account's signed assertion. */
    static Credential service_account(const Assertion &assertion) {
        ledgerauth_assertion said = raw(assertion);
        return Credential([&](auto **out, auto **error) { return ledgerauth_credential_from_service_account(&said, out, error); });
    }

    static Credential from_env(std::string_view variable) {
        return Credential([&](auto **out, auto **error) { return ledgerauth_credential_from_env(detail::str(variable), out, error); });
    }

    static Credential client_from_env(std::string_view id_variable, std::string_view secret_variable) {
        return Credential([&](auto **out, auto **error) {
            return ledgerauth_credential_from_client_env(detail::str(id_variable), detail::str(secret_variable), out, error);
        });
    }

    static Credential from_file(std::string_view path) {
        return Credential([&](auto **out, auto **error) { return ledgerauth_credential_from_file(detail::str(path), out, error); });
    }

    /* From a function that is asked now, and again when the API refuses everything it gave. */
    static Credential from_callback(std::function<Credential()> callback) {
        auto kept = std::make_shared<std::function<Credential()>>(std::move(callback));
        Credential credential(
            [&](auto **out, auto **error) { return ledgerauth_credential_from_callback(ask, kept.get(), out, error); });
        credential.callback_ = kept;
        return credential;
    }

    Credential &&environment(std::string_view name) && {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_credential_set_environment(credential_.get(), detail::str(name), error); });
        return std::move(*this);
    }

    /* Exchanges this refresh token, issued to the credential's client. */
    Credential &&with_refresh_token(std::string_view token) && {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_credential_set_refresh_token(credential_.get(), detail::str(token), error); });
        return std::move(*this);
    }

    /* Exchanges a signed assertion, where the server wants a client named beside it. */
    Credential &&with_assertion(const Assertion &assertion) && {
        ledgerauth_assertion said = raw(assertion);
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_credential_set_assertion(credential_.get(), &said, error); });
        return std::move(*this);
    }

    /* Exchanges the refresh token that a person's login has put into the client's store. */
    Credential &&stored() && {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_credential_use_stored(credential_.get(), error); });
        return std::move(*this);
    }

    Credential &&scopes(const std::vector<std::string> &scopes) && {
        std::vector<ledgerauth_str> views = detail::texts(scopes);
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_credential_set_scopes(credential_.get(), views.data(), views.size(), error); });
        return std::move(*this);
    }

    const ledgerauth_credential *handle() const { return credential_.get(); }
    std::shared_ptr<const void> callback() const { return callback_; }

private:
    template <typename Make>
    explicit Credential(Make make) {
        ledgerauth_credential *credential = nullptr;
        detail::checked([&](ledgerauth_error **error) { return make(&credential, error); });
        credential_.reset(credential);
    }

    /* As C knows it; it points into what is given. */
    static ledgerauth_assertion raw(const Assertion &given) {
        ledgerauth_assertion said{};
        said.size = sizeof said;
        said.issuer = detail::str(given.issuer);
        said.subject = detail::str(given.subject);
        said.audience = detail::str(given.audience);
        said.algorithm = detail::str(given.algorithm);
        said.key_pem = detail::str(given.key_pem);
        said.key_id = detail::str(given.key_id);
        said.scope_claim = given.scope_claim ? 1 : 0;
        return said;
    }

    void add(const Key &key) {
        std::vector<ledgerauth_str> permissions = detail::texts(key.permissions);
        ledgerauth_ring_key raw{};
        raw.size = sizeof raw;
        raw.text = detail::str(key.text);
        raw.name = detail::str(key.name);
        raw.id = detail::str(key.id);
        raw.integration = detail::str(key.integration);
        raw.permissions = permissions.data();
        raw.permission_count = permissions.size();
        raw.created_at = key.created ? detail::millis(key.created->time_since_epoch()) : 0;
        raw.relaxed = key.relaxed ? 1 : 0;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_credential_add_key(credential_.get(), &raw, error); });
    }

    static std::int32_t ask(void *userdata, ledgerauth_credential **out) noexcept {
        return detail::guarded<std::int32_t>(LEDGERAUTH_SOURCE_UNAVAILABLE, [&] {
            Credential given = (*static_cast<std::function<Credential()> *>(userdata))();
            *out = given.credential_.release();
            return LEDGERAUTH_OK;
        });
    }

    detail::Owned<ledgerauth_credential, ledgerauth_credential_free> credential_;
    std::shared_ptr<const void> callback_;
};

} // namespace ledgerauth

#endif
