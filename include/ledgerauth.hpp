/*
 * ledgerauth for C++17: RAII, exceptions, std::chrono and std::string_view around ledgerauth.h. Header only, nothing else
 * needed.
 *
 *     ledgerauth::Client client({.provider = ...}, ledgerauth::Credential::from_env("FINORA_API_KEY"));
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

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ledgerauth {

using Milliseconds = std::chrono::milliseconds;
using Time = std::chrono::time_point<std::chrono::system_clock, Milliseconds>;
using Field = std::pair<std::string, std::string>;

namespace detail {

inline ledgerauth_str str(std::string_view text) { return {text.data(), text.size()}; }

inline std::string_view view(ledgerauth_str text) { return text.len == 0 ? std::string_view() : std::string_view(text.data, text.len); }

inline std::optional<Time> moment(std::uint64_t millis) {
    return millis == 0 ? std::nullopt : std::optional<Time>(Time(Milliseconds(millis)));
}

inline std::uint64_t millis(Milliseconds span) { return span.count() > 0 ? static_cast<std::uint64_t>(span.count()) : 0; }

/* An object of the library's, freed when it goes out of scope. */
template <typename Object, void (*Free)(Object *)>
struct Freed {
    void operator()(Object *object) const { Free(object); }
};

template <typename Object, void (*Free)(Object *)>
using Owned = std::unique_ptr<Object, Freed<Object, Free>>;

/* Runs a callback of the program's; whatever it throws becomes this. */
template <typename Result, typename Work>
Result guarded(Result otherwise, Work work) noexcept {
    try {
        return work();
    } catch (...) {
        return otherwise;
    }
}

inline std::string taken(ledgerauth_text *text) {
    Owned<ledgerauth_text, ledgerauth_text_free> owned(text);
    return std::string(view(ledgerauth_text_str(text)));
}

} // namespace detail

/* The answer to a call, as long as the object that it came from. */
class ResponseView {
public:
    explicit ResponseView(const ledgerauth_response *response) : response_(response) {}

    int status() const { return ledgerauth_response_status(response_); }
    std::string_view body() const { return detail::view(ledgerauth_response_body(response_)); }
    std::string_view request_id() const { return detail::view(ledgerauth_response_request_id(response_)); }

    /* The first value of a header, whatever the case of its name. */
    std::optional<std::string_view> header(std::string_view name) const {
        ledgerauth_str value = ledgerauth_response_header(response_, detail::str(name));
        return value.data == nullptr ? std::nullopt : std::optional<std::string_view>(detail::view(value));
    }

    std::vector<std::pair<std::string_view, std::string_view>> headers() const {
        std::vector<std::pair<std::string_view, std::string_view>> all;
        for (std::size_t at = 0; at < ledgerauth_response_header_count(response_); at++) {
            ledgerauth_header field{};
            if (ledgerauth_response_header_at(response_, at, &field, nullptr) == LEDGERAUTH_OK) {
                all.emplace_back(detail::view(field.name), detail::view(field.value));
            }
        }
        return all;
    }

private:
    const ledgerauth_response *response_;
};

/* What went wrong. what() is a line for a person; everything else is for a program. Copies share one object. */
class Error : public std::exception {
public:
    explicit Error(ledgerauth_error *error) : error_(error, ledgerauth_error_free), line_(std::make_shared<std::string>(text(ledgerauth_error_line))) {}

    const char *what() const noexcept override { return line_->c_str(); }

    std::int32_t status() const { return ledgerauth_error_status(error_.get()); }
    std::string_view kind() const { return text(ledgerauth_error_kind); }
    std::string_view happened() const { return text(ledgerauth_error_what); }
    std::string_view advice() const { return text(ledgerauth_error_advice); }
    int http_status() const { return ledgerauth_error_http_status(error_.get()); }
    std::string_view provider_code() const { return text(ledgerauth_error_provider_code); }
    std::string_view provider_message() const { return text(ledgerauth_error_provider_message); }
    std::string_view request_id() const { return text(ledgerauth_error_request_id); }
    std::string_view server_request_id() const { return text(ledgerauth_error_server_request_id); }
    std::string_view limit() const { return text(ledgerauth_error_limit); }
    std::string_view key_fault() const { return text(ledgerauth_error_key_fault); }
    std::size_t position() const { return ledgerauth_error_position(error_.get()); }
    bool is_retryable() const { return ledgerauth_error_is_retryable(error_.get()); }

