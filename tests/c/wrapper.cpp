/*
 * The C++ wrapper: the same calls, with objects that free themselves and errors that are thrown.
 */
#include "bomb.h"
#include "sandbox.h"

#include <ledgerauth.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <type_traits>

using namespace ledgerauth;

static_assert(!std::is_copy_constructible_v<Client> && std::is_nothrow_move_constructible_v<Client>, "clients are moved");
static_assert(!std::is_copy_constructible_v<Response> && std::is_move_constructible_v<Response>, "responses are moved");
static_assert(!std::is_copy_constructible_v<Credential> && std::is_move_constructible_v<Credential>, "credentials are moved");
static_assert(std::is_copy_constructible_v<Error> && std::is_nothrow_copy_constructible_v<Error>, "errors are thrown");

/* What a call throws. */
template <typename Call>
std::optional<Error> thrown(Call call) {
    try {
        call();
        return std::nullopt;
    } catch (const Error &error) {
        return error;
    }
}

static Options finora() {
    Options options;
    options.provider = "finora";
    options.environment = "staging";
    options.base_url = sandbox_url("finora");
    options.insecure_loopback = true;
    options.ca_pem = sandbox_ca();
    options.no_proxy = true;
    return options;
}

static Options numeric() {
    Options options = finora();
    options.provider = "numeric";
    options.environment = "production";
    options.base_url = sandbox_url("numeric_api");
    options.token_url = std::string(sandbox_url("numeric_auth")) + "/oauth/token";
    return options;
}

static Credential numeric_client() { return Credential::client(sandbox_pair("numeric", "client_id"), sandbox_pair("numeric", "client_secret")); }

static void calls() {
    Client client(finora(), Credential::key(sandbox_key("finora_test")));
    Client moved = std::move(client);
    Response invoices = moved.get("/v1/invoices");
    CHECK(invoices.status() == 200 && invoices.body().find("\"success\":true") != std::string_view::npos);
    CHECK(invoices.header("Content-Type") && !invoices.header("x-not-there") && invoices.headers().size() > 1);
    Request request;
    request.path = "/v1/invoices";
    request.query = {{"page", "2"}};
    request.headers = {{"X-Mine", "yes"}};
    request.request_id = "cpp-1";
    request.deadline = std::chrono::seconds(20);
    CHECK(moved.send(request).request_id() == "cpp-1");
    CHECK(moved.post("/v1/invoices", R"({"customerName":"Ada","dueDate":"2026-12-31","items":[{"description":"x","quantity":1,"unitPrice":5}]})").status()
          == 201);
    CHECK(moved.check().find("accepted") != std::string::npos && moved.explain().find("finora") != std::string::npos);
    CHECK(moved.header() == "Authorization" && moved.environment() == "staging" && moved.state() == LEDGERAUTH_STATE_FRESH);
    CHECK(moved.authorize("/v1/x") == std::string("Bearer ") + sandbox_key("finora_test"));
    CHECK(moved.keys().size() == 1 && moved.keys()[0].in_use && moved.keys()[0].prefix == "test_sk_");
    CHECK(!moved.plan().empty() && moved.plan()[0].what.size() > 10);
}

/* A page of another host is not the API's answer, unless that host was named. */
static void elsewhere(Client &client) {
    std::string page = std::string(sandbox_url("stranger")) + "/login?x=1";
    std::string fault = R"({"service": "finora", "times": 2, "kind": {"redirect": {"code": 302, "location": ")" + page + R"("}}})";
    sandbox_do("/faults", fault.c_str());
    auto answered = thrown([&] { client.get("/v1/invoices"); });
    CHECK(answered && answered->status() == LEDGERAUTH_REDIRECTED_ELSEWHERE && answered->kind() == "redirected_elsewhere");
    CHECK(answered && answered->http_status() == 200 && answered->response()->url() == page);
    CHECK(answered && answered->response()->history().size() == 1 && answered->response()->history()[0].first == 302);
    CHECK(answered && answered->response()->body().find("stranger") != std::string_view::npos);
    Request request;
    request.path = "/v1/invoices";
    request.allow_redirect_to = {sandbox_url("stranger")};
    CHECK(client.send(request).url() == page);
}

