#pragma once
/// A folder of the test's own, gone with it.
#include "farm/protocol/sha256.hpp"

#include <filesystem>

namespace raymill::farm {

struct Scratch {
    std::filesystem::path path = std::filesystem::temp_directory_path() / ("raymill-test-" + random_hex(8));
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
