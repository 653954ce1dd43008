// Render settings: the words of all doors, their bounds, and the way back to words.
#include "renderer/base/settings.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

using namespace raymill;
using Words = std::map<std::string, std::string>;

namespace {

bool accepts(const std::string& name, const std::string& value) {
    Settings settings;
    return set(settings, name, value).has_value();
}

std::string refusal(const std::string& name, const std::string& value) {
    Settings settings;
    const auto done = set(settings, name, value);
    return done ? "accepted" : done.error().message();
}

std::string text_of(float value) {
    char text[64];
    std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
    return text;
}

} // namespace

TEST_CASE("each bound of a whole number is accepted and one past it is not") {
    struct Bound {
        const char* name;
        std::int64_t least, most;
    };
    for (const Bound& b : {Bound{"spp", 1, SettingsLimits::max_spp}, Bound{"max-bounces", 0, SettingsLimits::max_bounces},
                           Bound{"seed", 0, 4294967295}, Bound{"tile", 0, SettingsLimits::max_tile}, Bound{"scene", 0, 4294967295}}) {
        CAPTURE(b.name);
        CHECK(accepts(b.name, std::to_string(b.least)));
        CHECK(accepts(b.name, std::to_string(b.most)));
        CHECK_FALSE(accepts(b.name, std::to_string(b.least - 1)));
        CHECK_FALSE(accepts(b.name, std::to_string(b.most + 1)));
    }
}

TEST_CASE("each bound of a number with a fraction is accepted and the next float is not") {
    struct Bound {
        const char* name;
        float least, most;
    };
    for (const Bound& b : {Bound{"env-strength", 0, SettingsLimits::max_radiance}, Bound{"clamp", 0, SettingsLimits::max_radiance},
                           Bound{"env-rotation", -SettingsLimits::max_degrees, SettingsLimits::max_degrees},
                           Bound{"exposure", -SettingsLimits::max_stops, SettingsLimits::max_stops},
                           Bound{"fps", SettingsLimits::min_fps, SettingsLimits::max_fps}}) {
        CAPTURE(b.name);
        CHECK(accepts(b.name, text_of(b.least)));
        CHECK(accepts(b.name, text_of(b.most)));
        CHECK_FALSE(accepts(b.name, text_of(std::nextafter(b.least, -1e30f))));
        CHECK_FALSE(accepts(b.name, text_of(std::nextafter(b.most, 1e30f))));
    }
    CHECK(accepts("time", "1e9"));
    CHECK(accepts("time", "-1000000000"));
    CHECK_FALSE(accepts("time", "1000000000.0000002"));
    CHECK_FALSE(accepts("time", "-1000000000.0000002"));
}

TEST_CASE("a size has two edges of 1 to 65536 pixels") {
    for (const char* good : {"1x1", "65536x65536", "1280x720"}) CHECK_MESSAGE(accepts("size", good), good);
    for (const char* bad : {"0x1", "1x0", "65537x1", "1x65537", "-1x1", "640", "640x", "x480", "640x480x3", "640X480", " 640x480",
                            "640 x480", "4294967297x1", ""})
        CHECK_MESSAGE(!accepts("size", bad), bad);
    Settings s;
    REQUIRE(set(s, "size", "640x361"));
    CHECK(s.width == 640);
    CHECK(s.height == 361);
}

