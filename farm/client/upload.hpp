#pragma once
/// A scene's files on their way to a server: hashed, named, and only those bytes sent that it lacks.
#include "farm/client/client.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace raymill::farm::client {

/// What is to be sent: paths as the manifest will name them, and where each lies on this machine.
struct SceneFiles {
    struct File {
        std::string path;
        std::filesystem::path source;
    };
    std::string main;
    std::vector<File> files;
};

/// A manifest and where its blobs are to be read from.
struct LocalScene {
    Manifest manifest;
    std::vector<std::filesystem::path> sources; ///< of manifest.files, in their order
};

/// Reads and hashes all files, several at a time, each in pieces of 1 MiB. Code::bad_input where one cannot be read or a path may not stand
/// in a manifest. Interrupted: Code::failed.
Result<LocalScene> make_manifest(const SceneFiles& scene, std::stop_token stop);

struct UploadProgress {
    std::uint64_t bytes = 0, bytes_done = 0; ///< of what the server lacked when the upload began
    std::uint64_t files = 0, files_done = 0; ///< likewise
};

struct UploadResult {
    std::string scene;            ///< its id
    std::uint64_t bytes_sent = 0; ///< of blobs; pieces that had to be sent again count again
    std::uint64_t blobs_sent = 0;
};

/// What an upload works with besides the scene.
struct UploadOptions {
    std::function<Http()> connect;                          ///< makes one more connection to the same server; called from any thread
    std::function<void(const UploadProgress&)> on_progress; ///< called by one thread at a time; may be empty
    std::size_t piece_bytes = 0;                            ///< of one PUT; 0: the API's most
    unsigned connections = 4;                               ///< at a time; memory is one piece each
};

/// Sends what the server lacks and makes the scene known there. A broken connection is resumed from what the server then has, so nothing
/// that arrived is sent again; blobs that stand in the scene twice are sent once. Code::bad_input where a file changed meanwhile.
Result<UploadResult> upload(Client& client, const LocalScene& scene, const UploadOptions& options);

} // namespace raymill::farm::client
