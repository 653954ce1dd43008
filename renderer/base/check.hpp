#pragma once
/// Checks of what cannot happen, kept in release builds: they print their operands and end the process. Data from outside never reaches
/// one.
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

namespace raymill::detail {

[[noreturn]] inline void check_failed(const char* file, int line, const char* text, const std::string& operands) {
    std::fprintf(stderr, "%s:%d: check failed: %s%s\n", file, line, text, operands.c_str());
    std::abort();
}

template<class A, class B> [[noreturn]] void check_failed(const char* file, int line, const char* text, const A& a, const B& b) {
    std::ostringstream operands;
    operands << " (" << a << " against " << b << ")";
    check_failed(file, line, text, operands.str());
}

} // namespace raymill::detail

#define CHECK_TRUE(condition)                                                                                                              \
    do {                                                                                                                                   \
        if (!(condition)) ::raymill::detail::check_failed(__FILE__, __LINE__, #condition, std::string());                                  \
    } while (false)
#define RAYMILL_CHECK_OP(a, op, b)                                                                                                         \
    do {                                                                                                                                   \
        const auto& check_a_ = (a);                                                                                                        \
        const auto& check_b_ = (b);                                                                                                        \
        if (!(check_a_ op check_b_)) ::raymill::detail::check_failed(__FILE__, __LINE__, #a " " #op " " #b, check_a_, check_b_);           \
    } while (false)
// Not CHECK_EQ and friends: doctest owns those names in tests.
#define CHECK_SAME(a, b) RAYMILL_CHECK_OP(a, ==, b)
#define CHECK_BELOW(a, b) RAYMILL_CHECK_OP(a, <, b)
#define CHECK_AT_MOST(a, b) RAYMILL_CHECK_OP(a, <=, b)
