#include "farm/cli/job_file.hpp"

#include "farm/cli/toml_file.hpp"
#include "renderer/base/settings.hpp"

#include <algorithm>
#include <set>

namespace raymill::cli {
namespace {

class Reader {
  public:
    explicit Reader(const std::filesystem::path& file) : file_(file), folder_(file.parent_path()) {}

    Result<JobFile> read(const TomlTable& top) {
        JobFile job;
        Shot defaults;
        for (const auto& entry : top.entries) {
            if (entry.key == "shot") continue;
            if (entry.key == "name" || entry.key == "output")
                return bad(entry.line, entry.key + " belongs to one shot; put it below its line [[shot]]");
            auto good = entry.key == "key" ? text(entry, job.key, max_key) : take(entry, defaults);
            if (!good) return std::unexpected(good.error());
        }
        const auto* shots = top.find("shot");
        if (!shots || shots->tables.empty()) return bad(shots ? shots->line : 0, "there is no shot; each begins with a line [[shot]]");
        if (shots->tables.size() > max_shots) return bad(shots->line, "more than " + std::to_string(max_shots) + " shots; split the file");
        std::set<std::string> names, outputs;
        for (const auto& table : shots->tables) {
            auto shot = read_shot(table, defaults);
            if (!shot) return std::unexpected(shot.error());
            if (!names.insert(shot->name).second)
                return bad(table.line, "two shots are called \"" + shot->name + "\"; give each a name = \"...\" of its own");
            if (!shot->output.empty() && !outputs.insert(shot->output).second) return bad(table.line, "two shots have the same output");
            job.shots.push_back(std::move(*shot));
        }
        return job;
    }

  private:
    [[nodiscard]] std::unexpected<Error> bad(int line, const std::string& what) const {
        return fail(Code::usage, place_in(file_, line), what);
    }

    Status text(const TomlEntry& entry, std::string& into, std::size_t most) const {
        if (!entry.text || entry.text->empty()) return bad(entry.line, entry.key + " must be text in quotes");
        if (entry.text->size() > most) return bad(entry.line, entry.key + " is longer than " + std::to_string(most) + " bytes");
        if (std::ranges::any_of(*entry.text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
            return bad(entry.line, entry.key + " holds a control character");
        into = *entry.text;
        return {};
    }

    /// One line of a shot, or of what all shots have in common.
    Status take(const TomlEntry& entry, Shot& into) const {
        if (entry.key == "name") return text(entry, into.name, max_name);
        if (entry.key == "output") return text(entry, into.output, SettingsLimits::max_word);
        if (entry.key == "scene") {
            std::string scene;
            if (entry.is_number) return bad(entry.line, "scene is the scene's file; which of its scenes is written scene-index");
            auto good = text(entry, scene, SettingsLimits::max_word);
            into.scene = scene;
            return good;
        }
        const std::string name = entry.key == "scene-index" ? "scene" : entry.key;
        const bool known = std::ranges::any_of(setting_infos(), [&](const SettingInfo& i) { return i.name == name; });
        if (known && !entry.word) return bad(entry.line, entry.key + " must be text, a number, true or false, or a list of numbers");
        Settings unused;
        const auto word = entry.word.value_or("");
        if (const auto good = set(unused, name, word); !good) return bad(entry.line, good.error().message());
        into.words[name] = word;
        return {};
    }

    Result<Shot> read_shot(const TomlTable& table, const Shot& defaults) const {
        Shot shot = defaults;
        shot.line = table.line;
        for (const auto& entry : table.entries)
            if (auto good = take(entry, shot); !good) return std::unexpected(good.error());
        if (shot.scene.empty()) return bad(table.line, "the shot has no scene; write scene = \"FILE.glb\"");
        shot.scene = folder_ / shot.scene;
        if (shot.name.empty()) shot.name = shot.scene.stem().string().substr(0, max_name);
        if (!shot.output.empty()) shot.output = (folder_ / shot.output).string();
        // Relative as well, where it is a file; the command line's own is relative to the working folder.
        if (const auto env = shot.words.find("env"); env != shot.words.end() && !env->second.empty() && !env_colour(env->second))
            env->second = (folder_ / env->second).string();
        if (const auto good = parse_settings(shot.words); !good) return bad(table.line, good.error().message());
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