TEST_CASE("look-at takes negative numbers, and refuses what no camera can do") {
    Settings s;
    REQUIRE(set(s, "look-at", "-1,2.5,-3e2,0,0,0,40"));
    CHECK(s.look_at == LookAt{{-1, 2.5f, -300}, {0, 0, 0}, 40});
    for (const char* good : {"1e9,0,0,0,0,0,40", "0,0,0,0,-1e9,0,40", "0,0,0,1,0,0,179.99", "0,0,0,1,0,0,1e-3"})
        CHECK_MESSAGE(accepts("look-at", good), good);
    for (const char* bad : {"1.0001e9,0,0,0,0,0,40", "0,0,0,0,-1.0001e9,0,40", "0,0,0,1,0,0,180", "0,0,0,1,0,0,0", "0,0,0,1,0,0,-40",
                            "0,0,0,1,0,0", "0,0,0,1,0,0,40,5", "0,0,0,1,0,nan,40", "0,0,0,1,0,inf,40", "0,0,0,1,,0,40", ""})
        CHECK_MESSAGE(!accepts("look-at", bad), bad);
    // A camera that looks at its own place has no direction: the basis would be NaN.
    CHECK(refusal("look-at", "1,2,3,1,2,3,40") == "look-at: \"1,2,3,1,2,3,40\" looks from a point at itself; move the target");
}

TEST_CASE("an environment is three radiances or a file of a kind that is read") {
    for (const char* good : {"0,0,0", "1,0.5,1e9", "sky.hdr", "a,b.EXR", "", "maps/Studio.Hdr"}) CHECK_MESSAGE(accepts("env", good), good);
    for (const char* bad : {"1,1", "1,1,1,1", "-1,0,0", "1,1,1.0001e9", "sky.jpg", ".hdr", "1,nan,1"})
        CHECK_MESSAGE(!accepts("env", bad), bad);
    CHECK(env_colour("0.25,1,2") == std::array{0.25f, 1.f, 2.f});
    CHECK_FALSE(env_colour("sky.hdr"));
    CHECK_FALSE(env_colour(""));
}

TEST_CASE("words that stand for a choice or a flag are taken as they are written and no other way") {
    for (const char* good : {"box", "blackman-harris"}) CHECK(accepts("filter", good));
    for (const char* good : {"neutral", "aces", "agx", "none"}) CHECK(accepts("tonemap", good));
    for (const char* good : {"8", "16"}) CHECK(accepts("bits", good));
    for (const char* good : {"png", "exr"}) CHECK(accepts("format", good));
    for (const char* good : {"true", "false"}) CHECK(accepts("env-hidden", good));
    CHECK_FALSE(accepts("filter", "Box"));
    CHECK_FALSE(accepts("tonemap", ""));
    CHECK_FALSE(accepts("bits", "08"));
    CHECK_FALSE(accepts("format", "jpg"));
    CHECK_FALSE(accepts("env-hidden", "1"));
    CHECK_FALSE(accepts("animation", ""));
}

TEST_CASE("a value of 4096 bytes is accepted and one of 4097 is not") {
    CHECK(accepts("camera", std::string(SettingsLimits::max_word, 'a')));
    CHECK_FALSE(accepts("camera", std::string(SettingsLimits::max_word + 1, 'a')));
}

TEST_CASE("text that is not UTF-8 or holds control characters is refused") {
    // Settings travel in JSON and end in a picture's metadata: a stray byte would make either unreadable, a line feed would fake a second
    // line.
    CHECK(accepts("camera", "Kamera \xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\xa5"));
    for (const char* bad :
         {"\xff", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "a\xe2\x82"})
        CHECK_FALSE(accepts("camera", bad));
    for (const char* bad : {"a\nb", "a\tb", "\x7f"}) CHECK_FALSE(accepts("variant", bad));
}

TEST_CASE("an error is one line that names the setting, the value and what is allowed") {
    CHECK(refusal("spp", "0") == "spp: \"0\" is not a whole number from 1 to 1048576");
    CHECK(refusal("spp", "12.5") == "spp: \"12.5\" is not a whole number from 1 to 1048576");
    CHECK(refusal("tonemap", "filmic") == "tonemap: \"filmic\" is not one of neutral, aces, agx, none");
    CHECK(refusal("exposure", "nan") == "exposure: \"nan\" is not a number from -32 to 32");
    for (const auto& info : setting_infos())
        for (const auto& value : {std::string("\n\n"), std::string(5000, 'x'), std::string("\xff")}) {
            const auto said = refusal(std::string(info.name), value);
            CHECK(said.starts_with(info.name));
            CHECK(said.find('\n') == std::string::npos);
            CHECK(said.size() < 300);
        }
}

