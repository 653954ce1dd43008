#include "renderer/base/settings.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

namespace raymill {
namespace {

using Limits = SettingsLimits;

bool is_utf8(std::string_view text) {
    std::size_t i = 0;
    while (i < text.size()) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0x80                   ? 1
                                   : lead >= 0xc2 && lead < 0xe0 ? 2
                                   : lead >= 0xe0 && lead < 0xf0 ? 3
                                   : lead >= 0xf0 && lead < 0xf5 ? 4
                                                                 : 0;
        if (length == 0 || i + length > text.size()) return false;
        std::uint32_t point = length == 1 ? lead : lead & (0xffu >> (length + 1));
        for (std::size_t k = 1; k < length; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xc0) != 0x80) return false;
            point = point << 6 | (next & 0x3fu);
        }
        if ((length == 3 && point < 0x800) || (length == 4 && (point < 0x10000 || point > 0x10ffff)) || (point >= 0xd800 && point < 0xe000))
            return false;
        i += length;
    }
    return true;
}

/// A person's words as they can stand in a one-line message: short, in quotes, UTF-8, without control characters.
std::string quoted(std::string_view text) {
    constexpr std::size_t most = 60;
    const bool readable = is_utf8(text);
    std::size_t shown = std::min(text.size(), most);
    while (shown > 0 && shown < text.size() && (static_cast<unsigned char>(text[shown]) & 0xc0) == 0x80) --shown; // not amid a letter
    std::string out = "\"";
    for (const char c : text.substr(0, shown)) {
        const auto byte = static_cast<unsigned char>(c);
        out += byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !readable) ? '?' : c;
    }
    return out + (shown < text.size() ? "...\"" : "\"");
}

std::unexpected<Error> bad(std::string_view name, std::string_view value, const std::string& allowed) {
    return fail(Code::usage, std::string(name), quoted(value) + " is not " + allowed);
}

/// Shortest text that reads back as the same number.
template<class T> std::string number(T value) {
    char text[64];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    return {text, end};
}

/// The whole of `text` as a number: no blanks, no '+', no NaN, no infinity, nothing that the type cannot hold.
template<class T> std::optional<T> whole_number(std::string_view text) {
    T value{};
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
    if constexpr (std::is_floating_point_v<T>) {
        if (!std::isfinite(value)) return std::nullopt;
        value += T(0); // -0 becomes 0, which is equal and would not survive the round trip
    }
    return value;
}

template<class T> Status set_number(T& into, std::string_view name, std::string_view value, T least, T most) {
    const auto parsed = whole_number<T>(value);
    if (!parsed || *parsed < least || *parsed > most)
        return bad(name, value,
                   std::string(std::is_integral_v<T> ? "a whole number" : "a number") + " from " + number(least) + " to " + number(most));
    into = *parsed;
    return {};
}

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    for (std::size_t at = 0;;) {
        const auto comma = text.find(',', at);
        parts.push_back(text.substr(at, comma - at));
        if (comma == std::string_view::npos) return parts;
        at = comma + 1;
    }
}

Status set_size(Settings& s, std::string_view value) {
    const auto x = value.find('x');
    const auto width = whole_number<std::uint32_t>(value.substr(0, x));
    const auto height = x == std::string_view::npos ? std::nullopt : whole_number<std::uint32_t>(value.substr(x + 1));
    const auto fits = [](const auto& edge) { return edge && *edge >= 1 && *edge <= Limits::max_edge; };
    if (!fits(width) || !fits(height) || std::uint64_t{*width} * *height > Limits::max_pixels)
        return bad("size", value, "WIDTHxHEIGHT in pixels, each from 1 to " + number(Limits::max_edge));
    s.width = *width, s.height = *height;
    return {};
}

Status set_look_at(Settings& s, std::string_view value) {
    const auto parts = split(value);
    float numbers[7] = {};
    bool good = parts.size() == 7;
    for (std::size_t i = 0; good && i < 7; ++i) {
        const auto parsed = whole_number<float>(parts[i]);
        good = parsed && (i == 6 ? *parsed > 0 && *parsed < 180 : std::abs(*parsed) <= Limits::max_metres);
        if (good) numbers[i] = *parsed;
    }
    if (!good)
        return bad("look-at", value,
                   "seven numbers EX,EY,EZ,TX,TY,TZ,FOVY: eye and target in metres (at most 1e9 from 0), degrees above 0 and below 180");
    if (std::equal(numbers, numbers + 3, numbers + 3))
        return fail(Code::usage, "look-at", quoted(value) + " looks from a point at itself; move the target");
    LookAt look;
    std::copy(numbers, numbers + 3, look.eye);
    std::copy(numbers + 3, numbers + 6, look.target);
    look.fov_y = numbers[6];
    s.look_at = look;
    return {};
}

