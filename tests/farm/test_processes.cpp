// The farm as real processes: whatever is killed, the job ends with the same bytes.
#include "farm/coordinator/local_farm.hpp"
#include "farm/ledger/ledger.hpp"
#include "tests/farm/test_farm.hpp"

#include <random>
#include <set>

using namespace raymill;
using namespace raymill::farm;

namespace {

/// Accepted tiles as the ledger has them: (frame, tile) -> fence.
std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> accepted(const TestFarm& farm, const std::string& job,
                                                                          std::uint32_t frames) {
    auto ledger = open_sqlite_ledger(farm.folder / "server/ledger.db");
    REQUIRE(ledger.has_value());
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> tiles;
    for (std::uint32_t frame = 0; frame < frames; ++frame) {
        const auto rows = (*ledger)->chunks(std::stoull(job, nullptr, 16), frame, 0, 100000);
        REQUIRE(rows.has_value());
        for (const auto& row : *rows) tiles[{frame, row.task.tile}] = row.fence;
    }
    return tiles;
}

std::set<std::uint64_t> tile_events(Client& client, const std::string& job) {
    std::set<std::uint64_t> seqs;
    for (std::uint64_t after = 0;;) {
        const auto response = client.http().get("/v1/jobs/" + job + "/events?after=" + std::to_string(after));
        REQUIRE_MESSAGE(response.has_value(), response.error().message());
        REQUIRE(response->status == 200);
        // Enough of a reader for {"seq": N ... "event":"tile"}: the client's own is waiting by nature.
        std::size_t found = 0;
        for (auto at = response->body.find("\"seq\":"); at != std::string::npos; at = response->body.find("\"seq\":", at + 1)) {
            after = std::stoull(response->body.substr(at + 6));
            seqs.insert(after);
            ++found;
        }
        if (found < 1000) return seqs;
    }
}

} // namespace

TEST_CASE("the same picture comes from any cut and any number of workers") {
    TestFarm farm(2);
    const auto scene = farm.scene("tile_ms=1");
    const auto small = farm.submit(scene, {{"size", "100x70"}, {"spp", "3"}, {"tile", "16"}, {"frames", "-1-1"}});
    const auto info = farm.wait(small);
    CHECK(info.state == "done");
    CHECK(info.frames == 3);
    CHECK(info.tiles == 105);
    CHECK(info.tiles_done == 105);
    CHECK(info.samples == 100 * 70 * 3 * 3);
    CHECK(info.notes == std::vector<std::string>{"the fake renderer draws no scene"});
    CHECK(info.device == "fake");
    farm.workers.erase(1);
    const auto large = farm.submit(scene, {{"size", "100x70"}, {"spp", "3"}, {"tile", "4096"}, {"frames", "-1-1"}});
    CHECK(farm.wait(large).tiles == 3);
    const auto images = farm.images(small);
    CHECK(images == farm.images(large));
    CHECK(std::set(images.begin(), images.end()).size() == 3);
    CHECK_FALSE(images.front().empty());
    // The bytes that are served are those of that hash, in one piece or from the middle on.
    auto http = farm.http(farm.token());
    std::string whole, tail;
    CHECK(http.download_once("/v1/jobs/" + small + "/frames/-1/image", 0,
                             [&](std::string_view piece) {
                                 whole += piece;
                                 return true;
                             })
              ->status == 200);
    CHECK(sha256_of(whole) == images.front());
    CHECK(http.download_once("/v1/jobs/" + small + "/frames/-1/image", 1000,
                             [&](std::string_view piece) {
                                 tail += piece;
                                 return true;
                             })
              ->status == 206);
    CHECK(tail == whole.substr(1000));
    const auto preview = http.get("/v1/jobs/" + small + "/frames/0/tiles/34/preview");
    CHECK(preview->status == 200);
    CHECK(preview->body.starts_with("\x89PNG"));
    CHECK(farm.server->stop() == 0);
    CHECK(farm.workers.at(0).stop() == 0);
}

