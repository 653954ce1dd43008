#include "renderer/scene/animation.hpp"

#include "renderer/base/check.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace raymill::scene {
namespace {

glm::quat normalized(glm::quat q) {
    const float length = glm::length(q);
    return length > 0 ? q / length : glm::quat(1, 0, 0, 0);
}

glm::quat quaternion(std::span<const float> v) { return {v[3], v[0], v[1], v[2]}; }

/// glTF 2.0, C.3: along the shorter arc. glm::slerp negates for a negative dot product and falls back to a mix for tiny angles.
glm::quat slerp(glm::quat a, glm::quat b, float t) { return normalized(glm::slerp(a, b, t)); }

glm::dmat4 matrix_of(const Transform& t) {
    const glm::dmat3 rotation = glm::mat3_cast(glm::dquat(t.rotation));
    return {glm::dvec4(rotation[0] * static_cast<double>(t.scale.x), 0), glm::dvec4(rotation[1] * static_cast<double>(t.scale.y), 0),
            glm::dvec4(rotation[2] * static_cast<double>(t.scale.z), 0), glm::dvec4(glm::dvec3(t.translation), 1)};
}

} // namespace

std::vector<float> sample(const Sampler& sampler, Path path, double seconds) {
    const std::size_t width = sampler.width;
    const bool cubic = sampler.interpolation == Interpolation::cubic_spline;
    const std::size_t stride = cubic ? 3 * width : width;
    const std::size_t count = sampler.times.size();
    CHECK_TRUE(count > 0);
    CHECK_SAME(sampler.values.size(), count * stride);
    const auto key = [&](std::size_t k, std::size_t part) { return std::span(sampler.values).subspan(k * stride + part * width, width); };
    const auto value = [&](std::size_t k) { return key(k, cubic ? 1 : 0); };
    const auto held = [&](std::size_t k) {
        std::vector<float> out(value(k).begin(), value(k).end());
        if (path == Path::rotation) {
            const glm::quat q = normalized(quaternion(out));
            out = {q.x, q.y, q.z, q.w};
        }
        return out;
    };

    // The last key at or before the time.
    const auto after = std::upper_bound(sampler.times.begin(), sampler.times.end(), seconds,
                                        [](double s, float key_time) { return s < static_cast<double>(key_time); });
    if (after == sampler.times.begin()) return held(0);
    const auto k = static_cast<std::size_t>(after - sampler.times.begin()) - 1;
    if (k + 1 == count || sampler.interpolation == Interpolation::step) return held(k);

    const double t0 = static_cast<double>(sampler.times[k]), t1 = static_cast<double>(sampler.times[k + 1]);
    const auto t = static_cast<float>((seconds - t0) / (t1 - t0));
    if (!cubic && path == Path::rotation) {
        const glm::quat q = slerp(normalized(quaternion(value(k))), normalized(quaternion(value(k + 1))), t);
        return {q.x, q.y, q.z, q.w};
    }
    std::vector<float> out(width);
    if (!cubic) {
        for (std::size_t i = 0; i < width; ++i) out[i] = value(k)[i] * (1 - t) + value(k + 1)[i] * t;
        return out;
    }
    // glTF 2.0, C.5: v = (2t^3 - 3t^2 + 1) v_k + d (t^3 - 2t^2 + t) b_k + (-2t^3 + 3t^2) v_k+1 + d (t^3 - t^2) a_k+1.
    const auto d = static_cast<float>(t1 - t0);
    const float t2 = t * t, t3 = t2 * t;
    for (std::size_t i = 0; i < width; ++i)
        out[i] = (2 * t3 - 3 * t2 + 1) * key(k, 1)[i] + d * (t3 - 2 * t2 + t) * key(k, 2)[i] + (-2 * t3 + 3 * t2) * key(k + 1, 1)[i] +
                 d * (t3 - t2) * key(k + 1, 0)[i];
    if (path == Path::rotation) {
        const glm::quat q = normalized(quaternion(out));
        out = {q.x, q.y, q.z, q.w};
    }
    return out;
}

Result<std::vector<std::uint32_t>> choose_animations(const Scene& scene, const std::string& choice) {
    std::vector<std::uint32_t> out;
    const auto count = static_cast<std::uint32_t>(scene.animations.size());
    if (choice.empty() || choice == "all") {
        for (std::uint32_t i = 0; i < count; ++i) out.push_back(i);
        return out;
    }
    for (std::uint32_t i = 0; i < count; ++i)
        if (scene.animations[i].name == choice) return std::vector{i};
    std::uint32_t index = 0;
    const auto [end, error] = std::from_chars(choice.data(), choice.data() + choice.size(), index);
    if (error == std::errc() && end == choice.data() + choice.size() && index < count) return std::vector{index};
    std::string known;
    for (std::uint32_t i = 0; i < count && i < 20; ++i) {
        const std::string& name = scene.animations[i].name;
        known += (i == 0 ? "" : ", ") + std::to_string(i) + (name.empty() ? "" : " '" + name + "'");
    }
    if (count > 20) known += ", ...";
    return fail(Code::usage, "animation",
                "'" + choice + "' is not in " + scene.file + "; " +
                    (count == 0 ? "it has no animations" : "there are: " + known + ", or 'all'"));
}

Pose evaluate(const Scene& scene, std::span<const std::uint32_t> animations, double seconds) {
    Pose pose;
    pose.weights.resize(scene.nodes.size());
    std::vector<Transform> local(scene.nodes.size());
    for (std::size_t i = 0; i < scene.nodes.size(); ++i) {
        const Node& node = scene.nodes[i];
        local[i] = node.transform;
        if (node.mesh != NONE && scene.meshes[node.mesh].target_count > 0)
            pose.weights[i] = node.weights.empty() ? scene.meshes[node.mesh].weights : node.weights;
    }
    for (const auto a : animations) {
        const Animation& animation = scene.animations[a];
        for (const Channel& channel : animation.channels) {
            std::vector<float> value = sample(animation.samplers[channel.sampler], channel.path, seconds);
            Transform& t = local[channel.node];
            switch (channel.path) {
            case Path::translation:
                t.translation = {value[0], value[1], value[2]};
                break;
            case Path::rotation:
                t.rotation = quaternion(value);
                break;
            case Path::scale:
                t.scale = {value[0], value[1], value[2]};
                break;
            case Path::weights:
                pose.weights[channel.node] = std::move(value);
                break;
            }
        }
    }
    pose.world.resize(scene.nodes.size());
    for (const auto i : scene.parents_first) {
        const Node& node = scene.nodes[i];
        const glm::dmat4 own = node.matrix ? glm::dmat4(*node.matrix) : matrix_of(local[i]);
        pose.world[i] = node.parent == NONE ? own : pose.world[node.parent] * own;
    }
    return pose;
}

} // namespace raymill::scene
