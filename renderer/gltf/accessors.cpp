#include "renderer/gltf/accessors.hpp"

#include "renderer/scene/scene.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace raymill::gltf {
namespace {

static_assert(std::endian::native == std::endian::little, "glTF buffers are little-endian and are copied as they are");

// glTF 2.0, 3.6.2.2: component types.
enum ComponentType : std::uint32_t { int8 = 5120, uint8 = 5121, int16 = 5122, uint16 = 5123, uint32 = 5125, float32 = 5126 };

std::size_t size_of(std::uint32_t type, const std::string& where) {
    switch (type) {
    case int8:
    case uint8:
        return 1;
    case int16:
    case uint16:
        return 2;
    case uint32:
    case float32:
        return 4;
    default:
        bad(where, "is " + std::to_string(type) + ", which is no component type of glTF");
    }
}

struct Shape {
    std::string_view name;
    std::uint32_t columns, rows;
};
constexpr Shape shapes[] = {{"SCALAR", 1, 1}, {"VEC2", 1, 2}, {"VEC3", 1, 3}, {"VEC4", 1, 4},
                            {"MAT2", 2, 2},   {"MAT3", 3, 3}, {"MAT4", 4, 4}};

template<class T> T load(const std::byte* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

/// glTF 2.0, 3.6.2.2: normalised integers are c / max, signed ones not below -1.
float component(const std::byte* at, std::uint32_t type, bool normalized) {
    switch (type) {
    case int8:
        return normalized ? std::max(static_cast<float>(load<std::int8_t>(at)) / 127.f, -1.f) : static_cast<float>(load<std::int8_t>(at));
    case uint8:
        return static_cast<float>(load<std::uint8_t>(at)) / (normalized ? 255.f : 1.f);
    case int16:
        return normalized ? std::max(static_cast<float>(load<std::int16_t>(at)) / 32767.f, -1.f)
                          : static_cast<float>(load<std::int16_t>(at));
    case uint16:
        return static_cast<float>(load<std::uint16_t>(at)) / (normalized ? 65535.f : 1.f);
    case uint32:
        return normalized ? static_cast<float>(load<std::uint32_t>(at) / 4294967295.0) : static_cast<float>(load<std::uint32_t>(at));
    default:
        return load<float>(at);
    }
}

std::uint32_t whole_component(const std::byte* at, std::size_t size) {
    return size == 1 ? load<std::uint8_t>(at) : size == 2 ? load<std::uint16_t>(at) : load<std::uint32_t>(at);
}

constexpr std::uint64_t max_count = 1ull << 31; // keeps count x stride within 64 bits

} // namespace

Accessors::Accessors(Document& document)
    : document_(document), count_(document.root().size("accessors")), views_(document.root().size("bufferViews")) {}

Accessors::Head Accessors::head(std::uint32_t index) const {
    const Object object = document_.root().at("accessors", index);
    Head out{object, object.whole("count"), 0, 0, 0, 0, object.flag("normalized")};
    if (out.count == 0) bad(object.path("count"), "is 0");
    if (out.count > max_count)
        bad(object.path("count"), "is " + std::to_string(out.count) + "; at most " + std::to_string(max_count) + " are read");
    const std::uint64_t type = object.whole("componentType");
    out.component_type = static_cast<std::uint32_t>(std::min<std::uint64_t>(type, 0xffffffffu));
    out.component_size = size_of(out.component_type, object.path("componentType"));
    const std::string name = object.text("type");
    const auto* shape = std::find_if(std::begin(shapes), std::end(shapes), [&](const Shape& s) { return s.name == name; });
    if (shape == std::end(shapes)) bad(object.path("type"), "'" + printable(name) + "' is no type of glTF");
    out.components = shape->columns * shape->rows;
    // Columns of matrices begin at multiples of 4 bytes (glTF 2.0, 3.6.2.4); only MAT4 is read here, and its columns do by themselves.
    const std::size_t column = shape->rows * out.component_size;
    out.element_size = shape->columns == 1 ? column : shape->columns * ((column + 3) / 4 * 4);
    return out;
}

std::uint64_t Accessors::count(std::uint32_t index) const { return head(index).count; }
std::uint32_t Accessors::components(std::uint32_t index) const { return head(index).components; }

void Accessors::spend(const Head& head) {
    spent_ += head.count;
    if (spent_ > document_.limits().max_elements)
        bad(head.object.path(),
            "with it more than " + std::to_string(document_.limits().max_elements) + " elements are read from accessors");
}

Accessors::Elements Accessors::elements(const Head& head) {
    spend(head);
    const Object& object = head.object;
    Elements out;
    const std::uint32_t view = object.optional_index("bufferView", views_, "bufferViews");
    if (view != scene::NONE) {
        const auto bytes = document_.view(view);
        const std::uint64_t offset = object.whole("byteOffset", 0);
        std::uint64_t stride = document_.stride(view);
        if (stride == 0) stride = head.element_size;
        if (stride < head.element_size)
            bad(object.path(), "its elements of " + std::to_string(head.element_size) + " bytes overlap: " + place("bufferViews", view) +
                                   " has a byteStride of " + std::to_string(stride));
        // count <= 2^31 and stride <= 2^30: no overflow.
        const std::uint64_t length = stride * (head.count - 1) + head.element_size;
        if (offset > bytes.size() || length > bytes.size() - offset)
            bad(object.path(), std::to_string(head.count) + " elements of " + std::to_string(head.element_size) + " bytes" +
                                   (offset > 0 ? " from " + std::to_string(offset) : "") +
                                   (stride != head.element_size ? " every " + std::to_string(stride) + " bytes" : "") + " go past " +
                                   place("bufferViews", view) + " (" + std::to_string(bytes.size()) + " bytes)");
        out.first = bytes.data() + offset;
        out.stride = stride;
    }
    const bool sparse = object.has("sparse");
    if (view != scene::NONE && !sparse) return out;
    out.own.resize(head.count * head.element_size);
    if (view != scene::NONE)
        for (std::uint64_t i = 0; i < head.count; ++i)
            std::memcpy(out.own.data() + i * head.element_size, out.first + i * out.stride, head.element_size);
    if (sparse) patch(head, out.own);
    out.first = out.own.data();
    out.stride = head.element_size;
    return out;
}

/// glTF 2.0, 3.6.2.3: some elements replaced.
void Accessors::patch(const Head& head, std::vector<std::byte>& dense) {
    const auto sparse = *head.object.object("sparse");
    const std::uint64_t count = sparse.whole("count");
    if (count > head.count)
        bad(sparse.path("count"), "is " + std::to_string(count) + ", but the accessor has " + std::to_string(head.count) + " elements");
    if (count == 0) return;
    const auto part = [&](std::string_view key, std::size_t size) {
        const auto object = sparse.object(key);
        if (!object) bad(sparse.path(key), "is missing");
        const std::uint32_t view = object->index("bufferView", views_, "bufferViews");
        const std::uint64_t offset = object->whole("byteOffset", 0);
        const auto bytes = document_.view(view);
        if (offset > bytes.size() || count * size > bytes.size() - offset)
            bad(object->path(), std::to_string(count) + " elements of " + std::to_string(size) + " bytes go past " +
                                    place("bufferViews", view) + " (" + std::to_string(bytes.size()) + " bytes)");
        return bytes.data() + offset;
    };
    const auto indices = sparse.object("indices");
    if (!indices) bad(sparse.path("indices"), "is missing");
    const std::uint64_t type = indices->whole("componentType");
    if (type != uint8 && type != uint16 && type != uint32)
        bad(indices->path("componentType"), "is " + std::to_string(type) + "; indices are unsigned integers");
    const std::size_t index_size = size_of(static_cast<std::uint32_t>(type), indices->path("componentType"));
    const std::byte* const index_bytes = part("indices", index_size);
    const std::byte* const values = part("values", head.element_size);
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint32_t at = whole_component(index_bytes + i * index_size, index_size);
        if (at >= head.count)
            bad(indices->path(), "element " + std::to_string(i) + " is " + std::to_string(at) + ", but the accessor has " +
                                     std::to_string(head.count) + " elements");
        std::memcpy(dense.data() + at * head.element_size, values + i * head.element_size, head.element_size);
    }
}

