#pragma once
/// JSON from strangers: bounded in depth before anything recursive sees it. (The library reads any depth, but writing and destroying what
/// it read may recurse.)
#include <nlohmann/json.hpp>

#include <optional>
#include <string_view>

namespace raymill::farm {

/// How deep arrays and objects nest in `text`, whether the text is JSON or not; stops counting past `enough`.
unsigned json_depth(std::string_view text, unsigned enough);

/// None where `text` is no JSON, or nests deeper than limits::json_depth.
std::optional<nlohmann::json> parse_json(std::string_view text);

} // namespace raymill::farm