    /* The moment before which the same call cannot succeed, if anybody knows it. */
    std::optional<Time> come_back_at() const { return detail::moment(ledgerauth_error_come_back_at(error_.get())); }

    /* The answer that is not a success, if there was one. */
    std::optional<ResponseView> response() const {
        const ledgerauth_response *answer = ledgerauth_error_response(error_.get());
        return answer == nullptr ? std::nullopt : std::optional<ResponseView>(ResponseView(answer));
    }

private:
    std::string_view text(ledgerauth_str (*detail)(const ledgerauth_error *)) const { return detail::view(detail(error_.get())); }

    std::shared_ptr<ledgerauth_error> error_;
    std::shared_ptr<std::string> line_;
};

namespace detail {

/* Calls a function of the library's whose last argument is where to put an error; throws it. */
template <typename Call>
void checked(Call call) {
    ledgerauth_error *error = nullptr;
    if (call(&error) != LEDGERAUTH_OK) {
        throw Error(error);
    }
}

} // namespace detail

/* A success, with its whole body. */
class Response : public ResponseView {
public:
    explicit Response(ledgerauth_response *response) : ResponseView(response), owned_(response) {}

private:
    detail::Owned<ledgerauth_response, ledgerauth_response_free> owned_;
};

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

    /* Exchanges the refresh token that a person's login has put into the client's store. */
    Credential &&stored() && {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_credential_use_stored(credential_.get(), error); });
        return std::move(*this);
    }

    Credential &&scopes(const std::vector<std::string> &scopes) && {
        std::vector<ledgerauth_str> views;
        for (const std::string &scope : scopes) {
            views.push_back(detail::str(scope));
        }
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

    void add(const Key &key) {
        std::vector<ledgerauth_str> permissions;
        for (const std::string &permission : key.permissions) {
            permissions.push_back(detail::str(permission));
        }
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

/* What a program's own HTTP received. */
class Answer {
public:
    Answer() {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_answer_new(&answer_, error); });
        owned_.reset(answer_);
    }
    explicit Answer(ledgerauth_answer *borrowed) : answer_(borrowed) {}

    void status(int http_status) {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_answer_set_status(answer_, http_status, error); });
    }
    void header(std::string_view name, std::string_view value) {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_answer_add_header(answer_, detail::str(name), detail::str(value), error); });
    }
    void header_line(std::string_view line) {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_answer_add_header_line(answer_, detail::str(line), error); });
    }
    void body(std::string_view piece) {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_answer_add_body(answer_, detail::str(piece), error); });
    }
    void clear() {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_answer_clear(answer_, error); });
    }
    int status() const { return ledgerauth_answer_status(answer_); }
    std::string_view body() const { return detail::view(ledgerauth_answer_body(answer_)); }
    ledgerauth_answer *handle() const { return answer_; }

private:
    ledgerauth_answer *answer_ = nullptr;
    detail::Owned<ledgerauth_answer, ledgerauth_answer_free> owned_;
};

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

/* What came of asking a store. */
enum class Stored { done = LEDGERAUTH_STORE_DONE, taken = LEDGERAUTH_STORE_TAKEN };

/* A program's own token store; ledgerauth.h says what each has to do. One that throws does not work, and what() says why. */
class Store {
public:
    virtual ~Store() = default;
    virtual Stored claim(std::string_view id, std::uint64_t owner, Milliseconds span, std::optional<std::string> &record) = 0;
    virtual Stored save(std::string_view id, const ledgerauth_save &save) = 0;
    virtual void release(std::string_view id, std::uint64_t owner) = 0;
    virtual std::optional<std::string> load(std::string_view id) = 0;
};

enum class LogLevel { debug = LEDGERAUTH_LOG_DEBUG, info = LEDGERAUTH_LOG_INFO, warn = LEDGERAUTH_LOG_WARN };