TEST_CASE("whatever is killed at whatever moment, the job ends with the same bytes and no tile counts twice") {
    // Killed with SIGKILL at random: workers, render processes, the coordinator; a worker is also frozen past its lease. RAYMILL_SEED
    // repeats the draw, though not the timing. What was acknowledged (an event seen over HTTP) must still be there after each restart.
    const char* given = std::getenv("RAYMILL_SEED");
    const auto seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    TestFarm farm(3);
    const std::map<std::string, std::string> settings{{"size", "160x120"}, {"spp", "2"}, {"tile", "16"}, {"frames", "1-3"}};
    const auto scene = farm.scene("tile_ms=25");
    const auto quiet = farm.submit(scene, settings);
    CHECK(farm.wait(quiet).state == "done");
    const auto expected = farm.images(quiet);

    const auto job = farm.submit(scene, settings);
    auto client = farm.client();
    std::set<std::uint64_t> seen;
    std::map<std::string, int> kills;
    std::optional<unsigned> frozen;
    for (int round = 0; round < 30; ++round) {
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 200));
        const auto now = tile_events(client, job);
        for (const auto seq : seen) CHECK_MESSAGE(now.contains(seq), "seed " << seed << ": an acknowledged event is gone");
        seen = now;
        if (const auto info = client.job(job); info && info->over()) break;
        const auto worker = static_cast<unsigned>(random() % 3);
        if (frozen && random() % 3 == 0) {
            ::kill(farm.workers.at(*frozen).pid(), SIGCONT);
            frozen.reset();
        }
        switch (random() % 8) {
        case 0:
        case 1:
            farm.server->kill();
            farm.start_server();
            ++kills["coordinator"];
            break;
        case 2:
        case 3:
            if (frozen == worker) frozen.reset();
            farm.workers.at(worker).kill();
            farm.start_worker(worker);
            ++kills["worker"];
            break;
        case 4:
            if (!frozen) {
                ::kill(farm.workers.at(worker).pid(), SIGSTOP);
                frozen = worker;
                ++kills["frozen"];
            }
            break;
        default:
            for (const auto child : children_of(farm.workers.at(worker).pid())) {
                ::kill(child, SIGKILL);
                ++kills["render process"];
            }
        }
    }
    if (frozen) ::kill(farm.workers.at(*frozen).pid(), SIGCONT);
    const auto info = farm.wait(job);
    CHECK_MESSAGE(info.state == "done", "seed " << seed << ": " << info.json);
    CHECK_MESSAGE(farm.images(job) == expected, "seed " << seed);
    CHECK(info.tiles_done == info.tiles);
    CHECK(info.samples == 160 * 120 * 2 * 3); // what is billed: each tile once
    std::string what;
    for (const auto& [kind, count] : kills) what += " " + kind + " " + std::to_string(count);
    MESSAGE("killed:" << what);
    CHECK(kills.size() >= 2);
    farm.server->kill();
    CHECK(accepted(farm, job, 3).size() == 240);
}

TEST_CASE("a coordinator that is killed and restarted goes on with the leases that still run") {
    // Rule 6: without adoption every running tile would start again, with fence 2. A long lease: on a slow machine the restart takes its
    // time.
    TestFarm farm(2, {}, 30000);
    const auto job = farm.submit(farm.scene("tile_ms=300"), {{"size", "64x64"}, {"spp", "1"}, {"tile", "32"}});
    auto client = farm.client();
    REQUIRE(eventually([&] { return client.job(job)->tiles_leased == 2; }));
    farm.server->kill();
    farm.start_server();
    CHECK(farm.wait(job).state == "done");
    farm.server->kill();
    for (const auto& [tile, fence] : accepted(farm, job, 1)) CHECK(fence == 1);
}

TEST_CASE("a result that is rendered while the coordinator is down survives the worker's death and is not rendered again") {
    // Rule 4: the worker keeps its results on disk. It must be given time to render, so the server stays away for that.
    TestFarm farm(1);
    // Not before the tile began: until then the worker still needs the server, for the scene.
    const auto began = farm.folder / "began";
    const auto job = farm.submit(farm.scene("tile_ms=300 began_once=" + began.string()), {{"size", "32x32"}, {"spp", "1"}, {"tile", "32"}});
    REQUIRE(eventually([&] { return std::filesystem::exists(began); }));
    farm.server->kill();
    const auto kept = [&] {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(farm.folder / "worker0/results"))
            if (entry.path().filename() == "offer" && entry.path().parent_path().extension() != ".tmp") return true;
        return false;
    };
    REQUIRE(eventually(kept));
    farm.workers.at(0).kill();
    farm.start_server();
    farm.start_worker(0);
    CHECK(farm.wait(job).state == "done");
    CHECK_FALSE(kept());
    farm.server->kill();
    CHECK(accepted(farm, job, 1).at({0, 0}) == 1);
}

