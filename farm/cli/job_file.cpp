#include "farm/cli/job_file.hpp"

#include "farm/cli/toml_file.hpp"
#include "renderer/base/settings.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace raymill::cli {
namespace {

/// A word as the command line would have it: numbers in their shortest form, arrays of numbers joined by commas (look-at, env, frames).
std::optional<std::string> word_of(const toml::node& node) {
    char text[64];
    if (const auto* value = node.as_string()) return value->get();
    if (const auto* value = node.as_boolean()) return std::string(value->get() ? "true" : "false");
    if (const auto* value = node.as_integer()) return std::string(text, std::to_chars(text, text + sizeof text, value->get()).ptr);
    if (const auto* value = node.as_floating_point()) return std::string(text, std::to_chars(text, text + sizeof text, value->get()).ptr);
    if (const auto* array = node.as_array()) {
        std::string joined;
        if (array->empty() || array->size() > SettingsLimits::max_word) return std::nullopt;
        for (const auto& element : *array) {
            const auto word = element.is_number() ? word_of(element) : std::nullopt;
            if (!word) return std::nullopt;
            joined += (joined.empty() ? "" : ",") + *word;
        }
        return joined;
    }
    return std::nullopt;
}

class Reader {
  public:
    explicit Reader(const std::filesystem::path& file) : file_(file), folder_(file.parent_path()) {}

    Result<JobFile> read(const toml::table& top) {
        JobFile job;
        Shot defaults;
        for (const auto& [key, node] : top) {
            if (key == "shot") continue;
            auto good = key == "key" ? text(node, key, job.key, max_key) : entry(node, key, defaults);
            if (!good) return std::unexpected(good.error());
        }
        if (!defaults.name.empty() || !defaults.output.empty())
            return bad(top[defaults.name.empty() ? "output" : "name"].node(),
                       "name and output belong to one shot; put them below its line [[shot]]");
        const auto* shots = top["shot"].as_array();
        if (!shots || !shots->is_array_of_tables() || shots->empty())
            return bad(top["shot"].node(), "there is no shot; each begins with a line [[shot]]");
        if (shots->size() > max_shots) return bad(shots, "more than " + std::to_string(max_shots) + " shots; split the file");
        std::set<std::string> names, outputs;
        for (const auto& node : *shots) {
            auto shot = read_shot(*node.as_table(), defaults);
            if (!shot) return std::unexpected(shot.error());
            if (!names.insert(shot->name).second)
                return bad(&node, "two shots are called \"" + shot->name + "\"; give each a name = \"...\" of its own");
            if (!shot->output.empty() && !outputs.insert(shot->output).second) return bad(&node, "two shots have the same output");
            job.shots.push_back(std::move(*shot));
        }
        return job;
    }

  private:
    [[nodiscard]] std::unexpected<Error> bad(const toml::node* node, const std::string& what) const {
        return fail(Code::usage, place_in(file_, node), what);
    }

    Status text(const toml::node& node, std::string_view name, std::string& into, std::size_t most) const {
        const auto* value = node.as_string();
        if (!value || value->get().empty()) return bad(&node, std::string(name) + " must be text in quotes");
        if (value->get().size() > most) return bad(&node, std::string(name) + " is longer than " + std::to_string(most) + " bytes");
        if (std::ranges::any_of(value->get(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
            return bad(&node, std::string(name) + " holds a control character");
        into = value->get();
        return {};
    }

    /// One line of a shot, or of what all shots have in common.
    Status entry(const toml::node& node, std::string_view key, Shot& into) const {
        if (key == "name") return text(node, key, into.name, max_name);
        if (key == "output") return text(node, key, into.output, SettingsLimits::max_word);
        if (key == "scene") {
            std::string scene;
            if (node.is_number()) return bad(&node, "scene is the scene's file; which of its scenes is written scene-index");
            auto good = text(node, key, scene, SettingsLimits::max_word);
            into.scene = scene;
            return good;
        }
        const std::string name(key == "scene-index" ? "scene" : key);
        const bool known = std::ranges::any_of(setting_infos(), [&](const SettingInfo& i) { return i.name == name; });
        const auto word = word_of(node);
        if (known && !word) return bad(&node, std::string(key) + " must be text, a number, true or false, or a list of numbers");
        Settings unused;
        if (const auto good = set(unused, name, word.value_or("")); !good) return bad(&node, good.error().message());
        into.words[name] = *word;
        return {};
    }

    Result<Shot> read_shot(const toml::table& table, const Shot& defaults) const {
        Shot shot = defaults;
        shot.line = static_cast<int>(table.source().begin.line);
        for (const auto& [key, node] : table)
            if (auto good = entry(node, key, shot); !good) return std::unexpected(good.error());
        if (shot.scene.empty()) return bad(&table, "the shot has no scene; write scene = \"FILE.glb\"");
        shot.scene = folder_ / shot.scene;
        if (shot.name.empty()) shot.name = shot.scene.stem().string().substr(0, max_name);
        if (!shot.output.empty()) shot.output = (folder_ / shot.output).string();
        // Relative as well, where it is a file; the command line's own is relative to the working folder.
        if (const auto env = shot.words.find("env"); env != shot.words.end() && !env->second.empty() && !env_colour(env->second))
            env->second = (folder_ / env->second).string();
        if (const auto good = parse_settings(shot.words); !good) return bad(&table, good.error().message());
        return shot;
    }

    std::filesystem::path file_, folder_;
};

} // namespace

std::string key_of_shot(const std::string& key, const std::string& name) { return key + "/" + name; }

Result<JobFile> read_job_file(const std::filesystem::path& file) {
    const auto top = read_toml(file);
    if (!top) return std::unexpected(top.error());
    return Reader(file).read(*top);
}

} // namespace raymill::cli
