#pragma once
/// How a test says that this machine lacks what it needs: RAYMILL_SKIP("no ../shared/scenes beside this checkout"); prints one line that
/// tools/test counts and shows, and returns from the test case.
#include <cstdio>

#include <doctest/doctest.h>

#define RAYMILL_SKIP(reason)                                                                                                               \
    do {                                                                                                                                   \
        std::printf("SKIPPED: %s: %s\n", doctest::getContextOptions()->currentTest->m_name, reason);                                       \
        return;                                                                                                                            \
    } while (false)