TEST_CASE("an unknown name is an error, and a near miss is offered") {
    CHECK(refusal("max_bounces", "3") == "no such setting \"max_bounces\"; did you mean \"max-bounces\"?");
    CHECK(refusal("denoise", "true") == "no such setting \"denoise\"");
    CHECK(refusal("", "true") == "no such setting \"\"");
    CHECK(refusal(std::string(100000, 'q'), "true").size() < 120);
    CHECK_FALSE(parse_settings(Words{{"sice", "640x480"}}));
}

TEST_CASE("settings that contradict each other are refused") {
    CHECK_FALSE(parse_settings({{"time", "1"}, {"frames", "1-3"}}));
    CHECK_FALSE(parse_settings({{"format", "exr"}, {"bits", "16"}}));
    CHECK(parse_settings({{"time", "1"}}));
    CHECK(parse_settings({{"format", "png"}, {"bits", "16"}}));
}

TEST_CASE("frames are ranges with steps, lists and mixtures, ascending and each once") {
    using Frames = std::vector<std::int32_t>;
    const std::pair<const char*, Frames> good[] = {{"5", {5}},
                                                   {"1-4", {1, 2, 3, 4}},
                                                   {"1-10x4", {1, 5, 9}},
                                                   {"3,1,2", {1, 2, 3}},
                                                   {"1-3,2-5,4", {1, 2, 3, 4, 5}},
                                                   {"-5--3", {-5, -4, -3}},
                                                   {"-2-2x2", {-2, 0, 2}},
                                                   {"-7", {-7}},
                                                   {"7-7", {7}},
                                                   {"0,10-12x2,-1", {-1, 0, 10, 12}},
                                                   {"2147483647,-2147483648", {-2147483647 - 1, 2147483647}}};
    for (const auto& [text, frames] : good) {
        const auto parsed = parse_frames(text);
        REQUIRE_MESSAGE(parsed, text);
        CHECK_MESSAGE(*parsed == frames, text);
    }
    for (const char* bad : {"", ",", "1,", ",1", "1-", "-", "--1", "1--", "1-2x", "1-2x0", "1-2x-1", "1x2", "1 - 2", "1..5", "a", "1-2-3",
                            "2147483648", "1-2147483648", "1-2x2147483648"})
        CHECK_MESSAGE(!parse_frames(bad), bad);
    CHECK(parse_frames("10-1").error().message() == "frames: \"10-1\" ends before it starts; write 1-10");
}

TEST_CASE("a job has at most 2^20 frames") {
    CHECK(parse_frames("1-1048576").value().size() == SettingsLimits::max_frames);
    CHECK_FALSE(parse_frames("0-1048576"));
    CHECK_FALSE(parse_frames("1-1048576,-9"));
    CHECK_FALSE(parse_frames("-2147483648-2147483647")); // 2^32 frames: must be refused before memory is taken
    CHECK(parse_frames("-2147483648-2147483647x4096").value().size() == SettingsLimits::max_frames);
}

TEST_CASE("frames that could not be written down again in one word are refused") {
    // Two short ranges can make a list without pattern; it could be parsed but never stored or shown, so a job would lose its frames.
    CHECK(parse_frames("1-9x2,1-9x3"));
    CHECK_FALSE(parse_frames("1-100000x7,1-100000x5"));
}

