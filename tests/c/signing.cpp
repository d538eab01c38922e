/*
 * Private keys in C++: a client that signs for itself, and a service account. ISSUER is the authorization server, CLIENT_KEY the key of its client
 * "key-es256", KEY that of the service account.
 */
#include "check.h"

#include <ledgerauth.hpp>

#include <string>

using namespace ledgerauth;

static const char PROFILE[] = R"(
name = "oidc"
title = "the test's authorization server"
[[environment]]
name = "test"
base_url = "https://ledger.example"
token_url = "https://login.ledger.example/token"
[token]
grants = ["client_credentials", "jwt_bearer"]
request = "form"
client_auth = "none"
)";

static std::string variable(const char *name) {
    const char *text = getenv(name);
    return text != nullptr ? text : "";
}

static Options options() {
    Options options;
    options.own_provider = std::make_shared<Provider>(Provider::from_toml(PROFILE));
    options.environment = "test";
    options.base_url = variable("ISSUER");
    options.token_url = variable("ISSUER") + "/token";
    options.insecure_loopback = true;
    options.no_proxy = true;
    return options;
}

int main() {
    Options signs = options();
    signs.client_auth = "private_key_jwt";
    Client client(signs, Credential::private_key("key-es256", "ES256", variable("CLIENT_KEY"), "key-es256-1"));
    CHECK(client.get("/api/ledger").body().find("key-es256") != std::string_view::npos);

    Assertion assertion;
    assertion.issuer = "service";
    assertion.subject = "books@acme.test";
    assertion.audience = variable("ISSUER");
    assertion.algorithm = "ES256";
    assertion.key_pem = variable("KEY");
    assertion.key_id = "service-1";
    Client service(options(), Credential::public_client("service").with_assertion(assertion));
    CHECK(service.get("/api/ledger").body().find("service") != std::string_view::npos);
    try {
        Client(options(), Credential::service_account(assertion)).get("/api/ledger");
        CHECK(false);
    } catch (const Error &error) {
        CHECK(error.status() == LEDGERAUTH_GRANT_REFUSED);
    }
    return check_end("signing");
}