/* Everything that can be said about a client. What is empty or zero has a default from the provider's profile. */
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
    std::string store_folder;
    std::string store_redis;
    std::string store_key;
    std::shared_ptr<Transport> transport;
    bool no_threads = false;
    std::function<void(const ledgerauth_audit_event &)> on_audit;
    std::function<void(LogLevel, std::string_view)> on_log;
    Milliseconds timeout{0};
    Milliseconds connect_timeout{0};
    std::string proxy;
    bool no_proxy = false;
    bool platform_roots = false;
    std::string ca_pem;
    std::string identity_chain_pem;
    std::string identity_key_pem;
    std::string user_agent;
};

/* Everything that can be said about a request. */
struct Request {
    std::string method = "GET";
    std::string path;
    std::vector<Field> query;
    std::vector<Field> headers;
    std::optional<std::string> body;
    Milliseconds deadline{0};
    std::string request_id;
};

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

/* How one key of a client stands. */
struct KeyState {
    std::string name;
    std::string id;
    std::string prefix;
    std::int32_t age;
    bool in_use;
    std::optional<Time> ends;
    std::optional<Time> last_needed;
    std::string refused;
};

/* One thing to do with a client's keys, and by when. */
struct PlanStep {
    Time by;
    std::string what;
};

namespace detail {

/* What a client's callbacks need, at an address that does not change. */
struct Callbacks {
    Options options;
    std::shared_ptr<const void> source;
    ledgerauth_transport transport{};
    ledgerauth_store store{};

    static std::int32_t send(void *userdata, const ledgerauth_outgoing *request, ledgerauth_answer *raw) noexcept {
        auto *self = static_cast<Callbacks *>(userdata);
        try {
            Answer answer(raw);
            self->options.transport->send(*request, answer);
            return LEDGERAUTH_OK;
        } catch (const NotReached &lost) {
            ledgerauth_answer_fail(raw, lost.not_sent ? 1 : 0, str(lost.happened), nullptr);
        } catch (const std::exception &lost) {
            ledgerauth_answer_fail(raw, 0, ledgerauth_str_of(lost.what()), nullptr);
        } catch (...) {
            ledgerauth_answer_fail(raw, 0, ledgerauth_str_of("the transport threw"), nullptr);
        }
        return LEDGERAUTH_TRANSPORT;
    }

    /* Asks the store; one that throws is down. */
    template <typename Work>
    static std::int32_t ask(ledgerauth_stored *stored, Work work) noexcept {
        try {
            return static_cast<std::int32_t>(work());
        } catch (const std::exception &down) {
            ledgerauth_stored_reason(stored, ledgerauth_str_of(down.what()), nullptr);
        } catch (...) {
            ledgerauth_stored_reason(stored, ledgerauth_str_of("the store threw"), nullptr);
        }
        return LEDGERAUTH_STORE_DOWN;
    }

    static std::int32_t claim(void *userdata, ledgerauth_str id, std::uint64_t owner, std::uint64_t span, ledgerauth_stored *stored) noexcept {
        return ask(stored, [&] {
            std::optional<std::string> record;
            Stored result = static_cast<Callbacks *>(userdata)->options.store->claim(view(id), owner, Milliseconds(span), record);
            if (record) {
                ledgerauth_stored_record(stored, str(*record), nullptr);
            }
            return result;
        });
    }

    static std::int32_t save(void *userdata, ledgerauth_str id, const ledgerauth_save *save, ledgerauth_stored *stored) noexcept {
        return ask(stored, [&] { return static_cast<Callbacks *>(userdata)->options.store->save(view(id), *save); });
    }

    static void release(void *userdata, ledgerauth_str id, std::uint64_t owner) noexcept {
        guarded(0, [&] { return static_cast<Callbacks *>(userdata)->options.store->release(view(id), owner), 0; });
    }

    static std::int32_t load(void *userdata, ledgerauth_str id, ledgerauth_stored *stored) noexcept {
        return ask(stored, [&] {
            std::optional<std::string> record = static_cast<Callbacks *>(userdata)->options.store->load(view(id));
            if (record) {
                ledgerauth_stored_record(stored, str(*record), nullptr);
            }
            return Stored::done;
        });
    }

    static void on_audit(void *userdata, const ledgerauth_audit_event *event) noexcept {
        guarded(0, [&] { return static_cast<Callbacks *>(userdata)->options.on_audit(*event), 0; });
    }

