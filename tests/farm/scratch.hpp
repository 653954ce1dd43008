#pragma once
/// A folder of the test's own, gone with it. In memory where there is room (unless TMPDIR says where): a killed process loses nothing that
/// it wrote there either, and tests of what is durable do not wait for whatever else this machine's disk has to write.
#include "farm/protocol/sha256.hpp"

#include <cstdlib>
#include <filesystem>
#include <unistd.h>

namespace raymill::farm {

struct Scratch {
    std::filesystem::path path = above() / ("raymill-test-" + random_hex(8));
    static std::filesystem::path above() {
        const std::filesystem::path memory = "/dev/shm";
        std::error_code error;
        const auto room = std::filesystem::space(memory, error);
        const bool good = !error && room.available >= std::uintmax_t{1} << 30 && ::access(memory.c_str(), W_OK | X_OK) == 0;
        return good && std::getenv("TMPDIR") == nullptr ? memory : std::filesystem::temp_directory_path();
    }
    Scratch() {
        std::filesystem::create_directory(path);
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    operator std::filesystem::path() const { return path; }
    std::filesystem::path operator/(const std::string& name) const { return path / name; }
};

} // namespace raymill::farm