static void errors() {
    Client client(finora(), Credential::key(sandbox_key("finora_test")));
    auto missing = thrown([&] { client.get("/v1/nothing-here"); });
    CHECK(missing && missing->status() == LEDGERAUTH_REQUEST_REFUSED && missing->http_status() == 404 && missing->response());
    CHECK(missing && missing->response()->body().find("NOT_FOUND") != std::string_view::npos && missing->provider_code() == "NOT_FOUND");
    CHECK(missing && missing->request_id().size() == 32 && !missing->server_request_id().empty() && !missing->is_retryable());
    CHECK(missing && missing->processed() == Processed::no);
    sandbox_do("/faults", R"({"service": "finora", "method": "POST", "kind": "reset_after_acting"})");
    auto lost = thrown([&] { client.post("/v1/invoices", R"({"total": 1})"); });
    CHECK(lost && lost->processed() == Processed::unknown && !lost->is_retryable() && lost->kind() == "transport");
    sandbox_do("/faults", R"({"service": "finora", "method": "POST", "kind": "truncated"})");
    auto cut = thrown([&] { client.post("/v1/invoices", R"({"total": 1})"); });
    CHECK(cut && cut->processed() == Processed::yes && !cut->is_retryable() && cut->status() == LEDGERAUTH_BODY);
    CHECK(cut && cut->http_status() == 201 && cut->request_id().size() == 32 && cut->response() && cut->response()->status() == 201);
    elsewhere(client);
    sandbox_do("/faults", R"({"service": "finora", "kind": {"too_many_requests": {"style": {"retry_after_seconds": 3600}}}})");
    auto limited = thrown([&] { client.get("/v1/invoices"); });
    CHECK(limited && limited->status() == LEDGERAUTH_RATE_LIMITED && limited->come_back_at() > std::chrono::system_clock::now());
    CHECK(limited && limited->is_retryable() && limited->processed() == Processed::no && limited->kind() == "rate_limited" && !limited->advice().empty());
    auto foreign = thrown([&] { client.get("https://elsewhere.example/"); });
    CHECK(foreign && foreign->status() == LEDGERAUTH_FOREIGN_HOST && !foreign->response() && !foreign->come_back_at());
    Error copy = *foreign;
    foreign.reset();
    CHECK(std::string(copy.what()).find("elsewhere.example") != std::string::npos && !copy.happened().empty());
    auto malformed = thrown([] { Provider::builtin("finora").environment_of("live_sk_ 0"); });
    CHECK(malformed && malformed->key_fault() == "white_space" && malformed->position() == 9);
    CHECK(Provider::builtin("finora").environment_of(sandbox_key("finora_test")) == "staging");
    CHECK(Provider::builtin("finora").title() == "Finora Business" && Provider::builtin("numora").name() == "numora");
    CHECK(thrown([] { Credential::from_env("LEDGERAUTH_NOT_SET"); })->status() == LEDGERAUTH_SOURCE_UNAVAILABLE);
    CHECK(thrown([] { Provider::from_toml("x"); })->status() == LEDGERAUTH_PROFILE);
}

