#include "farm/cli/config_file.hpp"

#include "farm/cli/toml_file.hpp"

namespace raymill::cli {

Status read_config(const std::filesystem::path& file, const std::map<std::string, std::string*>& keys) {
    const auto top = read_toml(file);
    if (!top) return std::unexpected(top.error());
    for (const auto& [key, node] : *top) {
        const auto known = keys.find(std::string(key.str()));
        if (known == keys.end()) {
            std::string allowed;
            for (const auto& [name, unused] : keys) allowed += (allowed.empty() ? "" : ", ") + name;
            return fail(Code::usage, place_in(file, &node),
                        "no such key \"" + std::string(key.str()).substr(0, 80) + "\"; there are " + allowed);
        }
        const auto* value = node.as_string();
        if (!value || value->get().empty()) return fail(Code::usage, place_in(file, &node), known->first + " must be text in quotes");
        *known->second = value->get();
    }
    return {};
}

} // namespace raymill::cli