bool is_environment_file(std::string_view path) {
    if (path.size() < 5) return false;
    std::string end(path.substr(path.size() - 4));
    for (char& c : end) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return end == ".hdr" || end == ".exr";
}

Status set_env(Settings& s, std::string_view value) {
    if (!value.empty() && !env_colour(value) && !is_environment_file(value))
        return bad("env", value, "a .hdr or .exr file, nor three numbers R,G,B from 0 to 1e9");
    s.env = value;
    return {};
}

Status set_flag(bool& into, std::string_view name, std::string_view value) {
    if (value != "true" && value != "false") return bad(name, value, "true or false");
    into = value == "true";
    return {};
}

template<class E> struct Choice {
    std::string_view word;
    E value;
};
constexpr Choice<Filter> filters[] = {{"box", Filter::box}, {"blackman-harris", Filter::blackman_harris}};
constexpr Choice<ToneMap> tonemaps[] = {
    {"neutral", ToneMap::neutral}, {"aces", ToneMap::aces}, {"agx", ToneMap::agx}, {"none", ToneMap::none}};
constexpr Choice<std::uint32_t> depths[] = {{"8", 8}, {"16", 16}};
constexpr Choice<std::string_view> formats[] = {{"png", "png"}, {"exr", "exr"}};

template<class T, class E, std::size_t N>
Status set_choice(T& into, std::string_view name, std::string_view value, const Choice<E> (&choices)[N]) {
    std::string allowed = "one of ";
    for (const auto& choice : choices) {
        if (choice.word == value) {
            into = T(choice.value);
            return {};
        }
        allowed += (allowed.back() == ' ' ? "" : ", ") + std::string(choice.word);
    }
    return bad(name, value, allowed);
}

template<class T, class E, std::size_t N> std::string word_of(const T& value, const Choice<E> (&choices)[N]) {
    for (const auto& choice : choices)
        if (T(choice.value) == value) return std::string(choice.word);
    return {};
}

/// The frames as parse_frames reads them: runs of three or more with one step as "A-BxS".
std::string frames_word(const std::vector<std::int32_t>& frames) {
    std::string out;
    for (std::size_t i = 0; i < frames.size();) {
        std::size_t last = i;
        const std::int64_t step = i + 1 < frames.size() ? std::int64_t{frames[i + 1]} - frames[i] : 0;
        while (last + 1 < frames.size() && std::int64_t{frames[last + 1]} - frames[last] == step) ++last;
        out += (out.empty() ? "" : ",") + number(frames[i]);
        if (last >= i + 2) {
            out += "-" + number(frames[last]) + (step > 1 ? "x" + number(step) : "");
            i = last + 1;
        } else {
            ++i;
        }
    }
    return out;
}

std::string look_at_word(const Settings& s) {
    if (!s.look_at) return {};
    std::string out;
    for (const float v : s.look_at->eye) out += number(v) + ",";
    for (const float v : s.look_at->target) out += number(v) + ",";
    return out + number(s.look_at->fov_y);
}

Status set_scene(Settings& s, std::string_view value) {
    std::uint32_t index = 0;
    if (auto done = set_number<std::uint32_t>(index, "scene", value, 0, std::numeric_limits<std::uint32_t>::max()); !done) return done;
    s.scene = index;
    return {};
}

Status set_time(Settings& s, std::string_view value) {
    double time = 0;
    if (auto done = set_number<double>(time, "time", value, -Limits::max_seconds, Limits::max_seconds); !done) return done;
    s.time = time;
    return {};
}

Status set_frames(Settings& s, std::string_view value) {
    auto frames = parse_frames(value);
    if (!frames) return std::unexpected(frames.error());
    s.frames = std::move(*frames);
    return {};
}

Status set_animation(Settings& s, std::string_view value) {
    if (value.empty()) return bad("animation", value, "the name or index of an animation, or all");
    s.animation = value;
    return {};
}

/// All that is to be known of one setting. `get` gives the word that `set` takes; an empty word stands for "not set".
struct Entry {
    SettingInfo info;
    Status (*set)(Settings&, std::string_view);
    std::string (*get)(const Settings&);
};

#define RAYMILL_NUMBER(name, placeholder, help, member, least, most)                                                                       \
    Entry {                                                                                                                                \
        {name, placeholder, help},                                                                                                         \
            [](Settings& s, std::string_view v) { return set_number<decltype(s.member)>(s.member, name, v, least, most); },                \
            [](const Settings& s) { return number(s.member); }                                                                             \
    }