static void keys_and_sources() {
    std::string unknown = "test_sk_0123456789abcdef0123456789abcdef0123456789abcdef";
    Time today = std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now());
    Key old, fresh;
    old.text = unknown;
    old.name = "spring";
    fresh.text = sandbox_key("finora_test");
    fresh.name = "summer";
    fresh.created = today;
    Client client(finora(), Credential::keys({old, fresh}));
    CHECK(client.get("/v1/invoices").status() == 200);
    auto states = client.keys();
    CHECK(states.size() == 2 && !states[0].refused.empty() && states[1].in_use && states[1].ends > today && states[1].age == LEDGERAUTH_AGE_ACTIVE);

    int asked = 0;
    auto give = [&]() -> Credential { return Credential::key(asked++ == 0 ? unknown : std::string(sandbox_key("finora_test"))); };
    std::optional<Client> sourced;
    {
        Credential credential = Credential::from_callback(give);
        sourced.emplace(finora(), credential);
    }
    CHECK(sourced->get("/v1/invoices").status() == 200 && asked == 2);
    sourced->reload();
    CHECK(asked == 3 && sourced->get("/v1/invoices").status() == 200);
    int handed = 0;
    sourced->replace_credential(Credential::from_callback([&] { return handed++, Credential::key(sandbox_key("finora_test")); }));
    CHECK(sourced->get("/v1/invoices").status() == 200 && handed > 0 && asked == 3);
    CHECK(thrown([&] { sourced->replace_credential(Credential::client("id", "made-up")); }));
    auto threw = thrown([] { Client(finora(), Credential::from_callback([]() -> Credential { throw std::runtime_error("sealed"); })); });
    CHECK(threw && threw->status() == LEDGERAUTH_SOURCE_UNAVAILABLE);
    auto scoped = thrown([] { Client(numeric(), numeric_client().scopes({"tasks", "reports"}).environment("production")).get("/v1/health"); });
    CHECK(scoped && scoped->status() / 1000 == 3 && scoped->provider_code() == "invalid_scope");
}

/* A store in a map, which throws when it is told to. */
struct Rows : Store {
    std::mutex lock;
    std::map<std::string, std::pair<std::string, std::uint64_t>, std::less<>> rows;
    std::uint64_t owner = 0;
    bool down = false;

    Stored claim(std::string_view id, std::uint64_t by, Milliseconds span, std::optional<std::string> &record) override {
        std::lock_guard<std::mutex> held(lock);
        if (down || span.count() <= 0) {
            throw std::runtime_error("the database is away");
        }
        if (owner != 0 && owner != by) {
            return Stored::taken;
        }
        owner = by;
        auto row = rows.find(id);
        if (row != rows.end()) {
            record = row->second.first;
        }
        return Stored::done;
    }

    Stored save(std::string_view id, const ledgerauth_save &save) override {
        std::lock_guard<std::mutex> held(lock);
        auto &row = rows[std::string(id)];
        if (save.owner != owner || save.replaces != row.second) {
            return Stored::taken;
        }
        row = {std::string(save.record.data, save.record.len), save.generation};
        return Stored::done;
    }

    void release(std::string_view, std::uint64_t by) override {
        std::lock_guard<std::mutex> held(lock);
        owner = owner == by ? 0 : owner;
    }

    std::optional<std::string> load(std::string_view id) override {
        std::lock_guard<std::mutex> held(lock);
        auto row = rows.find(id);
        return row == rows.end() ? std::nullopt : std::optional<std::string>(row->second.first);
    }
};

static void store() {
    auto rows = std::make_shared<Rows>();
    json_int_t before = sandbox_now();
    for (int program = 0; program < 2; program++) {
        Options options = numeric();
        options.store = rows;
        CHECK(Client(options, numeric_client()).get("/v1/health").status() == 200);
    }
    CHECK(sandbox_requests("numeric_auth", before) == 1 && rows->rows.size() == 1);
    rows->down = true;
    json_t *issued = sandbox_control("POST", "/keys", (R"({"refresh_token": {"client_id": ")" + std::string(sandbox_pair("numeric", "client_id")) + "\"}}").c_str());
    Options options = numeric();
    options.store = rows;
    Client client(options, Credential::refresh_token(sandbox_pair("numeric", "client_id"), sandbox_pair("numeric", "client_secret"),
                                                     json_string_value(json_object_get(issued, "refresh_token"))));
    auto down = thrown([&] { client.get("/v1/health"); });
    CHECK(down && down->status() == LEDGERAUTH_STORE && std::string(down->what()).find("the database is away") != std::string::npos);
    json_decref(issued);
}

/* A transport that answers by itself, or throws. */
struct Canned : Transport {
    std::atomic<int> sends{0};
    void send(const ledgerauth_outgoing &request, Answer &answer) override {
        int number = sends++;
        CHECK(detail::view(request.url) == "https://api.finorabusiness.com/v1/invoices");
        if (number == 0) {
            throw NotReached(Unanswered::not_sent, "no way there");
        }
        if (number == 1) {
            throw std::runtime_error("cut");
        }
        answer.status(200);
        answer.header("X-Number", std::to_string(number));
        answer.body("[]");
    }
};

