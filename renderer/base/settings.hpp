#pragma once
/// Render settings under the names that the command line, job files and the HTTP API share (shared/interface.md's table; README
/// "Settings"). Plain data; parsing never throws; every value is bounded here, once, for all doors. Thread: any.
#include "renderer/base/error.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace raymill {

enum class Filter : std::uint32_t { box, blackman_harris };
enum class ToneMap : std::uint32_t { neutral, aces, agx, none };

/// Eye and target in glTF world axes (y up), metres; vertical field of view in degrees, in (0, 180).
struct LookAt {
    float eye[3] = {0, 0, 0};
    float target[3] = {0, 0, 0};
    float fov_y = 40;
    friend bool operator==(const LookAt&, const LookAt&) = default;
};

/// Bounds that all doors keep. A test sits at each and one past it.
struct SettingsLimits {
    static constexpr std::uint32_t max_edge = 65536;        ///< pixels
    static constexpr std::uint64_t max_pixels = 1ull << 32; ///< per frame
    static constexpr std::uint32_t max_spp = 1u << 20;
    static constexpr std::uint32_t max_bounces = 1024;
    static constexpr std::uint32_t max_frames = 1u << 20; ///< per job
    static constexpr std::uint32_t max_tile = 4096;       ///< pixels, edge
    static constexpr std::size_t max_word = 4096;         ///< bytes of one value
    static constexpr float max_metres = 1e9f;             ///< of a look-at coordinate, either side of 0
    static constexpr float max_radiance = 1e9f;           ///< of env's numbers, of env-strength and of clamp
    static constexpr float max_degrees = 36000;           ///< of env-rotation, either side of 0
    static constexpr float max_stops = 32;                ///< of exposure, either side of 0
    static constexpr float min_fps = 0.001f, max_fps = 10000;
    static constexpr double max_seconds = 1e9; ///< of time, either side of 0
};

struct Settings {
    std::uint32_t width = 1280, height = 720;
    std::string camera;                 ///< node or camera name, or index among camera nodes; empty: the first, else framed automatically
    std::optional<LookAt> look_at;      ///< overrides `camera`
    std::optional<std::uint32_t> scene; ///< index of the glTF scene; none: the file's default
    std::string variant;                ///< KHR_materials_variants name; empty: none
    std::string env;                    ///< file (in a job: relative to the scene's manifest) or "R,G,B"; empty: none
    float env_strength = 1;
    float env_rotation = 0; ///< degrees about +y
    bool env_hidden = false;
    std::uint32_t spp = 64;
    std::uint32_t max_bounces = 8;
    float clamp = 0; ///< 0: off; else the limit of an indirect sample's radiance
    Filter filter = Filter::blackman_harris;
    std::uint32_t seed = 0;
    float exposure = 0;                 ///< EV (stops); PNG only
    ToneMap tonemap = ToneMap::neutral; ///< PNG only
    std::vector<std::int32_t> frames;   ///< frame numbers, ascending, unique; empty: one still at `time`
    float fps = 24;
    std::string animation = "all"; ///< name, index or "all"
    std::optional<double> time;    ///< seconds, for one still
    std::uint32_t bits = 8;        ///< of a PNG: 8 or 16
    std::string format = "png";    ///< "png" or "exr"; the command line takes it from -o
    std::uint32_t tile = 0;        ///< edge in pixels; 0: chosen from cost

    /// Seconds of scene time of frame number `frame`: `time` where it is set, else frame / fps.
    [[nodiscard]] double time_of(std::int32_t frame) const { return time ? *time : static_cast<double>(frame) / static_cast<double>(fps); }
    friend bool operator==(const Settings&, const Settings&) = default;
};

/// One line of help for each setting, in the order of the interface's table.
struct SettingInfo {
    std::string_view name;        ///< as typed after "--", and as the key in a job file or in JSON
    std::string_view placeholder; ///< "WxH"; empty for a flag
    std::string_view help;
};
std::span<const SettingInfo> setting_infos();

/// Gives one setting its value from words ("size", "640x360"). Flags take "true" or "false". Code::usage with the setting's name as
/// `where`.
Status set(Settings& settings, std::string_view name, std::string_view value);

/// The numbers of an env that is "R,G,B" (linear Rec. 709 radiance, each in [0, max_radiance]); none where it names a file or is empty.
std::optional<std::array<float, 3>> env_colour(std::string_view env);

/// All words into settings, then the checks that need several of them. Unknown names are errors.
Result<Settings> parse_settings(const std::map<std::string, std::string>& words);

/// The words that make `settings` again, without those at their default; floats survive the round trip exactly.
std::map<std::string, std::string> to_words(const Settings& settings);

/// "A-B", "A-BxS", "A,B,C" and mixtures of them, into ascending unique frame numbers; at most SettingsLimits::max_frames
/// (counted before those named twice are dropped), and regular enough to be written again within SettingsLimits::max_word.
Result<std::vector<std::int32_t>> parse_frames(std::string_view text);

} // namespace raymill
