#include "farm/protocol/json_text.hpp"

#include "farm/protocol/limits.hpp"

#include <algorithm>

namespace raymill::farm {

unsigned json_depth(std::string_view text, unsigned enough) {
    unsigned depth = 0, deepest = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size() && deepest <= enough; ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            deepest = std::max(deepest, ++depth);
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
    return deepest;
}

std::optional<nlohmann::json> parse_json(std::string_view text) {
    if (json_depth(text, limits::json_depth) > limits::json_depth) return {};
    auto root = nlohmann::json::parse(text, nullptr, false);
    if (root.is_discarded()) return {};
    return root;
}

} // namespace raymill::farm