static void transport_and_listeners() {
    auto canned = std::make_shared<Canned>();
    std::atomic<int> events{0}, lines{0};
    Options options;
    options.provider = "finora";
    options.transport = canned;
    options.audit_blocks = true;
    options.on_audit = [&](const ledgerauth_audit_event &event) {
        events += event.what.len > 0 ? 1 : 0;
        throw std::runtime_error("listeners may fail");
    };
    options.on_log = [&](LogLevel level, std::string_view line) { lines += level <= LogLevel::warn && !line.empty() ? 1 : 0; };
    Client client(options, Credential::key("live_sk_0123456789abcdef0123456789abcdef0123456789abcdef"));
    Response response = client.get("/v1/invoices");
    CHECK(response.status() == 200 && response.header("x-number") == "2" && canned->sends == 3);
    CHECK(events >= 4 && lines == events);
}

/* max_body counts what was unpacked. */
static void bodies() {
    bomb server;
    bomb_start(&server, 4096);
    Options options = finora();
    options.base_url = server.url;
    for (std::uint64_t most : {server.unpacked, server.unpacked - 1}) {
        options.max_body = most;
        Client client(options, Credential::key(sandbox_key("finora_test")));
        std::size_t got = 0;
        auto cut = thrown([&] { got = client.get("/v1/invoices").body().size(); });
        if (most < server.unpacked) {
            CHECK(cut && cut->status() == LEDGERAUTH_BODY && cut->http_status() == 200 && cut->processed() == Processed::yes);
        } else {
            CHECK(!cut && got == server.unpacked);
        }
    }
    bomb_stop(&server);
}

/* A listener that calls through its own client is refused, and the call that it hears of goes on. */
static void reentrant() {
    for (bool blocks : {true, false}) {
        std::atomic<Client *> own{nullptr};
        std::atomic<int> calls{0}, refused{0};
        Options options = finora();
        options.audit_blocks = blocks;
        options.on_audit = [&](const ledgerauth_audit_event &) {
            auto misuse = thrown([&] { own.load()->get("/v1/invoices"); });
            refused += misuse && misuse->status() == LEDGERAUTH_MISUSE ? 1 : 0;
            calls++;
        };
        Client client(options, Credential::key(sandbox_key("finora_test")));
        own = &client;
        CHECK(client.get("/v1/invoices").status() == 200);
        for (int waited = 0; calls < 2 && waited < 200; waited++) {
            std::this_thread::sleep_for(Milliseconds(10));
        }
        CHECK(calls == 2 && refused == 2);
    }
}

static void untrusted() {
    struct Impostor : Transport {
        int sends = 0;
        void send(const ledgerauth_outgoing &, Answer &) override {
            sends++;
            throw NotReached(Unanswered::untrusted, "self-signed certificate");
        }
    };
    auto impostor = std::make_shared<Impostor>();
    Options options;
    options.provider = "finora";
    options.transport = impostor;
    Client client(options, Credential::key("live_sk_0123456789abcdef0123456789abcdef0123456789abcdef"));
    auto refused = thrown([&] { client.get("/v1/invoices"); });
    CHECK(refused && refused->status() == LEDGERAUTH_UNTRUSTED && impostor->sends == 1);
}

static void exchange() {
    Options options = finora();
    Client client(options, Credential::key(sandbox_key("finora_test")));
    Exchange exchange(client, "GET", "/v1/invoices");
    ledgerauth_step step = exchange.poll();
    CHECK(step.kind == LEDGERAUTH_STEP_SEND && detail::view(step.method) == "GET" && step.header_count == 2);
    exchange.handle_failure(Unanswered::not_sent, "no way there");
    for (step = exchange.poll(); step.kind == LEDGERAUTH_STEP_WAIT; step = exchange.poll()) {
        std::this_thread::sleep_for(Milliseconds(step.wait_ms + 1));
    }
    CHECK(step.kind == LEDGERAUTH_STEP_SEND && step.attempt == 2);
    Answer answer;
    answer.header_line("HTTP/1.1 200 OK");
    answer.header_line("X-A: b");
    answer.body("[]");
    exchange.handle_response(answer);
    step = exchange.poll();
    CHECK(step.kind == LEDGERAUTH_STEP_DONE && step.outcome == LEDGERAUTH_OUTCOME_ANSWERED && answer.body() == "[]" && answer.status() == 200);
    CHECK(thrown([&] { Exchange(client, "GET", "https://elsewhere.example/"); })->status() == LEDGERAUTH_FOREIGN_HOST);
}

