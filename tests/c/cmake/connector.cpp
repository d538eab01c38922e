// The least connector: is the credential good, or, without HTTP, how does it stand?
#include <cstdlib>
#include <iostream>
#include <ledgerauth.hpp>

static std::string variable(const char *name) {
    const char *value = std::getenv(name);
    return value == nullptr ? "" : value;
}

int main() try {
    std::cout << "version " << ledgerauth_version() << "\n";
    ledgerauth::Options options;
    options.provider = "finora";
    options.base_url = variable("BASE_URL");
    options.environment = variable("ENVIRONMENT");
    options.platform_roots = ledgerauth_has_http();
    ledgerauth::Client client(options, ledgerauth::Credential::from_env("FINORA_API_KEY"));
    std::cout << (ledgerauth_has_http() ? client.check() : client.explain()) << "\n";
    return EXIT_SUCCESS;
} catch (const ledgerauth::Error &error) {
    std::cerr << error.what() << "\n";
    return EXIT_FAILURE;
}
