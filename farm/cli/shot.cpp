#include "farm/cli/shot.hpp"

#include "renderer/gltf/load.hpp"

#include <algorithm>

namespace raymill::cli {
namespace {

namespace fs = std::filesystem;

/// `file` relative to `folder` where it lies below it; empty otherwise.
std::string below(const fs::path& file, const fs::path& folder) {
    std::error_code fault;
    const auto real = fs::weakly_canonical(file, fault), base = fs::weakly_canonical(folder.empty() ? fs::path(".") : folder, fault);
    if (fault) return {};
    const auto relative = real.lexically_relative(base);
    return relative.empty() || *relative.begin() == ".." || *relative.begin() == "." ? std::string() : relative.generic_string();
}

/// Adds the environment's file under the path that the manifest will have, which is the setting's word from here on.
Status add_environment(ShotFiles& shot, const fs::path& folder) {
    const auto word = shot.words.find("env");
    if (word == shot.words.end() || word->second.empty() || env_colour(word->second)) return {};
    const fs::path source = word->second;
    std::error_code fault;
    if (!fs::is_regular_file(source, fault)) return fail(Code::bad_input, source.string(), "there is no such environment file");
    auto path = below(source, folder);
    const auto taken = [&](const std::string& name) {
        return std::ranges::any_of(shot.files.files, [&](const auto& f) { return f.path == name; });
    };
    if (path.empty()) {
        path = "environment/" + source.filename().string();
        for (int n = 2; taken(path); ++n) path = "environment/" + std::to_string(n) + "-" + source.filename().string();
    }
    if (!taken(path)) shot.files.files.push_back({path, source});
    word->second = path;
    return {};
}

} // namespace

Error scene_fault(Error error, const fs::path& scene) {
    if (error.code == Code::io) error.code = Code::bad_input;
    const auto name = scene.filename().string();
    if (error.where == name || error.where.starts_with(name + ":")) error.where.replace(0, name.size(), scene.string());
    return error;
}

Result<ShotFiles> find_files(const Shot& shot) {
    ShotFiles found;
    found.words = shot.words;
    auto settings = parse_settings(found.words);
    if (!settings) return std::unexpected(settings.error());
    const auto files = gltf::files_of(shot.scene);
    if (!files) return std::unexpected(scene_fault(files.error(), shot.scene));
    const auto folder = shot.scene.parent_path();
    found.files.main = shot.scene.filename().string();
    for (const auto& path : *files) found.files.files.push_back({path, folder / path});
    if (auto good = add_environment(found, folder); !good) return std::unexpected(good.error());
    found.settings = std::move(*settings);
    return found;
}

Result<farm::client::UploadResult> send_scene(const Server& server, farm::client::Client& client, const farm::client::LocalScene& scene,
                                              Progress& progress) {
    farm::client::UploadOptions options;
    options.connect = [&server] { return server.connect(); };
    options.on_progress = [&progress](const farm::client::UploadProgress& p) { progress.upload(p); };
    return farm::client::upload(client, scene, options);
}

Status agree_on_format(std::map<std::string, std::string>& words, const std::string& output_format, const std::string& output) {
    const auto at = words.find("format");
    if (at != words.end() && at->second != output_format)
        return fail(Code::usage, output, "has another ending than --format " + at->second);
    words["format"] = output_format;
    return {};
}

} // namespace raymill::cli