/* Bodies in pieces, both ways; what a piece throws is thrown. */
static void pieces() {
    Client client(finora(), Credential::key(sandbox_key("finora_test")));
    std::string invoice = R"({"customerName":"Ada","dueDate":"2026-12-31","items":[{"description":"x","quantity":1,"unitPrice":5}]})";
    std::size_t given = 0;
    std::string taken;
    Request request;
    request.method = "POST";
    request.path = "/v1/invoices";
    request.headers = {{"Content-Type", "application/json"}};
    request.read_body = [&](char *buffer, std::size_t capacity) {
        std::size_t size = std::min({capacity, invoice.size() - given, std::size_t{7}});
        std::copy_n(invoice.data() + given, size, buffer);
        given += size;
        return size;
    };
    request.read_size = invoice.size();
    request.write_body = [&](std::string_view piece) { taken += piece; };
    Response made = client.send(request);
    CHECK(made.status() == 201 && made.body().empty() && taken.find("Ada") != std::string::npos && given == invoice.size());
    request.read_body = [](char *, std::size_t) -> std::size_t { throw std::runtime_error("the disk is gone"); };
    try {
        client.send(request);
        CHECK(false);
    } catch (const std::runtime_error &thrown_there) {
        CHECK(std::string(thrown_there.what()) == "the disk is gone");
    }
    request = Request();
    request.path = "/v1/invoices";
    request.write_body = [](std::string_view) { throw std::length_error("enough"); };
    try {
        client.send(request);
        CHECK(false);
    } catch (const std::length_error &enough) {
        CHECK(std::string(enough.what()) == "enough");
    }
}

/* Time that passes as the program says. */
struct Fast : Clock {
    std::atomic<std::int64_t> at{1764000000000};
    Time now() override { return Time(Milliseconds(at.load())); }
    bool sleep(Milliseconds span) override {
        at += span.count() * 1000;
        return at < 1764000000000 + 3600 * 1000;
    }
};

static void time_of_ones_own() {
    auto fast = std::make_shared<Fast>();
    Options options = finora();
    options.clock = fast;
    options.random = [] { return std::uint64_t{7}; };
    options.deadline = std::chrono::hours(1);
    Client client(options, Credential::key(sandbox_key("finora_test")));
    sandbox_do("/faults", R"({"service": "finora", "kind": {"too_many_requests": {"style": {"retry_after_seconds": 600}}}})");
    CHECK(client.get("/v1/invoices").status() == 200 && fast->now() >= Time(Milliseconds(1764000000000 + 600 * 1000)));
    std::string first(Client(options, Credential::key(sandbox_key("finora_test"))).get("/v1/invoices").request_id());
    CHECK(Client(options, Credential::key(sandbox_key("finora_test"))).get("/v1/invoices").request_id() == first);
    fast->at = 1764000000000 + 3600 * 1000;
    sandbox_do("/faults", R"({"service": "finora", "kind": {"too_many_requests": {"style": {"retry_after_seconds": 600}}}})");
    auto ended = thrown([&] { client.get("/v1/invoices"); });
    CHECK(ended && ended->status() == LEDGERAUTH_DEADLINE_EXCEEDED);
}

/* A store that also shares limits: what one client met, another keeps. */
struct Board : PausingStore {
    Rows rows;
    std::mutex lock;
    std::optional<Pause> met;