    static void on_log(void *userdata, std::int32_t level, ledgerauth_str line) noexcept {
        guarded(0, [&] { return static_cast<Callbacks *>(userdata)->options.on_log(static_cast<LogLevel>(level), view(line)), 0; });
    }

    /* The options as C knows them; they point into this object. */
    ledgerauth_client_options raw(const Credential &credential) {
        ledgerauth_client_options raw{};
        raw.size = sizeof raw;
        raw.provider = str(options.provider);
        raw.own_provider = options.own_provider ? options.own_provider->handle() : nullptr;
        raw.credential = credential.handle();
        raw.environment = str(options.environment);
        raw.base_url = str(options.base_url);
        raw.token_url = str(options.token_url);
        raw.client_auth = str(options.client_auth);
        raw.issuer = str(options.issuer);
        raw.discover = options.discover ? 1 : 0;
        raw.header = str(options.header);
        raw.scheme = options.scheme ? str(*options.scheme) : ledgerauth_str{nullptr, 0};
        raw.insecure_loopback = options.insecure_loopback ? 1 : 0;
        raw.name = str(options.name);
        raw.integration = str(options.integration);
        raw.deadline_ms = millis(options.deadline);
        raw.max_attempts = options.max_attempts;
        raw.store_folder = str(options.store_folder);
        raw.store_redis = str(options.store_redis);
        raw.store_key = str(options.store_key);
        raw.no_threads = options.no_threads ? 1 : 0;
        raw.timeout_ms = millis(options.timeout);
        raw.connect_timeout_ms = millis(options.connect_timeout);
        raw.proxy = str(options.proxy);
        raw.no_proxy = options.no_proxy ? 1 : 0;
        raw.platform_roots = options.platform_roots ? 1 : 0;
        raw.ca_pem = str(options.ca_pem);
        raw.identity_chain_pem = str(options.identity_chain_pem);
        raw.identity_key_pem = str(options.identity_key_pem);
        raw.user_agent = str(options.user_agent);
        if (options.transport) {
            transport.size = sizeof transport;
            transport.userdata = this;
            transport.send = send;
            raw.transport = &transport;
        }
        if (options.store) {
            store.size = sizeof store;
            store.userdata = this;
            store.claim = claim;
            store.save = save;
            store.release = release;
            store.load = load;
            raw.store = &store;
        }
        if (options.on_audit) {
            raw.on_audit = on_audit;
            raw.audit_userdata = this;
        }
        if (options.on_log) {
            raw.on_log = on_log;
            raw.log_userdata = this;
        }
        return raw;
    }
};

} // namespace detail