#define RAYMILL_TEXT(name, placeholder, help, member)                                                                                      \
    Entry {                                                                                                                                \
        {name, placeholder, help}, [](Settings& s, std::string_view v) -> Status { return s.member = v, Status{}; },                       \
            [](const Settings& s) { return s.member; }                                                                                     \
    }
#define RAYMILL_CHOICE(name, placeholder, help, member, choices)                                                                           \
    Entry {                                                                                                                                \
        {name, placeholder, help}, [](Settings& s, std::string_view v) { return set_choice(s.member, name, v, choices); },                 \
            [](const Settings& s) { return word_of(s.member, choices); }                                                                   \
    }

constexpr std::uint32_t any_u32 = std::numeric_limits<std::uint32_t>::max();

const Entry entries[] = {
    {{"size", "WxH", "pixels of the picture (1280x720)"},
     set_size,
     [](const Settings& s) { return number(s.width) + "x" + number(s.height); }},
    RAYMILL_TEXT("camera", "NAME|INDEX",
                 "a camera of the scene, by node or camera name or by index; without one the first, or the scene is framed", camera),
    {{"look-at", "EX,EY,EZ,TX,TY,TZ,FOVY", "eye and target in metres (y up) and vertical field of view in degrees, instead of a camera"},
     set_look_at,
     look_at_word},
    {{"scene", "N", "which of the file's scenes (its default)"},
     set_scene,
     [](const Settings& s) { return s.scene ? number(*s.scene) : std::string(); }},
    RAYMILL_TEXT("variant", "NAME", "which of the file's material variants (none)", variant),
    {{"env", "FILE|R,G,B", "environment: a lat-long .hdr or .exr file, or one radiance for all directions"},
     set_env,
     [](const Settings& s) { return s.env; }},
    RAYMILL_NUMBER("env-strength", "S", "factor on the environment's radiance (1)", env_strength, 0, Limits::max_radiance),
    RAYMILL_NUMBER("env-rotation", "DEG", "turns the environment about +y (0)", env_rotation, -Limits::max_degrees, Limits::max_degrees),
    {{"env-hidden", "", "the environment lights but is not seen; alpha is 0 there"},
     [](Settings& s, std::string_view v) { return set_flag(s.env_hidden, "env-hidden", v); },
     [](const Settings& s) { return std::string(s.env_hidden ? "true" : "false"); }},
    RAYMILL_NUMBER("spp", "N", "samples per pixel (64)", spp, 1, Limits::max_spp),
    RAYMILL_NUMBER("max-bounces", "N", "bounces of a path (8); 0 is direct light only", max_bounces, 0, Limits::max_bounces),
    RAYMILL_NUMBER("clamp", "V", "limits the radiance of indirect samples, which biases (0: off)", clamp, 0, Limits::max_radiance),
    RAYMILL_CHOICE("filter", "box|blackman-harris", "pixel filter (blackman-harris)", filter, filters),
    RAYMILL_NUMBER("seed", "N", "another seed is another noise (0)", seed, 0, any_u32),
    RAYMILL_NUMBER("exposure", "EV", "stops, for PNG only (0)", exposure, -Limits::max_stops, Limits::max_stops),
    RAYMILL_CHOICE("tonemap", "neutral|aces|agx|none", "from radiance to colour, for PNG only (neutral)", tonemap, tonemaps),
    {{"frames", "A-B[xS]|A,B,C", "frame numbers; frame f is at time f / fps"},
     set_frames,
     [](const Settings& s) { return frames_word(s.frames); }},
    RAYMILL_NUMBER("fps", "N", "frames per second (24)", fps, Limits::min_fps, Limits::max_fps),
    {{"animation", "NAME|INDEX|all", "which of the file's animations (all)"}, set_animation, [](const Settings& s) { return s.animation; }},
    {{"time", "S", "seconds of scene time, for one still"},
     set_time,
     [](const Settings& s) { return s.time ? number(*s.time) : std::string(); }},
    RAYMILL_CHOICE("bits", "8|16", "bits of a PNG's channel (8)", bits, depths),
    RAYMILL_CHOICE("format", "png|exr", "kind of file (png); taken from -o where that is given", format, formats),
    RAYMILL_NUMBER("tile", "N", "edge of a tile in pixels (0: chosen from cost)", tile, 0, Limits::max_tile),
};

#undef RAYMILL_NUMBER
#undef RAYMILL_TEXT
#undef RAYMILL_CHOICE

/// Levenshtein's distance: insertions, removals and exchanges of one letter each.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t exchanged = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({exchanged, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row[b.size()];
}

