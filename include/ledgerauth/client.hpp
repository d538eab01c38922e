/* Authenticated calls to one account. Part of ledgerauth.hpp. */
#ifndef LEDGERAUTH_CLIENT_HPP
#define LEDGERAUTH_CLIENT_HPP

#include <ledgerauth/callbacks.hpp>
#include <ledgerauth/login.hpp>
#include <ledgerauth/response.hpp>

#include <cstddef>
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

/* Everything that can be said about a request. */
struct Request {
    std::string method = "GET";
    std::string path;
    std::vector<Field> query;
    std::vector<Field> headers;
    std::optional<std::string> body;
    Milliseconds deadline{0};
    std::string request_id;
    /* Hosts whose answers count as the API's where a redirect leads there, beside those of the options. */
    std::vector<std::string> allow_redirect_to;
    /*
     * Gives the body instead, piece by piece: writes at most so many bytes to the buffer, and returns how many; 0 at the end. The call is then never
     * repeated after something of it has left.
     */
    std::function<std::size_t(char *buffer, std::size_t capacity)> read_body;
    /* How many bytes read_body gives in all; not known if 0, and then the body is sent in chunks. */
    std::uint64_t read_size = 0;
    /* Takes the body of a success piece by piece instead of the response. What one of the two throws, send() throws. */
    std::function<void(std::string_view piece)> write_body;
};

namespace detail {

/* The bodies of one call, as they come and go. */
struct Pieces {
    const std::function<std::size_t(char *, std::size_t)> *give;
    const std::function<void(std::string_view)> *take;
    /* What one of them threw. */
    std::exception_ptr thrown;

    static std::int32_t read(void *userdata, std::uint8_t *buffer, std::size_t capacity, std::size_t *size_out) noexcept {
        auto *self = static_cast<Pieces *>(userdata);
        return self->caught([&] { *size_out = (*self->give)(reinterpret_cast<char *>(buffer), capacity); });
    }

    static std::int32_t write(void *userdata, const std::uint8_t *data, std::size_t size) noexcept {
        auto *self = static_cast<Pieces *>(userdata);
        return self->caught([&] { (*self->take)(std::string_view(reinterpret_cast<const char *>(data), size)); });
    }

    template <typename Work>
    std::int32_t caught(Work work) noexcept {
        try {
            work();
            return LEDGERAUTH_OK;
        } catch (...) {
            thrown = std::current_exception();
            return LEDGERAUTH_STOPPED;
        }
    }
};

} // namespace detail

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

/* Authenticated calls to one account at one provider. Any number of threads may use one. */
class Client {
public:
    Client(Options options, const Credential &credential) : callbacks_(std::make_unique<detail::Callbacks>()) {
        callbacks_->options = std::move(options);
        callbacks_->sources.push_back(credential.callback());
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
        std::vector<ledgerauth_header> query = detail::fields(request.query), headers = detail::fields(request.headers);
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
        std::vector<ledgerauth_str> hosts = detail::texts(request.allow_redirect_to);
        raw.allow_redirect_to = hosts.data();
        raw.allow_redirect_to_count = hosts.size();
        detail::Pieces pieces{&request.read_body, &request.write_body, nullptr};
        raw.read_body = request.read_body ? detail::Pieces::read : nullptr;
        raw.read_userdata = &pieces;
        raw.read_size = request.read_size;
        raw.write_body = request.write_body ? detail::Pieces::write : nullptr;
        raw.write_userdata = &pieces;
        try {
            return respond([&](auto **out, auto **error) { return ledgerauth_client_send(client_.get(), &raw, out, error); });
        } catch (const Error &) {
            if (pieces.thrown) {
                std::rethrow_exception(pieces.thrown);
            }
            throw;
        }
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

    /* Takes over another credential of the same kind and account, from the next call on: a rotation without a single 401. */
    void replace_credential(const Credential &credential) const {
        {
            std::lock_guard<std::mutex> lock(callbacks_->handing_over);
            callbacks_->sources.push_back(credential.callback());
        }
        detail::checked(
            [&](ledgerauth_error **error) { return ledgerauth_client_replace_credential(client_.get(), credential.handle(), error); });
    }

    /* Reads the credential's source again now, without waiting for a refusal. */
    void reload() const {
        detail::checked([&](ledgerauth_error **error) { return ledgerauth_client_reload(client_.get(), error); });
    }

    /* Lets a person consent in a browser; returns when the tokens are in the client's store. */
    Connected login(const Login &login) const {
        std::vector<ledgerauth_header> parameters = detail::fields(login.parameters);
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

} // namespace ledgerauth

#endif
