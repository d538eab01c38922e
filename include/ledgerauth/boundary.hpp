/* What crosses between C++ and C: text, time, lists, and whose an object is. Part of ledgerauth.hpp. */
#ifndef LEDGERAUTH_BOUNDARY_HPP
#define LEDGERAUTH_BOUNDARY_HPP

#include <ledgerauth.h>

#include <chrono>
#include <cstdint>
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

/* A text that may not be there; one that is there and empty is told apart. */
inline ledgerauth_str said(const std::optional<std::string> &text) { return text ? ledgerauth_str{text->data(), text->size()} : ledgerauth_str{nullptr, 0}; }

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

/* Pairs as C knows them; they point into those given. */
inline std::vector<ledgerauth_header> fields(const std::vector<Field> &pairs) {
    std::vector<ledgerauth_header> raw;
    for (const Field &pair : pairs) {
        raw.push_back({str(pair.first), str(pair.second)});
    }
    return raw;
}

/* A list of texts likewise. */
inline std::vector<ledgerauth_str> texts(const std::vector<std::string> &given) {
    std::vector<ledgerauth_str> raw;
    for (const std::string &text : given) {
        raw.push_back(str(text));
    }
    return raw;
}

inline std::string taken(ledgerauth_text *text) {
    Owned<ledgerauth_text, ledgerauth_text_free> owned(text);
    return std::string(view(ledgerauth_text_str(text)));
}

} // namespace detail

} // namespace ledgerauth

#endif