    Stored claim(std::string_view id, std::uint64_t by, Milliseconds span, std::optional<std::string> &record) override {
        return rows.claim(id, by, span, record);
    }
    Stored save(std::string_view id, const ledgerauth_save &row) override { return rows.save(id, row); }
    void release(std::string_view id, std::uint64_t by) override { rows.release(id, by); }
    std::optional<std::string> load(std::string_view id) override { return rows.load(id); }
    void pause(std::string_view, const Pause &limit) override {
        std::lock_guard<std::mutex> held(lock);
        met = limit;
    }
    std::optional<Pause> paused(std::string_view) override {
        std::lock_guard<std::mutex> held(lock);
        return met;
    }
};

static void pauses() {
    auto board = std::make_shared<Board>();
    Options options = finora();
    options.store = board;
    options.deadline = std::chrono::seconds(3);
    sandbox_do("/faults", R"({"service": "finora", "kind": {"too_many_requests": {"style": {"retry_after_seconds": 3600}}}})");
    auto limited = thrown([&] { Client(options, Credential::key(sandbox_key("finora_test"))).get("/v1/invoices"); });
    CHECK(limited && limited->status() == LEDGERAUTH_RATE_LIMITED && board->met && board->met->until > std::chrono::system_clock::now());
    json_int_t before = sandbox_now();
    auto kept = thrown([&] { Client(options, Credential::key(sandbox_key("finora_test"))).get("/v1/invoices"); });
    CHECK(kept && kept->come_back_at() && sandbox_requests("finora", before) == 0);
}

/* Permissions are looked at before anything is sent, and what may not be empty is refused. */
static void said() {
    for (auto set : {&Options::ca_pem, &Options::identity_chain_pem, &Options::identity_key_pem, &Options::store_folder, &Options::store_redis,
                     &Options::store_ca_pem, &Options::store_key, &Options::identity_chain_file, &Options::identity_key_file}) {
        Options options = finora();
        options.*set = "";
        auto empty = thrown([&] { Client(options, Credential::key(sandbox_key("finora_test"))); });
        CHECK(empty && empty->status() == LEDGERAUTH_SETTING && empty->happened().find("is empty") != std::string_view::npos);
    }
    Options halved = finora();
    halved.identity_chain_file = "chain.pem";
    auto half = thrown([&] { Client(halved, Credential::key(sandbox_key("finora_test"))); });
    CHECK(half && half->status() == LEDGERAUTH_MISUSE);
    halved.identity_key_file = "key.pem";
    half = thrown([&] { Client(halved, Credential::key(sandbox_key("finora_test"))); });
    CHECK(half && half->status() == LEDGERAUTH_SETTING && half->happened().find("identity_chain_pem") == 0);
    Options stranger = finora();
    stranger.ca_pem.reset();
    auto advised = thrown([&] { Client(stranger, Credential::key(sandbox_key("finora_test"))).get("/v1/invoices"); });
    CHECK(advised && advised->status() == LEDGERAUTH_UNTRUSTED && advised->advice().find("by ca_pem, or use platform_roots") != std::string_view::npos);
    Options options = finora();
    options.permissions = {"retail"};
    Client client(options, Credential::key(sandbox_key("finora_test")));
    json_int_t before = sandbox_now();
    auto closed = thrown([&] { client.get("/v1/enterprise/x"); });
    CHECK(closed && closed->status() == LEDGERAUTH_ENTERPRISE_ONLY && sandbox_requests("finora", before) == 0);
    CHECK(client.get("/v1/invoices").status() == 200);
}

static void redaction() {
    Redactor redactor;
    redactor.secret("hunter2hunter2").header("X-Mine");
    CHECK(redactor.redact("x-mine: abc\nand hunter2hunter2") == "x-mine: [redacted]\nand [redacted]");
    RedactStream stream(redactor);
    std::string out = stream.push("and hunter2");
    out += stream.push("hunter2\nnext");
    out += stream.finish();
    CHECK(out == "and [redacted]\nnext");
}

int main() {
    sandbox_find();
    calls();
    errors();
    keys_and_sources();
    store();
    transport_and_listeners();
    bodies();
    reentrant();
    untrusted();
    exchange();
    pieces();
    time_of_ones_own();
    pauses();
    said();
    redaction();
    sandbox_leave();
    return check_end("wrapper");
}
