// The farm with the real renderer, on the reference device, which every machine has.
#include "renderer/film/assemble.hpp"
#include "renderer/film/chunk.hpp"
#include "renderer/film/image_writer.hpp"
#include "renderer/renderer.hpp"
#include "tests/farm/test_farm.hpp"

using namespace raymill;
using namespace raymill::farm;

TEST_CASE("the farm's picture of the Cornell box has the bytes of the renderer's own") {
    // A setting lost on the way, a tile in the wrong place or a pixel that hung on its tile would show; so would metadata that named this
    // worker.
    const char* scenes = std::getenv("SCENES");
    REQUIRE(scenes != nullptr);
    const auto file = std::filesystem::path(scenes) / "cornell.glb";
    const std::map<std::string, std::string> words{
        {"size", "40x24"}, {"spp", "2"}, {"max-bounces", "3"}, {"exposure", "0.5"}, {"tonemap", "aces"}};
    const auto settings = *parse_settings(words);

    TestFarm farm(2, {"--device", "reference"});
    auto client = farm.client();
    const auto local = make_manifest({.main = "cornell.glb", .files = {{"cornell.glb", file}}}, {});
    REQUIRE(local.has_value());
    const auto sent = upload(client, *local, {.connect = [&] { return farm.http(farm.token()); }, .on_progress = {}});
    REQUIRE(sent.has_value());
    auto cut = words;
    cut["tile"] = "16";
    const auto job = farm.submit(sent->scene, cut);
    CHECK(farm.wait(job).state == "done");

    auto renderer = Renderer::open(file, settings, {.name = "reference"});
    REQUIRE_MESSAGE(renderer.has_value(), renderer.error().message());
    const Rect all{0, 0, settings.width, settings.height};
    std::vector<glm::vec4> rgba;
    REQUIRE((*renderer)->render(0, all, rgba).has_value());
    const auto chunk =
        film::encode_chunk({.frame = 0, .rect = all, .samples = settings.spp, .device_class = (*renderer)->device().device_class}, rgba);
    REQUIRE(chunk.has_value());
    const auto own = farm.folder / "own.png";
    auto writer = film::ImageWriter::open(own, film::image_spec(settings, sent->scene, (*renderer)->device().device_class, 0));
    REQUIRE(writer.has_value());
    REQUIRE(film::assemble(
                {.grid = {settings.width, settings.height, 4096}, .frame = 0, .samples = settings.spp},
                [&](std::uint64_t) { return *chunk; }, **writer)
                .has_value());
    CHECK(farm.images(job) == std::vector{*sha256_of_file(own)});
}