TEST_CASE("a render process that crashes, hangs, eats memory or loses its device costs a lease and not the worker") {
    TestFarm farm(1, {"--stall-s", "1", "--memory-mb", "250"});
    const auto worker = farm.workers.at(0).pid();
    for (const std::string fault : {"crash_once", "hang_once", "eat_once", "lost_once"}) {
        CAPTURE(fault);
        const auto job =
            farm.submit(farm.scene(fault + "=" + (farm.folder / fault).string()), {{"size", "32x32"}, {"spp", "1"}, {"tile", "16"}});
        CHECK(farm.wait(job).state == "done");
        CHECK(std::filesystem::exists(farm.folder / fault));
    }
    CHECK(farm.workers.at(0).alive());
    CHECK(farm.workers.at(0).pid() == worker);
}

TEST_CASE("a poison tile fails its frame in words, and the other frames are finished") {
    TestFarm farm(2);
    const auto job =
        farm.submit(farm.scene("fail_pixel=20 fail_frame=2"), {{"size", "48x32"}, {"spp", "1"}, {"tile", "16"}, {"frames", "1-3"}});
    const auto info = farm.wait(job);
    CHECK(info.state == "failed");
    CHECK(info.frames_done == 2);
    CHECK(info.frames_failed == 1);
    REQUIRE(info.error.has_value());
    CHECK(info.error->what.find("this pixel is poison") != std::string::npos);
    const auto images = farm.images(job);
    CHECK_FALSE(images[0].empty());
    CHECK(images[1].empty());
    CHECK_FALSE(images[2].empty());
    CHECK(farm.client().frame(job, 2)->state == "failed");
}

TEST_CASE("a bad scene is said to be one, without the worker's folders in the words") {
    TestFarm farm(1);
    const auto info = farm.wait(farm.submit(farm.scene("bad=1"), {{"size", "640x480"}, {"frames", "1-100"}}));
    CHECK(info.state == "failed");
    REQUIRE(info.error.has_value());
    CHECK(info.error->code == Code::bad_input);
    CHECK(info.error->message().find("scene.gltf: this scene is bad") != std::string::npos);
    CHECK(info.error->message().find("/") == std::string::npos);
}

TEST_CASE("a cancelled job stops, and the worker is free for the next") {
    TestFarm farm(1);
    const auto slow = farm.submit(farm.scene("tile_ms=200"), {{"size", "256x256"}, {"spp", "1"}, {"tile", "16"}});
    auto client = farm.client();
    REQUIRE(eventually([&] { return client.job(slow)->tiles_done >= 1; }));
    CHECK(client.cancel(slow)->state == "cancelled");
    CHECK(client.cancel(slow)->state == "cancelled");
    CHECK(farm.wait(farm.submit(farm.scene("tile_ms=1"), {{"size", "32x32"}, {"spp", "1"}})).state == "done");
    CHECK(client.job(slow)->tiles_done < 256);
    CHECK(client.frame(slow, 0)->state == "cancelled");
}

TEST_CASE("the same key is one job, over a restart too") {
    TestFarm farm(0);
    const auto scene = farm.scene("tile_ms=1");
    auto client = farm.client();
    const auto first = client.submit({.scene = scene, .settings = {{"size", "16x16"}}, .name = "", .key = "once"});
    REQUIRE(first.has_value());
    CHECK(first->created);
    farm.server->kill();
    farm.start_server();
    const auto second = client.submit({.scene = scene, .settings = {{"size", "16x16"}}, .name = "", .key = "once"});
    REQUIRE(second.has_value());
    CHECK_FALSE(second->created);
    CHECK(second->job == first->job);
    CHECK(client.jobs(10)->size() == 1);
}