/* Authenticated calls to one account at one provider. Any number of threads may use one. */
class Client {
public:
    Client(Options options, const Credential &credential) : callbacks_(std::make_unique<detail::Callbacks>()) {
        callbacks_->options = std::move(options);
        callbacks_->source = credential.callback();
        ledgerauth_client_options raw = callbacks_->raw(credential);
        ledgerauth_client *client = nullptr;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_client_new(&raw, &client, error); });
        client_.reset(client);
    }

    Response get(std::string_view path) const {
        return respond([&](auto **out, auto **error) { return ledgerauth_client_get(client_.get(), detail::str(path), out, error); });
    }

    Response post(std::string_view path, std::string_view json) const {
        return respond([&](auto **out, auto **error) { return ledgerauth_client_post(client_.get(), detail::str(path), detail::str(json), out, error); });
    }

    Response send(const Request &request) const {
        auto fields = [](const std::vector<Field> &pairs) {
            std::vector<ledgerauth_header> raw;
            for (const Field &pair : pairs) {
                raw.push_back({detail::str(pair.first), detail::str(pair.second)});
            }
            return raw;
        };
        std::vector<ledgerauth_header> query = fields(request.query), headers = fields(request.headers);
        ledgerauth_request raw{};
        raw.size = sizeof raw;
        raw.method = detail::str(request.method);
        raw.path = detail::str(request.path);
        raw.query = query.data();
        raw.query_count = query.size();
        raw.headers = headers.data();
        raw.header_count = headers.size();
        raw.body = request.body ? detail::str(*request.body) : ledgerauth_str{nullptr, 0};
        raw.deadline_ms = detail::millis(request.deadline);
        raw.request_id = detail::str(request.request_id);
        return respond([&](auto **out, auto **error) { return ledgerauth_client_send(client_.get(), &raw, out, error); });
    }

    /* Asks for a document until it is ready. */
    Response poll(std::string_view path, Milliseconds deadline = Milliseconds(0)) const {
        return respond([&](auto **out, auto **error) {
            return ledgerauth_client_poll(client_.get(), detail::str(path), detail::millis(deadline), out, error);
        });
    }

    /* Proves the credential; a line for a person if it is good, else an Error. */
    std::string check() const {
        return text([&](auto **out, auto **error) { return ledgerauth_client_check(client_.get(), out, error); });
    }

    std::string explain() const {
        return text([&](auto **out, auto **error) { return ledgerauth_client_explain(client_.get(), out, error); });
    }

    /* The value of the header that authenticates a request to a path. */
    std::string authorize(std::string_view path) const {
        std::string value(256, '\0');
        for (;;) {
            std::size_t length = 0;
            ledgerauth_error *error = nullptr;
            std::int32_t status = ledgerauth_client_authorize(client_.get(), detail::str(path), value.data(), value.size(), &length, &error);
            if (status == LEDGERAUTH_BUFFER_TOO_SMALL) {
                ledgerauth_error_free(error);
                value.assign(length + 1, '\0');
            } else if (status != LEDGERAUTH_OK) {
                throw Error(error);
            } else {
                value.resize(length);
                return value;
            }
        }
    }

    std::string_view header() const { return detail::view(ledgerauth_client_header(client_.get())); }
    std::string_view environment() const { return detail::view(ledgerauth_client_environment(client_.get())); }
    std::int32_t state() const { return ledgerauth_client_state(client_.get()); }
    std::uint64_t changes() const { return ledgerauth_client_changes(client_.get()); }

    std::vector<KeyState> keys() const {
        ledgerauth_key_states *states = nullptr;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_client_keys(client_.get(), &states, error); });
        detail::Owned<ledgerauth_key_states, ledgerauth_key_states_free> owned(states);
        std::vector<KeyState> all;
        for (std::size_t at = 0; at < ledgerauth_key_states_count(states); at++) {
            ledgerauth_key_state raw{};
            raw.size = sizeof raw;
            detail::checked([&](ledgerauth_error **error) { return ledgerauth_key_states_at(states, at, &raw, error); });
            all.push_back({std::string(detail::view(raw.name)), std::string(detail::view(raw.id)), std::string(detail::view(raw.prefix)), raw.age,
                           raw.in_use != 0, detail::moment(raw.ends_at), detail::moment(raw.last_needed_at),
                           std::string(detail::view(ledgerauth_error_line(raw.refused)))});
        }
        return all;
    }

    std::vector<PlanStep> plan() const {
        ledgerauth_plan *plan = nullptr;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_client_plan(client_.get(), &plan, error); });
        detail::Owned<ledgerauth_plan, ledgerauth_plan_free> owned(plan);
        std::vector<PlanStep> steps;
        for (std::size_t at = 0; at < ledgerauth_plan_count(plan); at++) {
            std::uint64_t by = 0;
            ledgerauth_str what{};
            detail::checked([&](ledgerauth_error **error) { return ledgerauth_plan_at(plan, at, &by, &what, error); });
            steps.push_back({Time(Milliseconds(by)), std::string(detail::view(what))});
        }
        return steps;
    }

    /* Lets a person consent in a browser; returns when the tokens are in the client's store. */
    Connected login(const Login &login) const {
        std::vector<ledgerauth_header> parameters;
        for (const Field &pair : login.parameters) {
            parameters.push_back({detail::str(pair.first), detail::str(pair.second)});
        }
        ledgerauth_login raw{};
        raw.size = sizeof raw;
        raw.on_prompt = prompt;
        raw.userdata = const_cast<std::function<void(const Prompt &)> *>(&login.show);
        raw.redirect_uri = detail::str(login.redirect_uri);
        raw.parameters = parameters.data();
        raw.parameter_count = parameters.size();
        raw.patience_ms = detail::millis(login.patience);
        return connect([&](auto **out, auto **error) { return ledgerauth_client_login(client_.get(), &raw, out, error); });
    }

    /* Lets a person consent on another device. */
    Connected login_on_device(std::function<void(const Prompt &)> show) const {
        return connect([&](auto **out, auto **error) { return ledgerauth_client_login_on_device(client_.get(), prompt, &show, out, error); });
    }

    /* Ends what a person granted, at the server and in the store. */
    void revoke() const {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_client_revoke(client_.get(), error); });
    }

    const ledgerauth_client *handle() const { return client_.get(); }

