/* A program's own time. Part of ledgerauth.hpp. */
#ifndef LEDGERAUTH_CLOCK_HPP
#define LEDGERAUTH_CLOCK_HPP

#include <ledgerauth/boundary.hpp>

namespace ledgerauth {

/* A program's own time. Called from many threads at once. */
class Clock {
public:
    Clock() = default;
    Clock(const Clock &) = default;
    Clock &operator=(const Clock &) = default;
    virtual ~Clock() = default;

    /* The time, by a clock that neither steps with the wall clock nor stops while the machine sleeps. One that throws ends the program. */
    virtual Time now() = 0;

    /* Sleeps that long, 50 milliseconds at most; false ends the wait, and the call with LEDGERAUTH_DEADLINE_EXCEEDED. So does one that throws. */
    virtual bool sleep(Milliseconds span) = 0;
};

} // namespace ledgerauth

#endif
