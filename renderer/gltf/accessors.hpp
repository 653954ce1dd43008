#pragma once
/// glTF accessors as numbers: interleaved, sparse, without bufferView, of every component type, normalised or not. Private to
/// renderer/gltf. Faults name the accessor: "accessors[12]: 40 elements of 12 bytes go past bufferViews[3] (456 bytes)".
#include "renderer/gltf/document.hpp"

#include <cstddef>
#include <cstdint>
#include <glm/glm.hpp>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace raymill::gltf {

class Accessors {
  public:
    explicit Accessors(Document& document);

    [[nodiscard]] std::uint64_t size() const { return count_; } ///< how many accessors there are
    /// Elements of accessors[index], without reading them.
    [[nodiscard]] std::uint64_t count(std::uint32_t index) const;
    /// The number of components of its type: 1 to 4 for SCALAR and VEC*, 16 for MAT4.
    [[nodiscard]] std::uint32_t components(std::uint32_t index) const;

    /// All components one after the other, finite; `types` lists what is allowed ("VEC3", "VEC4").
    [[nodiscard]] std::vector<float> floats(std::uint32_t index, std::initializer_list<std::string_view> types);
    [[nodiscard]] std::vector<glm::vec2> vec2s(std::uint32_t index);
    [[nodiscard]] std::vector<glm::vec3> vec3s(std::uint32_t index);
    [[nodiscard]] std::vector<glm::vec4> vec4s(std::uint32_t index);
    [[nodiscard]] std::vector<glm::mat4> mat4s(std::uint32_t index);
    /// Unsigned whole numbers (indices, joints).
    [[nodiscard]] std::vector<std::uint32_t> wholes(std::uint32_t index, std::string_view type);

  private:
    struct Head {
        Object object;
        std::uint64_t count;
        std::uint32_t component_type, components;
        std::size_t component_size, element_size;
        bool normalized;
    };
    struct Elements {
        const std::byte* first = nullptr;
        std::uint64_t stride = 0;
        std::vector<std::byte> own; ///< where they had to be put together
    };
    [[nodiscard]] Head head(std::uint32_t index) const;
    [[nodiscard]] Elements elements(const Head& head);
    void patch(const Head& head, std::vector<std::byte>& dense);
    void spend(const Head& head);
    template<class T> [[nodiscard]] std::vector<T> vectors(std::uint32_t index, std::string_view type);

    Document& document_;
    std::uint64_t count_ = 0, views_ = 0;
    std::uint64_t spent_ = 0;
};

} // namespace raymill::gltf