TEST_CASE("an upload that a kill interrupts goes on where it stopped") {
    // The server says what it has after its restart; the client sends the rest and nothing before it.
    TestFarm farm(0);
    const std::string bytes(3'000'000, 'x');
    const auto hash = sha256_of(bytes);
    const Manifest manifest{"a.gltf", {{"a.gltf", hash, bytes.size()}}};
    auto client = farm.client();
    const auto put = [&](std::size_t from, std::size_t count) {
        return client.http().put_once("/v1/blobs/" + hash + "?offset=" + std::to_string(from) + "&size=" + std::to_string(bytes.size()),
                                      bytes.substr(from, count));
    };
    CHECK(put(0, 1'000'000)->status == 200);
    farm.server->kill();
    farm.start_server();
    auto missing = client.missing_blobs(manifest);
    REQUIRE(missing.has_value());
    REQUIRE(missing->size() == 1);
    CHECK(missing->front().have == 1'000'000);
    CHECK(put(0, 1'000'000)->status == 409);
    CHECK(put(1'000'000, 2'000'000)->status == 200);
    CHECK(client.missing_blobs(manifest)->empty());
    CHECK(client.create_scene(manifest).has_value());
    // Bytes with another hash are thrown away.
    const auto other = sha256_of("something else");
    CHECK(client.http().put_once("/v1/blobs/" + other + "?offset=0&size=3", "abc")->status == 400);
    CHECK(client.missing_blobs({"b", {{"b", other, 3}}})->front().have == 0);
}

TEST_CASE("a local farm renders, and leaves neither processes nor files") {
    const Scratch folder;
    std::vector<pid_t> processes;
    {
        LocalFarmOptions options;
        options.workers = 2;
        options.command = {fake_raymill()};
        options.temporary = folder;
        auto farm = LocalFarm::start(options);
        REQUIRE_MESSAGE(farm.has_value(), farm.error().message());
        processes = farm->processes();
        CHECK(processes.size() == 3);
        CHECK(farm->check().has_value());
        const auto address = parse_server(farm->url());
        REQUIRE(address.has_value());
        Client client(Http(*address, {farm->token(), {}}, {}, {}));
        std::ofstream(folder / "scene.gltf") << "tile_ms=1";
        const auto local = make_manifest({.main = "scene.gltf", .files = {{"scene.gltf", folder / "scene.gltf"}}}, {});
        const auto sent = upload(client, *local,
                                 {.connect =
                                      [&] {
                                          return Http(*address, {farm->token(), {}}, {}, {});
                                      },
                                  .on_progress = {}});
        REQUIRE(sent.has_value());
        const auto job =
            client.submit({.scene = sent->scene, .settings = {{"size", "64x64"}, {"spp", "1"}, {"tile", "16"}}, .name = "", .key = ""});
        REQUIRE(job.has_value());
        CHECK(client.follow(job->job, 0, [](const Event&) { return Status{}; })->state == "done");
        for (const auto pid : farm->processes())
            for (const auto child : children_of(pid)) processes.push_back(child);
        CHECK(processes.size() > 3);
        ::kill(farm->processes()[0], SIGKILL);
        CHECK(eventually([&] { return !farm->check(); }));
    }
    for (const auto pid : processes) CHECK(::kill(pid, 0) != 0);
    std::filesystem::remove(folder / "scene.gltf");
    CHECK(std::filesystem::is_empty(folder.path));
}

TEST_CASE("a local farm dies with the process that started it, even when that is killed") {
    const Scratch folder;
    Process parent({"local", "--data", folder.path}, folder, folder / "log");
    std::vector<pid_t> processes;
    std::istringstream words(parent.line());
    for (pid_t pid = 0; words >> pid;) processes.push_back(pid);
    REQUIRE(processes.size() == 3);
    for (const auto pid : processes) CHECK(::kill(pid, 0) == 0);
    parent.kill();
    // They are nobody's children here: a zombie may remain where init is slow, so it is their state that counts.
    const auto gone = [](pid_t pid) {
        std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
        std::string text((std::istreambuf_iterator<char>(in)), {});
        return text.empty() || text.substr(text.rfind(')')).starts_with(") Z");
    };
    for (const auto pid : processes) CHECK(eventually([&] { return gone(pid); }, std::chrono::seconds(10)));
}
