#include "renderer/gltf/json.hpp"

#include "renderer/scene/scene.hpp"

#include <cmath>
#include <limits>

namespace raymill::gltf {
namespace {

float number_of(const Json& value, const std::string& where) {
    if (!value.is_number()) bad(where, std::string("is ") + value.type_name() + "; a number is needed");
    const auto wide = value.get<double>();
    if (!(std::abs(wide) <= static_cast<double>(std::numeric_limits<float>::max()))) bad(where, "does not fit a 32-bit float");
    return static_cast<float>(wide);
}

std::uint64_t whole_of(const Json& value, const std::string& where) {
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    if (value.is_number_integer()) bad(where, "is negative");
    // JSON has one kind of number: 3.0 is a whole number too. Doubles hold whole numbers exactly up to 2^53.
    if (value.is_number_float()) {
        const auto wide = value.get<double>();
        if (wide >= 0 && wide <= 9007199254740992.0 && wide == std::floor(wide)) return static_cast<std::uint64_t>(wide);
        bad(where, "is not a whole number from 0 up");
    }
    bad(where, std::string("is ") + value.type_name() + "; a whole number is needed");
}

std::uint32_t index_of(const Json& value, const std::string& where, std::uint64_t count, std::string_view of) {
    const std::uint64_t index = whole_of(value, where);
    if (index >= count) bad(where, "is " + std::to_string(index) + ", but there are " + std::to_string(count) + " " + std::string(of));
    return static_cast<std::uint32_t>(index);
}

} // namespace

std::string printable(std::string_view words) {
    constexpr std::size_t longest = 120;
    std::string out;
    for (const char c : words.substr(0, longest)) out.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c);
    if (words.size() > longest) {
        while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xc0u) == 0x80u) out.pop_back(); // not within a UTF-8 sequence
        if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0x80u) out.pop_back();
        out += "...";
    }
    return out;
}

std::string place(std::string_view array, std::uint64_t index) { return std::string(array) + "[" + std::to_string(index) + "]"; }

Object::Object(const Json& json, std::string path) : json_(&json), path_(std::move(path)) {
    if (!json.is_object()) bad(path_, std::string("is ") + json.type_name() + "; an object is needed");
}

const Json* Object::find(std::string_view key) const {
    const auto at = json_->find(key);
    return at == json_->end() ? nullptr : &*at;
}

float Object::number(std::string_view key, float absent) const {
    const Json* value = find(key);
    return value ? number_of(*value, path(key)) : absent;
}

float Object::number(std::string_view key) const {
    if (!has(key)) bad(path(key), "is missing");
    return number(key, 0);
}

std::uint64_t Object::whole(std::string_view key, std::uint64_t absent) const {
    const Json* value = find(key);
    return value ? whole_of(*value, path(key)) : absent;
}

std::uint64_t Object::whole(std::string_view key) const {
    if (!has(key)) bad(path(key), "is missing");
    return whole(key, 0);
}

std::uint32_t Object::index(std::string_view key, std::uint64_t count, std::string_view of) const {
    const Json* value = find(key);
    if (!value) bad(path(key), "is missing");
    return index_of(*value, path(key), count, of);
}

std::uint32_t Object::optional_index(std::string_view key, std::uint64_t count, std::string_view of) const {
    return has(key) ? index(key, count, of) : scene::NONE;
}

bool Object::flag(std::string_view key) const {
    const Json* value = find(key);
    if (value && !value->is_boolean()) bad(path(key), std::string("is ") + value->type_name() + "; true or false is needed");
    return value && value->get<bool>();
}

std::string Object::text(std::string_view key) const {
    const Json* value = find(key);
    if (value && !value->is_string()) bad(path(key), std::string("is ") + value->type_name() + "; a string is needed");
    return value ? value->get<std::string>() : std::string();
}

std::vector<float> Object::list(std::string_view key) const {
    const Json* value = find(key);
    std::vector<float> out;
    if (!value) return out;
    if (!value->is_array()) bad(path(key), std::string("is ") + value->type_name() + "; an array is needed");
    for (const Json& element : *value) out.push_back(number_of(element, path(key)));
    return out;
}

std::vector<std::uint32_t> Object::indices(std::string_view key, std::uint64_t count, std::string_view of) const {
    const Json* value = find(key);
    std::vector<std::uint32_t> out;
    if (!value) return out;
    if (!value->is_array()) bad(path(key), std::string("is ") + value->type_name() + "; an array is needed");
    for (const Json& element : *value) out.push_back(index_of(element, place(path(key), out.size()), count, of));
    return out;
}

std::vector<std::string> Object::texts(std::string_view key) const {
    const Json* value = find(key);
    std::vector<std::string> out;
    if (!value) return out;
    if (!value->is_array()) bad(path(key), std::string("is ") + value->type_name() + "; an array is needed");
    for (const Json& element : *value) {
        if (!element.is_string()) bad(place(path(key), out.size()), std::string("is ") + element.type_name() + "; a string is needed");
        out.push_back(element.get<std::string>());
    }
    return out;
}

std::optional<Object> Object::object(std::string_view key) const {
    const Json* value = find(key);
    if (!value) return {};
    return Object(*value, path(key));
}

std::optional<Object> Object::extension(const char* name) const {
    const auto all = object("extensions");
    return all ? all->object(name) : std::nullopt;
}

std::size_t Object::size(std::string_view key) const {
    const Json* value = find(key);
    if (!value) return 0;
    if (!value->is_array()) bad(path(key), std::string("is ") + value->type_name() + "; an array is needed");
    return value->size();
}

Object Object::at(std::string_view key, std::size_t index) const { return {(*find(key))[index], place(path(key), index)}; }

} // namespace raymill::gltf
