#include "tests/fuzz/targets.hpp"

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>

namespace raymill::fuzz {
namespace {

/// Gone with the process, unless that crashed.
struct Folder {
    std::filesystem::path path;
    Folder() {
        std::error_code error;
        const auto above =
            std::filesystem::is_directory("/dev/shm", error) ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
        path = above / ("raymill-fuzz-" + std::to_string(::getpid()));
        std::filesystem::create_directory(path);
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
};

} // namespace

std::filesystem::path file_of(Bytes input, const std::string& name) {
    static const Folder folder;
    auto file = folder.path / name;
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    promise(fd >= 0 && ::write(fd, input.data(), input.size()) == static_cast<ssize_t>(input.size()), "no room for the input");
    ::close(fd);
    return file;
}

std::string text_of(Bytes input) { return {reinterpret_cast<const char*>(input.data()), input.size()}; }

std::string scene_file(const std::string& name) {
    const char* folder = std::getenv("SCENES");
    std::ifstream in(std::filesystem::path(folder != nullptr ? folder : "scenes") / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void promise(bool kept, const char* words) {
    if (kept) return;
    std::fprintf(stderr, "broken promise: %s\n", words);
    std::abort();
}

} // namespace raymill::fuzz
