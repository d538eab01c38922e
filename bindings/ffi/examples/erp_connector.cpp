/*
 * An ERP connector's evening: the day's invoices go to Finora, the supplier invoices that were scanned go to Numora, and a
 * table says what became of each.
 *
 *     c++ -std=c++17 erp_connector.cpp $(pkg-config --cflags --libs ledgerauth) -o erp_connector
 *     FINORA_KEY_OLD=... FINORA_KEY_NEW=... NUMORA_API_KEY=... NUMORA_URL=... ./erp_connector
 *
 * The evening is not a quiet one: a key is revoked while its successor waits in the ring, there is a 429, and connections are
 * cut. The library sees to keys, waits and repeats. One thing only the ERP can decide: when the connection is cut after an
 * invoice went out, and the API has no way to recognise a repeat, nobody knows whether it was booked. Then the connector
 * looks for its own reference before it sends again.
 */
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <ledgerauth.hpp>
#include <mutex>

namespace {

std::string variable(const char *name) {
    const char *value = std::getenv(name);
    return value == nullptr ? "" : value;
}

/* What the ERP has to send, and what became of it. */
struct Item {
    std::string system;
    std::string reference;
    std::string body;
    int status = 0;
    std::string request_id;
    std::string remark;
};

std::string reference(const char *kind, int number) {
    char text[32];
    std::snprintf(text, sizeof text, "%s-2026-%04d", kind, number);
    return text;
}

std::vector<Item> days_work() {
    std::vector<Item> items;
    for (int number = 1; number <= 12; number++) {
        std::string name = reference("INV", number);
        items.push_back({"finora", name,
                         "{\"reference\":\"" + name + "\",\"customerName\":\"Customer " + std::to_string(number)
                             + "\",\"dueDate\":\"2026-12-31\",\"items\":[{\"description\":\"Delivery\",\"quantity\":1,\"unitPrice\":"
                             + std::to_string(1000 * number) + "}]}",
                         0, "", ""});
    }
    for (int number = 1; number <= 6; number++) {
        std::string name = reference("AP", number);
        /* The external_id makes a repeat harmless, so the library repeats by itself. */
        items.push_back({"numora", name,
                         "{\"schema\":\"invoice_v2\",\"file_url\":\"https://files.example.com/" + name + ".pdf\",\"external_id\":\"" + name + "\"}", 0,
                         "", ""});
    }
    return items;
}

/* Counts what the library had to do, by its audit events. */
struct Evening {
    std::mutex lock;
    int sent = 0, repeated = 0, paused = 0, replaced = 0;

    void hear(const ledgerauth_audit_event &event) {
        std::lock_guard<std::mutex> held(lock);
        std::string_view what(event.what.data, event.what.len);
        sent += what == "sent" ? 1 : 0;
        repeated += what == "repeating" ? 1 : 0;
        paused += what == "pausing" ? 1 : 0;
        replaced += what == "replaced" ? 1 : 0;
    }
};

ledgerauth::Options options(const char *provider, const char *url, Evening &evening) {
    ledgerauth::Options options;
    options.provider = provider;
    options.base_url = variable(url);
    options.environment = variable("ENVIRONMENT");
    options.integration = "erp";
    options.platform_roots = true;
    // The evening is written by one thread at a time.
    options.audit_blocks = true;
    options.on_audit = [&evening](const ledgerauth_audit_event &event) { evening.hear(event); };
    return options;
}

/* Whether Finora has an invoice with this reference. */
bool is_booked(const ledgerauth::Client &finora, const std::string &reference) {
    ledgerauth::Response invoices = finora.get("/v1/invoices");
    return invoices.body().find("\"reference\":\"" + reference + "\"") != std::string_view::npos;
}

/* Sends one item; an answer that was lost is looked for before anything is sent again. */
void deliver(const ledgerauth::Client &client, Item &item) {
    const char *path = item.system == "finora" ? "/v1/invoices" : "/v1/documents";
    for (int attempt = 1;; attempt++) {
        try {
            ledgerauth::Response response = client.post(path, item.body);
            item.status = response.status();
            item.request_id = response.request_id();
            return;
        } catch (const ledgerauth::Error &error) {
            bool lost = error.status() == LEDGERAUTH_TRANSPORT && item.system == "finora";
            item.request_id = error.request_id();
            if (lost && is_booked(client, item.reference)) {
                item.status = 201;
                item.remark = "the answer was lost; looked, and it is booked";
                return;
            }
            if (!lost || attempt == 3) {
                item.remark = error.what();
                return;
            }
            item.remark = "the answer was lost; looked, it was not booked, sent again";
        }
    }
}

int print(const std::vector<Item> &items, const Evening &evening) {
    int failed = 0;
    std::printf("%-8s %-14s %-7s %-34s %s\n", "system", "reference", "status", "request id", "remark");
    for (const Item &item : items) {
        failed += item.status >= 200 && item.status < 300 ? 0 : 1;
        std::printf("%-8s %-14s %-7d %-34s %s\n", item.system.c_str(), item.reference.c_str(), item.status, item.request_id.c_str(),
                    item.remark.c_str());
    }
    std::printf("\n%zu items, %d failed; %d requests sent, %d repeated, %d pauses, %d keys replaced\n", items.size(), failed, evening.sent,
                evening.repeated, evening.paused, evening.replaced);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

} // namespace

int main() try {
    Evening evening;
    ledgerauth::Key old_key, new_key;
    old_key.text = variable("FINORA_KEY_OLD");
    old_key.name = "spring";
    new_key.text = variable("FINORA_KEY_NEW");
    new_key.name = "summer";
    ledgerauth::Client finora(options("finora", "FINORA_URL", evening), ledgerauth::Credential::keys({old_key, new_key}));
    ledgerauth::Options to_numora = options("numora", "NUMORA_URL", evening);
    to_numora.environment.clear();
    ledgerauth::Client numora(to_numora, ledgerauth::Credential::from_env("NUMORA_API_KEY"));

    std::vector<Item> items = days_work();
    for (Item &item : items) {
        deliver(item.system == "finora" ? finora : numora, item);
    }
    int result = print(items, evening);
    for (const ledgerauth::PlanStep &step : finora.plan()) {
        std::cout << "to do: " << step.what << "\n";
    }
    return result;
} catch (const ledgerauth::Error &error) {
    std::cerr << error.what() << "\n";
    return EXIT_FAILURE;
}
