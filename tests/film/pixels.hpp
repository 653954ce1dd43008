#pragma once
/// Made-up pictures and a folder that goes away, for the film tests.
#include <doctest/doctest.h>

#include <glm/glm.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

namespace raymill::film::test {

/// A folder of this test's own; removed with all that is in it.
class Folder {
  public:
    Folder() {
        static std::atomic<int> next{0};
        path_ = std::filesystem::temp_directory_path() / ("raymill_film_" + std::to_string(::getpid()) + "_" + std::to_string(next++));
        std::filesystem::create_directories(path_);
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
    [[nodiscard]] std::size_t count() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator()));
    }
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

/// What a path tracer hands over: smooth light with noise, opaque.
inline std::vector<glm::vec4> noisy_pixels(std::uint32_t width, std::uint32_t height, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::lognormal_distribution<float> noise(0.0F, 0.3F);
    std::vector<glm::vec4> pixels;
    pixels.reserve(std::size_t{width} * height);
    for (std::uint32_t y = 0; y < height; ++y) {
        for (std::uint32_t x = 0; x < width; ++x) {
            const float light = 0.2F + static_cast<float>(x + y) / static_cast<float>(width + height);
            pixels.emplace_back(light * noise(random), 0.8F * light * noise(random), 0.5F * light * noise(random), 1.0F);
        }
    }
    return pixels;
}

inline bool same_bits(const glm::vec4& a, const glm::vec4& b) { return glm::floatBitsToUint(a) == glm::floatBitsToUint(b); }

inline bool same_bits(const std::vector<glm::vec4>& a, const std::vector<glm::vec4>& b) {
    return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return same_bits(x, y); });
}

inline std::vector<std::uint8_t> bytes_of_file(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

inline void write_file(const std::filesystem::path& file, const std::vector<std::uint8_t>& bytes) {
    std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

} // namespace raymill::film::test
