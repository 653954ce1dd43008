#include "farm/coordinator/submission.hpp"

#include "farm/protocol/json_text.hpp"
#include "farm/protocol/limits.hpp"
#include "farm/protocol/sha256.hpp"

#include <nlohmann/json.hpp>

namespace raymill::farm {

Result<Manifest> read_manifest(const std::string& body) {
    const auto root = parse_json(body);
    if (!root || !root->is_object() || !root->contains("manifest")) return fail(Code::usage, "", "the body is not {\"manifest\": {...}}");
    return parse_manifest((*root)["manifest"].dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

Result<JobRequest> read_job_request(const std::string& tenant, const std::string& body) {
    const auto bad = [](const char* why) { return fail(Code::usage, "", why); };
    const auto parsed = parse_json(body);
    if (!parsed || !parsed->is_object()) return bad("the body is not a JSON object");
    const auto& root = *parsed;
    JobRequest submission{.tenant = tenant, .scene = {}, .name = {}, .key = {}, .words = {}, .settings = {}};
    for (const auto& [key, value] : root.items()) {
        if (key == "settings") {
            if (!value.is_object() || value.size() > limits::settings_words) return bad("settings is not an object of at most 64 words");
            for (const auto& [name, word] : value.items()) {
                if (!word.is_string()) return bad("a setting's value is not a string");
                submission.words[name] = word.get<std::string>();
            }
            continue;
        }
        auto* text = key == "scene" ? &submission.scene : key == "name" ? &submission.name : key == "key" ? &submission.key : nullptr;
        if (text == nullptr) return bad("the body has a key that is none of scene, settings, name, key");
        if (!value.is_string()) return bad("scene, name and key are strings");
        *text = value.get<std::string>();
    }
    if (submission.name.size() > limits::job_name || submission.key.size() > limits::job_key)
        return bad("name and key have at most 200 bytes");
    auto settings = parse_settings(submission.words);
    if (!settings) return std::unexpected(settings.error());
    submission.settings = std::move(*settings);
    submission.words = to_words(submission.settings);
    if (!is_sha256(submission.scene)) return bad("scene is not the id of a scene");
    return submission;
}

} // namespace raymill::farm
