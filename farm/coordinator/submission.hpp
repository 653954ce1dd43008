#pragma once
/// What people send to the HTTP API, read from its JSON: a scene's manifest, a job. Errors are Code::usage or the manifest's own and say
/// what to mend. Any thread.
#include "farm/protocol/manifest.hpp"
#include "renderer/base/settings.hpp"

#include <map>
#include <string>

namespace raymill::farm {

/// Not "Submission": that is the client's, and one binary holds both.
struct JobRequest {
    std::string tenant, scene, name, key;
    std::map<std::string, std::string> words;
    Settings settings; ///< parsed from the words
};

/// {"manifest": MANIFEST}
Result<Manifest> read_manifest(const std::string& body);
/// {"scene", "settings", "name", "key"}; that the scene and its environment are there is not looked at.
Result<JobRequest> read_job_request(const std::string& tenant, const std::string& body);

} // namespace raymill::farm
