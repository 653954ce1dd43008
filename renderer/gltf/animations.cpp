#include "renderer/gltf/parts.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace raymill::gltf {
namespace {

/// A matrix as translation, rotation and scale, for nodes that an animation moves (glTF asks that matrices can be taken apart like this).
scene::Transform taken_apart(const glm::mat4& m) {
    scene::Transform out;
    out.translation = glm::vec3(m[3]);
    glm::dmat3 axes = glm::dmat3(glm::mat3(m));
    glm::dvec3 scale(glm::length(axes[0]), glm::length(axes[1]), glm::length(axes[2]));
    if (glm::determinant(axes) < 0) scale.x = -scale.x;
    for (int i = 0; i < 3; ++i) axes[i] = scale[i] != 0 ? axes[i] / scale[i] : glm::dvec3(0);
    out.scale = glm::vec3(scale);
    const glm::quat rotation = glm::quat(glm::quat_cast(axes));
    const float length = glm::length(rotation);
    if (length > 0 && std::isfinite(length)) out.rotation = rotation / length;
    return out;
}

class AnimationReader {
  public:
    AnimationReader(Loading& loading, const Object& object) : loading_(loading), object_(object) {}

    scene::Animation read() {
        out_.name = object_.text("name");
        const std::size_t samplers = object_.size("samplers");
        for (std::size_t i = 0; i < object_.size("channels"); ++i) {
            const Object channel = object_.at("channels", i);
            const std::uint32_t from = channel.index("sampler", samplers, "samplers");
            const auto target = channel.object("target");
            if (!target) bad(channel.path("target"), "is missing");
            const std::string path = target->text("path");
            // A channel without node is for extensions (glTF 2.0, 5.3).
            if (!target->has("node")) {
                loading_.note("animation channels without a node are left out", channel.path());
                continue;
            }
            const std::uint32_t node = target->index("node", loading_.scene.nodes.size(), "nodes");
            scene::Channel out{node, scene::Path::translation, 0};
            std::uint32_t width = 3;
            if (path == "rotation")
                out.path = scene::Path::rotation, width = 4;
            else if (path == "scale")
                out.path = scene::Path::scale;
            else if (path == "weights") {
                out.path = scene::Path::weights;
                const std::uint32_t mesh = loading_.scene.nodes[node].mesh;
                width = mesh == scene::NONE ? 0 : loading_.scene.meshes[mesh].target_count;
                if (width == 0) {
                    loading_.note("animated weights of nodes without morph targets are left out", channel.path());
                    continue;
                }
            } else if (path != "translation") {
                loading_.note("animation channels of unknown paths are left out ('" + printable(path) + "')", channel.path());
                continue;
            }
            if (auto& moved = loading_.scene.nodes[node]; moved.matrix && out.path != scene::Path::weights) {
                moved.transform = taken_apart(*moved.matrix);
                moved.matrix.reset();
            }
            out.sampler = sampler(from, out.path, width);
            out_.channels.push_back(out);
        }
        for (const auto& s : out_.samplers) out_.duration = std::max(out_.duration, s.times.back());
        return std::move(out_);
    }

  private:
    /// Reads samplers[from] once for each width and kind of use.
    std::uint32_t sampler(std::uint32_t from, scene::Path path, std::uint32_t width) {
        const bool weights = path == scene::Path::weights;
        const auto [at, fresh] = known_.try_emplace({from, weights, width}, static_cast<std::uint32_t>(out_.samplers.size()));
        if (!fresh) return at->second;
        const Object object = object_.at("samplers", from);
        const std::uint64_t accessors = loading_.accessors.size();
        const std::uint32_t input = object.index("input", accessors, "accessors"), output = object.index("output", accessors, "accessors");
        scene::Sampler out;
        out.width = width;
        const std::string mode = object.has("interpolation") ? object.text("interpolation") : "LINEAR";
        if (mode == "STEP")
            out.interpolation = scene::Interpolation::step;
        else if (mode == "CUBICSPLINE")
            out.interpolation = scene::Interpolation::cubic_spline;
        else if (mode != "LINEAR")
            bad(object.path("interpolation"), "is '" + printable(mode) + "'; STEP, LINEAR and CUBICSPLINE are known");
        out.times = loading_.accessors.floats(input, {"SCALAR"});
        for (std::size_t i = 1; i < out.times.size(); ++i)
            if (!(out.times[i] > out.times[i - 1]))
                bad(place("accessors", input), "element " + std::to_string(i) + " is not later than the one before, as times of keys are");
        if (out.times[0] < 0) bad(place("accessors", input), "element 0 is below 0; times of keys are not");
        out.values = loading_.accessors.floats(output, {weights ? "SCALAR" : width == 4 ? "VEC4" : "VEC3"});
        const std::uint64_t needed =
            std::uint64_t{out.times.size()} * width * (out.interpolation == scene::Interpolation::cubic_spline ? 3 : 1);
        if (out.values.size() != needed)
            bad(place("accessors", output), "has " + std::to_string(out.values.size()) + " numbers; " + std::to_string(needed) +
                                                " are needed for the " + std::to_string(out.times.size()) + " keys of " + object.path());
        out_.samplers.push_back(std::move(out));
        return at->second;
    }

    struct Use {
        std::uint32_t sampler;
        bool weights;
        std::uint32_t width;
        auto operator<=>(const Use&) const = default;
    };
    Loading& loading_;
    const Object& object_;
    scene::Animation out_;
    std::map<Use, std::uint32_t> known_;
};

} // namespace

void read_animations(Loading& loading) {
    const Object root = loading.document.root();
    for (std::size_t i = 0; i < root.size("animations"); ++i) {
        const Object object = root.at("animations", i);
        loading.scene.animations.push_back(AnimationReader(loading, object).read());
    }
}

} // namespace raymill::gltf