private:
    static void prompt(void *userdata, const ledgerauth_prompt *raw) noexcept {
        detail::guarded<int>(0, [&] {
            auto optional = [](ledgerauth_str text) {
                return text.len == 0 ? std::nullopt : std::optional<std::string_view>(detail::view(text));
            };
            Prompt shown{detail::view(raw->url), optional(raw->user_code), optional(raw->url_with_code), Time(Milliseconds(raw->until))};
            (*static_cast<std::function<void(const Prompt &)> *>(userdata))(shown);
            return 0;
        });
    }

    template <typename Call>
    static Connected connect(Call call) {
        ledgerauth_connected *connected = nullptr;
        detail::checked([&](ledgerauth_error **error) { return call(&connected, error); });
        return Connected(connected);
    }

    template <typename Call>
    static Response respond(Call call) {
        ledgerauth_response *response = nullptr;
        detail::checked([&](ledgerauth_error **error) { return call(&response, error); });
        return Response(response);
    }

    template <typename Call>
    static std::string text(Call call) {
        ledgerauth_text *text = nullptr;
        detail::checked([&](ledgerauth_error **error) { return call(&text, error); });
        return detail::taken(text);
    }

    /* Freed last, because the client may call them until it is freed. */
    std::unique_ptr<detail::Callbacks> callbacks_;
    detail::Owned<ledgerauth_client, ledgerauth_client_free> client_;
};

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

    void handle_failure(bool not_sent, std::string_view what) {
        detail::checked([&](ledgerauth_error **error) {
            return ledgerauth_exchange_handle_failure(exchange_.get(), not_sent ? 1 : 0, detail::str(what), error);
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

/* Takes secrets out of any text. */
class Redactor {
public:
    Redactor() {
        ledgerauth_redactor *redactor = nullptr;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_redactor_new(&redactor, error); });
        redactor_.reset(redactor);
    }

    Redactor &secret(std::string_view text) {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_redactor_add_secret(redactor_.get(), detail::str(text), error); });
        return *this;
    }

    Redactor &header(std::string_view name) {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_redactor_add_header(redactor_.get(), detail::str(name), error); });
        return *this;
    }

    Redactor &provider(const Provider &provider) {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_redactor_add_provider(redactor_.get(), provider.handle(), error); });
        return *this;
    }

    std::string redact(std::string_view text) const {
        ledgerauth_text *out = nullptr;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_redactor_redact(redactor_.get(), detail::str(text), &out, error); });
        return detail::taken(out);
    }

    const ledgerauth_redactor *handle() const { return redactor_.get(); }

private:
    detail::Owned<ledgerauth_redactor, ledgerauth_redactor_free> redactor_;
};

/* The same for text that comes in pieces. */
class RedactStream {
public:
    explicit RedactStream(const Redactor &redactor) {
        ledgerauth_redact_stream *stream = nullptr;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_redact_stream_new(redactor.handle(), &stream, error); });
        stream_.reset(stream);
    }

    /* What can be written already. */
    std::string push(std::string_view piece) {
        ledgerauth_text *out = nullptr;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_redact_stream_push(stream_.get(), detail::str(piece), &out, error); });
        return detail::taken(out);
    }

    /* The rest. */
    std::string finish() {
        ledgerauth_text *out = nullptr;
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_redact_stream_finish(stream_.get(), &out, error); });
        return detail::taken(out);
    }

private:
    detail::Owned<ledgerauth_redact_stream, ledgerauth_redact_stream_free> stream_;
};

} // namespace ledgerauth

#endif