std::unexpected<Error> unknown(std::string_view name) {
    std::string what = "no such setting " + quoted(name);
    const std::string_view start = name.substr(0, 64);
    const auto nearest = std::ranges::min_element(entries, {}, [&](const Entry& e) { return distance(start, e.info.name); });
    if (distance(start, nearest->info.name) <= 2) what += "; did you mean \"" + std::string(nearest->info.name) + "\"?";
    return fail(Code::usage, "", what);
}

} // namespace

std::span<const SettingInfo> setting_infos() {
    static const std::vector<SettingInfo> infos = [] {
        std::vector<SettingInfo> list;
        for (const Entry& e : entries) list.push_back(e.info);
        return list;
    }();
    return infos;
}

Status set(Settings& settings, std::string_view name, std::string_view value) {
    const auto entry = std::ranges::find(entries, name, [](const Entry& e) { return e.info.name; });
    if (entry == std::end(entries)) return unknown(name);
    if (value.size() > Limits::max_word)
        return fail(Code::usage, std::string(name),
                    number(value.size()) + " bytes are too long; at most " + number(Limits::max_word) + " are allowed");
    if (!is_utf8(value)) return fail(Code::usage, std::string(name), "the value is not UTF-8 text");
    if (std::ranges::any_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
        return fail(Code::usage, std::string(name), quoted(value) + " holds a control character, which no setting may");
    return entry->set(settings, value);
}

std::optional<std::array<float, 3>> env_colour(std::string_view env) {
    const auto parts = split(env);
    if (parts.size() != 3) return std::nullopt;
    std::array<float, 3> colour{};
    for (std::size_t i = 0; i < 3; ++i) {
        const auto parsed = whole_number<float>(parts[i]);
        if (!parsed || *parsed < 0 || *parsed > Limits::max_radiance) return std::nullopt;
        colour[i] = *parsed;
    }
    return colour;
}

Result<Settings> parse_settings(const std::map<std::string, std::string>& words) {
    Settings settings;
    for (const auto& [name, value] : words)
        if (const auto done = set(settings, name, value); !done) return std::unexpected(done.error());
    if (settings.time && !settings.frames.empty())
        return fail(Code::usage, "time", "is for one still and cannot stand beside frames; leave one of them out");
    if (settings.format == "exr" && settings.bits == 16)
        return fail(Code::usage, "bits", "16 is for PNG; EXR is always 32-bit float, so leave bits out");
    return settings;
}

std::map<std::string, std::string> to_words(const Settings& settings) {
    static const Settings defaults;
    std::map<std::string, std::string> words;
    for (const Entry& e : entries)
        if (auto word = e.get(settings); word != e.get(defaults)) words.emplace(e.info.name, std::move(word));
    return words;
}

Result<std::vector<std::int32_t>> parse_frames(std::string_view text) {
    std::vector<std::int32_t> frames;
    for (const auto part : split(text)) {
        // A '-' that is not the first letter parts A from B: "-5--1" is from -5 to -1.
        const auto dash = part.find('-', 1);
        const auto first = whole_number<std::int32_t>(part.substr(0, dash));
        auto last = first;
        std::optional<std::int64_t> step = 1;
        if (dash != std::string_view::npos) {
            const auto rest = part.substr(dash + 1);
            const auto x = rest.find('x');
            last = whole_number<std::int32_t>(rest.substr(0, x));
            if (x != std::string_view::npos) step = whole_number<std::int32_t>(rest.substr(x + 1));
        }
        if (!first || !last || !step || *step < 1)
            return bad("frames", part.empty() ? text : part,
                       "a frame number, A-B or A-BxS (whole numbers, a step of at least 1), joined by commas");
        if (*last < *first)
            return fail(Code::usage, "frames", quoted(part) + " ends before it starts; write " + number(*last) + "-" + number(*first));
        const auto count = (std::int64_t{*last} - *first) / *step + 1;
        if (static_cast<std::int64_t>(frames.size()) + count > std::int64_t{Limits::max_frames})
            return fail(Code::usage, "frames", quoted(text) + " are too many; at most " + number(Limits::max_frames) + " are allowed");
        for (std::int64_t i = 0; i < count; ++i) frames.push_back(static_cast<std::int32_t>(*first + i * *step));
    }
    std::ranges::sort(frames);
    frames.erase(std::ranges::unique(frames).begin(), frames.end());
    if (frames_word(frames).size() > Limits::max_word)
        return fail(Code::usage, "frames", quoted(text) + " make a pattern too irregular to be written down; split them over several jobs");
    return frames;
}

} // namespace raymill
