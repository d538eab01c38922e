/* How the library reaches a program's objects. Part of ledgerauth.hpp. */
#ifndef LEDGERAUTH_CALLBACKS_HPP
#define LEDGERAUTH_CALLBACKS_HPP

#include <ledgerauth/credential.hpp>
#include <ledgerauth/options.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace ledgerauth {

namespace detail {

/* What a client's callbacks need, at an address that does not change. */
struct Callbacks {
    Options options;
    /* What the credentials ask: the first, and those that took its place, because a call may still be asking. */
    std::vector<std::shared_ptr<const void>> sources;
    std::mutex handing_over;
    ledgerauth_transport transport{};
    ledgerauth_store store{};
    std::vector<ledgerauth_str> redirect_targets;
    std::vector<ledgerauth_str> permissions;

    static std::int32_t send(void *userdata, const ledgerauth_outgoing *request, ledgerauth_answer *raw) noexcept {
        auto *self = static_cast<Callbacks *>(userdata);
        try {
            Answer answer(raw);
            self->options.transport->send(*request, answer);
            return LEDGERAUTH_OK;
        } catch (const NotReached &lost) {
            ledgerauth_answer_fail(raw, static_cast<std::int32_t>(lost.how), str(lost.happened), nullptr);
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

    static void pause(void *userdata, ledgerauth_str id, std::uint64_t until, ledgerauth_str why) noexcept {
        guarded(0, [&] {
            Pause limit{Time(Milliseconds(until)), std::string(view(why))};
            return static_cast<Callbacks *>(userdata)->options.store->pausing()->pause(view(id), limit), 0;
        });
    }

    static void paused(void *userdata, ledgerauth_str id, ledgerauth_stored *stored) noexcept {
        guarded(0, [&] {
            std::optional<Pause> limit = static_cast<Callbacks *>(userdata)->options.store->pausing()->paused(view(id));
            if (limit) {
                ledgerauth_stored_pause(stored, millis(limit->until.time_since_epoch()), str(limit->why), nullptr);
            }
            return 0;
        });
    }

    static std::uint64_t now(void *userdata) noexcept {
        return millis(static_cast<Callbacks *>(userdata)->options.clock->now().time_since_epoch());
    }

    static std::int32_t sleep(void *userdata, std::uint64_t span) noexcept {
        return guarded(LEDGERAUTH_STOPPED, [&] {
            return static_cast<Callbacks *>(userdata)->options.clock->sleep(Milliseconds(span)) ? LEDGERAUTH_OK : LEDGERAUTH_STOPPED;
        });
    }

    static std::uint64_t random(void *userdata) noexcept {
        return guarded(std::uint64_t{0}, [&] { return static_cast<Callbacks *>(userdata)->options.random(); });
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
        raw.scheme = said(options.scheme);
        raw.insecure_loopback = options.insecure_loopback ? 1 : 0;
        raw.name = str(options.name);
        raw.integration = str(options.integration);
        raw.deadline_ms = millis(options.deadline);
        raw.max_attempts = options.max_attempts;
        raw.store_folder = said(options.store_folder);
        raw.store_redis = said(options.store_redis);
        raw.store_ca_pem = said(options.store_ca_pem);
        raw.store_key = said(options.store_key);
        raw.no_threads = options.no_threads ? 1 : 0;
        raw.timeout_ms = millis(options.timeout);
        raw.connect_timeout_ms = millis(options.connect_timeout);
        raw.proxy = str(options.proxy);
        raw.no_proxy = options.no_proxy ? 1 : 0;
        raw.platform_roots = options.platform_roots ? 1 : 0;
        raw.ca_pem = said(options.ca_pem);
        raw.identity_chain_pem = said(options.identity_chain_pem);
        raw.identity_key_pem = said(options.identity_key_pem);
        raw.user_agent = str(options.user_agent);
        redirect_targets = texts(options.allow_redirect_to);
        raw.allow_redirect_to = redirect_targets.data();
        raw.allow_redirect_to_count = redirect_targets.size();
        raw.max_body = options.max_body;
        raw.audit_blocks = options.audit_blocks ? 1 : 0;
        raw.authorization_url = str(options.authorization_url);
        raw.device_authorization_url = str(options.device_authorization_url);
        raw.revocation_url = str(options.revocation_url);
        raw.identity_chain_file = said(options.identity_chain_file);
        raw.identity_key_file = said(options.identity_key_file);
        permissions = texts(options.permissions);
        raw.permissions = permissions.data();
        raw.permission_count = permissions.size();
        if (options.transport || options.clock || options.random) {
            transport.size = sizeof transport;
            transport.userdata = this;
            transport.send = options.transport ? send : nullptr;
            transport.now = options.clock ? now : nullptr;
            transport.sleep = options.clock ? sleep : nullptr;
            transport.random = options.random ? random : nullptr;
            raw.transport = &transport;
        }
        if (options.store) {
            store.size = sizeof store;
            store.userdata = this;
            store.claim = claim;
            store.save = save;
            store.release = release;
            store.load = load;
            store.pause = options.store->pausing() != nullptr ? pause : nullptr;
            store.paused = options.store->pausing() != nullptr ? paused : nullptr;
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

} // namespace ledgerauth

#endif
