#pragma once
// A folder that goes away with the test.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace raymill::test {

struct Folder {
    std::filesystem::path path;

    Folder() {
        auto name = (std::filesystem::temp_directory_path() / "raymill-test-XXXXXX").string();
        if (!::mkdtemp(name.data())) std::abort();
        path = name;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }

    void write(const std::string& name, const std::string& bytes) const {
        std::filesystem::create_directories((path / name).parent_path());
        std::ofstream(path / name, std::ios::binary) << bytes;
    }
    [[nodiscard]] std::string read(const std::string& name) const {
        std::ifstream file(path / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    /// What lies in it, by name, sorted, hidden files too.
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator(path)) found.push_back(entry.path().filename().string());
        std::ranges::sort(found);
        return found;
    }
};

} // namespace raymill::test
