#include "renderer/gltf/load.hpp"

#include "renderer/gltf/parts.hpp"

#include <algorithm>
#include <new>

namespace raymill::gltf {
namespace {

std::string name_of(const std::filesystem::path& file) {
    const std::string name = file.filename().string();
    return name.empty() ? printable(file.string()) : printable(name);
}

/// Runs `work`, whose faults in the file become values here.
template<class F> auto at_the_border(const std::filesystem::path& file, F&& work) -> Result<decltype(work())> {
    try {
        return work();
    } catch (const Fault& fault) {
        return std::unexpected(fault.error.within(name_of(file)));
    } catch (const std::bad_alloc&) {
        return fail(Code::failed, name_of(file), "there is not enough memory to load it");
    } catch (const std::filesystem::filesystem_error& error) {
        return fail(Code::io, name_of(file), "cannot be read: " + error.code().message());
    }
}

} // namespace

void Loading::note(const std::string& text, const std::string& where) {
    const auto [at, fresh] = known_.try_emplace(text, noted_.size());
    if (fresh)
        noted_.push_back({text, where, 1});
    else
        ++noted_[at->second].times;
}

void Loading::finish_notes() {
    for (const auto& [text, first, times] : noted_)
        scene.notes.push_back(text + " (" + (times == 1 ? "" : std::to_string(times) + " times, first ") + "at " + first + ")");
}

Result<scene::Scene> load(const std::filesystem::path& file, const LoadLimits& limits) {
    return at_the_border(file, [&] {
        scene::Scene scene;
        scene.file = name_of(file);
        Document document(file, limits);
        Accessors accessors(document);
        Loading loading(document, accessors, scene);
        read_extensions(loading);
        read_materials(loading);
        read_meshes(loading);
        read_nodes(loading);
        read_animations(loading);
        read_images(loading);
        loading.finish_notes();
        return scene;
    });
}

Result<std::vector<std::string>> files_of(const std::filesystem::path& file, const LoadLimits& limits) {
    return at_the_border(file, [&] {
        Document document(file, limits);
        std::vector<std::string> out = {file.filename().generic_string()};
        for (const auto* array : {"buffers", "images"})
            for (std::size_t i = 0; i < document.root().size(array); ++i) {
                const Object object = document.root().at(array, i);
                const std::string uri = object.text("uri");
                if (!object.has("uri") || is_data_uri(uri)) continue;
                std::string relative;
                resolve(document.folder(), uri, object.path("uri"), &relative);
                if (std::find(out.begin(), out.end(), relative) == out.end()) out.push_back(relative);
            }
        return out;
    });
}

} // namespace raymill::gltf
