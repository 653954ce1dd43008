#pragma once
/// A scene and its settings on this machine, checked and ready to be sent: what render, submit and upload share.
#include "farm/cli/job_file.hpp"
#include "farm/cli/progress.hpp"
#include "farm/cli/server.hpp"
#include "farm/client/upload.hpp"
#include "renderer/base/settings.hpp"

#include <filesystem>
#include <map>
#include <stop_token>
#include <string>

namespace raymill::cli {

/// What is known of a shot before any file is read whole.
struct ShotFiles {
    farm::client::SceneFiles files;
    std::map<std::string, std::string> words; ///< env names its file as the manifest does
    Settings settings;
};

/// Checks the settings together and the scene as far as its JSON goes, and finds the files that it needs. Quick: no image or buffer is
/// read. An environment file below the scene's folder keeps its relative path; one from elsewhere is sent as "environment/NAME".
/// Code::bad_input: a bad scene or a missing file. Code::usage: settings that contradict each other.
Result<ShotFiles> find_files(const Shot& shot);

/// A scene's fault as whoever named `scene` should hear it: with the path as they wrote it, and a file that cannot be read is a bad input.
Error scene_fault(Error error, const std::filesystem::path& scene);

/// Uploads what the server lacks, with progress. `server` makes the connections.
Result<farm::client::UploadResult> send_scene(const Server& server, farm::client::Client& client, const farm::client::LocalScene& scene,
                                              Progress& progress);

/// The format that -o asks for, and --format does not contradict, as a setting's word.
Status agree_on_format(std::map<std::string, std::string>& words, const std::string& output_format, const std::string& output);

} // namespace raymill::cli
