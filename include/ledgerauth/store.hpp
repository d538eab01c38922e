/* A program's own token store. Part of ledgerauth.hpp. */
#ifndef LEDGERAUTH_STORE_HPP
#define LEDGERAUTH_STORE_HPP

#include <ledgerauth/boundary.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ledgerauth {

/* What came of asking a store. */
enum class Stored {
    done = LEDGERAUTH_STORE_DONE,
    taken = LEDGERAUTH_STORE_TAKEN,
    /* Of claim alone: done, and the process that saved the record last has died for certain. */
    holder_died = LEDGERAUTH_STORE_HOLDER_DIED,
};

class PausingStore;

/* A program's own token store; ledgerauth.h says what each has to do. One that throws does not work, and what() says why. */
class Store {
public:
    Store() = default;
    Store(const Store &) = default;
    Store &operator=(const Store &) = default;
    virtual ~Store() = default;
    virtual Stored claim(std::string_view id, std::uint64_t owner, Milliseconds span, std::optional<std::string> &record) = 0;
    virtual Stored save(std::string_view id, const ledgerauth_save &save) = 0;
    virtual void release(std::string_view id, std::uint64_t owner) = 0;
    virtual std::optional<std::string> load(std::string_view id) = 0;

    /* The same store, if it also shares limits. */
    virtual PausingStore *pausing() { return nullptr; }
};

/* A limit that was met: nobody sends before that moment. */
struct Pause {
    Time until;
    std::string why;
};

/* A store that shares limits: what one client met, the others learn. If it throws, it has none. */
class PausingStore : public Store {
public:
    virtual void pause(std::string_view id, const Pause &limit) = 0;
    /* The limit that is in force, if there is one. */
    virtual std::optional<Pause> paused(std::string_view id) = 0;

    PausingStore *pausing() final { return this; }
};

} // namespace ledgerauth

#endif
