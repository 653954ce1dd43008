#pragma once
/// Typed, checked access to glTF JSON. Faults name the place: "nodes[3].children[0]". Private to renderer/gltf.
#include "renderer/gltf/fault.hpp"

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace raymill::gltf {

using Json = nlohmann::json;

/// A JSON object and where it stands. `json` must outlive it.
class Object {
  public:
    Object(const Json& json, std::string path);

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string path(std::string_view key) const { return path_.empty() ? std::string(key) : path_ + "." + std::string(key); }
    [[nodiscard]] const Json& json() const { return *json_; }
    [[nodiscard]] bool has(std::string_view key) const { return json_->find(key) != json_->end(); }

    /// A number that fits a finite float.
    [[nodiscard]] float number(std::string_view key, float absent) const;
    [[nodiscard]] float number(std::string_view key) const;
    /// A whole number in 0 .. 2^53.
    [[nodiscard]] std::uint64_t whole(std::string_view key, std::uint64_t absent) const;
    [[nodiscard]] std::uint64_t whole(std::string_view key) const;
    /// An index below `count` of the things called `of`; the optional form gives scene::NONE where the key is absent.
    [[nodiscard]] std::uint32_t index(std::string_view key, std::uint64_t count, std::string_view of) const;
    [[nodiscard]] std::uint32_t optional_index(std::string_view key, std::uint64_t count, std::string_view of) const;
    [[nodiscard]] bool flag(std::string_view key) const;        ///< false where absent
    [[nodiscard]] std::string text(std::string_view key) const; ///< "" where absent
    /// Arrays of numbers: exactly N of them, or any number of them.
    template<std::size_t N> [[nodiscard]] std::optional<std::array<float, N>> numbers(std::string_view key) const {
        if (!has(key)) return {};
        const std::vector<float> all = list(key);
        if (all.size() != N) bad(path(key), "has " + std::to_string(all.size()) + " numbers; " + std::to_string(N) + " are needed");
        std::array<float, N> out;
        for (std::size_t i = 0; i < N; ++i) out[i] = all[i];
        return out;
    }
    [[nodiscard]] std::vector<float> list(std::string_view key) const; ///< empty where absent
    [[nodiscard]] std::vector<std::uint32_t> indices(std::string_view key, std::uint64_t count, std::string_view of) const;
    [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;

    [[nodiscard]] std::optional<Object> object(std::string_view key) const;
    /// The extension `name` of this object, if it is there.
    [[nodiscard]] std::optional<Object> extension(const char* name) const;

    /// An array of objects: how many, and each. Absent is empty.
    [[nodiscard]] std::size_t size(std::string_view key) const;
    [[nodiscard]] Object at(std::string_view key, std::size_t index) const;

  private:
    [[nodiscard]] const Json* find(std::string_view key) const;
    const Json* json_;
    std::string path_;
};

/// "nodes[3]".
std::string place(std::string_view array, std::uint64_t index);

} // namespace raymill::gltf