TEST_CASE("settings at their default need no words, and words make the same settings again") {
    CHECK(to_words(Settings{}).empty());
    CHECK(parse_settings({}).value() == Settings{});
    const Words words = {{"size", "1x65536"},
                         {"camera", "Cam, \"ä\""},
                         {"look-at", "-1,2,3.5,0,0,0,40"},
                         {"scene", "0"},
                         {"variant", "red"},
                         {"env", "1,2,3"},
                         {"env-strength", "0.1"},
                         {"env-rotation", "-90"},
                         {"env-hidden", "true"},
                         {"spp", "1"},
                         {"max-bounces", "0"},
                         {"clamp", "10"},
                         {"filter", "box"},
                         {"seed", "4294967295"},
                         {"exposure", "-1.5"},
                         {"tonemap", "agx"},
                         {"frames", "-1,5-9,20-40x10,50-51x1"},
                         {"fps", "29.97"},
                         {"animation", "walk"},
                         {"bits", "16"},
                         {"tile", "257"}};
    const auto settings = parse_settings(words);
    REQUIRE(settings);
    auto back = to_words(*settings);
    CHECK(parse_settings(back).value() == *settings);
    CHECK(back["frames"] == "-1,5-9,20-50x10,51");
    back["frames"] = words.at("frames");
    CHECK(back == words);
    const Words still = {{"time", "0.1"}, {"format", "exr"}};
    CHECK(to_words(parse_settings(still).value()) == still);
}

TEST_CASE("every number survives the way to words and back bit for bit") {
    const auto seed = std::random_device{}();
    MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    for (int i = 0; i < 20000; ++i) {
        Settings s;
        // Any bit pattern that is a number in bounds, subnormals too.
        const auto any = [&](float least, float most) {
            for (;;)
                if (const auto v = std::bit_cast<float>(static_cast<std::uint32_t>(random())); v >= least && v <= most && v != 0) return v;
        };
        s.clamp = any(0, 1e9f), s.env_rotation = any(-36000, 36000), s.exposure = any(-32, 32), s.fps = any(0.001f, 10000);
        s.time = static_cast<double>(any(-1e9f, 1e9f)) / 3;
        s.look_at = LookAt{{any(-1e9f, 1e9f), any(-1e9f, 1e9f), any(-1e9f, 1e9f)}, {0, any(-1e9f, 1e9f), 0}, any(0, 179)};
        const auto back = parse_settings(to_words(s));
        REQUIRE_MESSAGE(back, (back ? "" : back.error().message()));
        REQUIRE(*back == s);
    }
}

TEST_CASE("a negative zero is stored as zero") {
    // It equals the default, so it would have no word, and a job would differ from its own description.
    Settings s;
    REQUIRE(set(s, "exposure", "-0"));
    CHECK_FALSE(std::signbit(s.exposure));
}

TEST_CASE("random bytes as names and values never throw and never give settings out of bounds") {
    const auto seed = std::random_device{}();
    MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    const std::string alphabet = "0123456789.,-+ex nainf\xc3\xa4\n";
    for (int i = 0; i < 50000; ++i) {
        const auto& info = setting_infos()[random() % setting_infos().size()];
        std::string value;
        for (std::size_t n = random() % 12; n > 0; --n) value += alphabet[random() % alphabet.size()];
        Settings s;
        if (!set(s, info.name, value)) {
            REQUIRE(s == Settings{}); // a refused word changes nothing
            continue;
        }
        REQUIRE(s.width >= 1);
        REQUIRE(std::isfinite(s.exposure));
        REQUIRE(s.frames.size() <= SettingsLimits::max_frames);
        const auto back = parse_settings(to_words(s));
        REQUIRE(back);
        REQUIRE(*back == s);
    }
}

TEST_CASE("each fault's code has a name that finds it again") {
    // The names stand in the same order as the codes; an insertion in one of the two lists would shift all that follow.
    CHECK(name_of(Code::bad_input) == "bad_input");
    CHECK(name_of(Code::failed) == "failed");
    for (const auto name : code_names) CHECK(name_of(code_named(name)) == name);
    CHECK(code_named("of tomorrow") == Code::failed);
}

TEST_CASE("each setting has help on one line, and a placeholder unless it is a flag") {
    CHECK(setting_infos().size() == 23);
    for (const auto& info : setting_infos()) {
        CHECK_FALSE(info.help.empty());
        CHECK(info.help.find('\n') == std::string_view::npos);
        CHECK(info.placeholder.empty() == (info.name == "env-hidden"));
    }
}