std::vector<float> Accessors::floats(std::uint32_t index, std::initializer_list<std::string_view> types) {
    const Head h = head(index);
    const std::string type = h.object.text("type");
    if (std::find(types.begin(), types.end(), type) == types.end()) {
        std::string wanted;
        for (const auto t : types) wanted += (wanted.empty() ? "" : " or ") + std::string(t);
        bad(h.object.path("type"), "is " + printable(type) + "; " + wanted + " is needed for its use");
    }
    if (h.component_type == float32 && h.normalized) bad(h.object.path("normalized"), "is true for floats");
    const Elements from = elements(h);
    std::vector<float> out(h.count * h.components);
    const bool packed = h.element_size == h.components * h.component_size;
    for (std::uint64_t i = 0; i < h.count; ++i) {
        const std::byte* const element = from.first + i * from.stride;
        for (std::uint32_t c = 0; c < h.components; ++c) {
            const std::size_t offset = packed ? c * h.component_size : c / 4 * (h.element_size / 4) + c % 4 * h.component_size;
            const float value = component(element + offset, h.component_type, h.normalized);
            if (!std::isfinite(value)) bad(h.object.path(), "element " + std::to_string(i) + " is not finite");
            out[i * h.components + c] = value;
        }
    }
    return out;
}

template<class T> std::vector<T> Accessors::vectors(std::uint32_t index, std::string_view type) {
    const std::vector<float> flat = floats(index, {type});
    static_assert(sizeof(T) % sizeof(float) == 0);
    std::vector<T> out(flat.size() * sizeof(float) / sizeof(T));
    std::memcpy(static_cast<void*>(out.data()), flat.data(), flat.size() * sizeof(float));
    return out;
}

std::vector<glm::vec2> Accessors::vec2s(std::uint32_t index) { return vectors<glm::vec2>(index, "VEC2"); }
std::vector<glm::vec3> Accessors::vec3s(std::uint32_t index) { return vectors<glm::vec3>(index, "VEC3"); }
std::vector<glm::vec4> Accessors::vec4s(std::uint32_t index) { return vectors<glm::vec4>(index, "VEC4"); }
std::vector<glm::mat4> Accessors::mat4s(std::uint32_t index) { return vectors<glm::mat4>(index, "MAT4"); }

std::vector<std::uint32_t> Accessors::wholes(std::uint32_t index, std::string_view type) {
    const Head h = head(index);
    if (h.object.text("type") != type)
        bad(h.object.path("type"), "is " + printable(h.object.text("type")) + "; " + std::string(type) + " is needed for its use");
    if (h.component_type != uint8 && h.component_type != uint16 && h.component_type != uint32)
        bad(h.object.path("componentType"), "is " + std::to_string(h.component_type) + "; unsigned integers are needed for its use");
    const Elements from = elements(h);
    std::vector<std::uint32_t> out(h.count * h.components);
    for (std::uint64_t i = 0; i < h.count; ++i)
        for (std::uint32_t c = 0; c < h.components; ++c)
            out[i * h.components + c] = whole_component(from.first + i * from.stride + c * h.component_size, h.component_size);
    return out;
}

} // namespace raymill::gltf
