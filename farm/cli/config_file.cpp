#include "farm/cli/config_file.hpp"

#include "farm/cli/toml_file.hpp"

namespace raymill::cli {

Status read_config(const std::filesystem::path& file, const std::map<std::string, std::string*>& keys) {
    const auto top = read_toml(file);
    if (!top) return std::unexpected(top.error());
    for (const auto& entry : top->entries) {
        const auto known = keys.find(entry.key);
        if (known == keys.end()) {
            std::string allowed;
            for (const auto& [name, unused] : keys) allowed += (allowed.empty() ? "" : ", ") + name;
            return fail(Code::usage, place_in(file, entry.line), "no such key \"" + entry.key.substr(0, 80) + "\"; there are " + allowed);
        }
        if (!entry.text || entry.text->empty()) return fail(Code::usage, place_in(file, entry.line), entry.key + " must be text in quotes");
        *known->second = *entry.text;
    }
    return {};
}

} // namespace raymill::cli
