/*
 * ledgerauth for C++17: RAII, exceptions, std::chrono and std::string_view around ledgerauth.h. Header only: the files of
 * ledgerauth/, one story each, in the order in which they are read. Nothing else is needed.
 *
 *     ledgerauth::Options options;
 *     options.provider = "finora";
 *     ledgerauth::Client client(options, ledgerauth::Credential::from_env("FINORA_API_KEY"));
 *     std::cout << client.get("/v1/invoices").body();
 *
 * Everything that fails throws ledgerauth::Error, which says whose affair it is and what to do. Objects are moved, not
 * copied. A Client, a Redactor, an Error and a Response may be used by any number of threads at once; an Exchange, an
 * Answer and a RedactStream by one at a time. A std::string_view that an object hands out lives as long as that object. A
 * callback that throws is a callback that failed: the exception does not pass through the library.
 */
#ifndef LEDGERAUTH_HPP
#define LEDGERAUTH_HPP

#include <ledgerauth.h>

#include <ledgerauth/boundary.hpp>
#include <ledgerauth/response.hpp>
#include <ledgerauth/error.hpp>
#include <ledgerauth/provider.hpp>
#include <ledgerauth/credential.hpp>
#include <ledgerauth/answer.hpp>
#include <ledgerauth/clock.hpp>
#include <ledgerauth/transport.hpp>
#include <ledgerauth/store.hpp>
#include <ledgerauth/options.hpp>
#include <ledgerauth/login.hpp>
#include <ledgerauth/callbacks.hpp>
#include <ledgerauth/client.hpp>
#include <ledgerauth/exchange.hpp>
#include <ledgerauth/redact.hpp>

#endif
