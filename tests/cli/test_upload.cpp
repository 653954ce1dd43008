// What goes over the wire when a scene is uploaded and frames are fetched, with connections that break.
#include "farm/client/fetch.hpp"
#include "farm/client/upload.hpp"
#include "farm/protocol/sha256.hpp"
#include "tests/cli/fake_server.hpp"
#include "tests/cli/folder.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <random>
#include <thread>

using namespace raymill;
using namespace raymill::farm;
using namespace raymill::farm::client;
using namespace std::chrono_literals;
using test::FakeServer;

namespace {

std::string noise(std::size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::string bytes(size, '\0');
    for (char& b : bytes) b = static_cast<char>(random());
    return bytes;
}

constexpr Patience patient{5000ms, 5000ms};

struct Sender {
    ServerAddress address;
    std::string token;
    std::stop_source stop;
    Patience patience = patient;
    [[nodiscard]] Http connect() const { return {address, {token, {}}, patience, stop.get_token()}; }
    Result<UploadResult> send(const LocalScene& scene, std::size_t piece = 10000, unsigned connections = 1) {
        Client client(connect());
        return upload(client, scene, {[this] { return connect(); }, {}, piece, connections});
    }
};

LocalScene scene_of(const test::Folder& folder, const std::map<std::string, std::string>& files) {
    SceneFiles scene{files.begin()->first, {}};
    for (const auto& [path, bytes] : files) {
        folder.write(path, bytes);
        scene.files.push_back({path, folder.path / path});
    }
    const auto local = make_manifest(scene, {});
    REQUIRE_MESSAGE(local, (local ? "" : local.error().message()));
    return *local;
}

/// No byte of a blob arrived twice: each piece began where the one before it ended.
void check_each_byte_arrived_once(FakeServer& server, const std::string& hash, std::uint64_t from, std::uint64_t size) {
    std::uint64_t at = from;
    for (const auto& put : server.puts[hash]) {
        CHECK(put.offset == at);
        at += put.arrived;
    }
    CHECK(at == size);
}

} // namespace

TEST_CASE("a scene's manifest has the hashes and sizes of its files, sorted by path") {
    const test::Folder folder;
    const auto local = scene_of(folder, {{"z.gltf", "abc"}, {"a/b.bin", ""}, {"m.png", noise(3 << 20, 1)}});
    REQUIRE(local.manifest.files.size() == 3);
    CHECK(local.manifest.files[0] == ManifestFile{"a/b.bin", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0});
    CHECK(local.manifest.files[1] == ManifestFile{"m.png", sha256_of(noise(3 << 20, 1)), 3 << 20});
    CHECK(local.manifest.files[2] == ManifestFile{"z.gltf", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 3});
    CHECK(local.sources[1] == folder.path / "m.png");
}

TEST_CASE("a file that is not there, or a folder, is named") {
    const test::Folder folder;
    folder.write("s/x.bin", "x");
    for (const char* name : {"gone.bin", "s"}) {
        const auto local = make_manifest({"s/x.bin", {{"s/x.bin", folder.path / "s/x.bin"}, {"other", folder.path / name}}}, {});
        REQUIRE_FALSE(local);
        CHECK(local.error().code == Code::bad_input);
        CHECK(local.error().where == (folder.path / name).string());
    }
}

TEST_CASE("only what the server lacks is sent, and equal files once") {
    const test::Folder folder;
    FakeServer server;
    Sender sender{server.address(), "", {}};
    const auto big = noise(25000, 2);
    const auto local = scene_of(folder, {{"a.gltf", "{}"}, {"big.bin", big}, {"copy.bin", big}, {"empty.bin", ""}});
    const auto first = sender.send(local);
    REQUIRE_MESSAGE(first, (first ? "" : first.error().message()));
    CHECK(first->scene == scene_id(local.manifest));
    CHECK(first->bytes_sent == 25002);
    CHECK(first->blobs_sent == 3);
    CHECK(server.blobs.at(sha256_of(big)) == big);
    CHECK(server.blobs.contains(sha256_of("")));
    CHECK(server.puts[sha256_of(big)].size() == 3); // pieces of 10000
    const auto again = sender.send(local);
    REQUIRE(again);
    CHECK(again->bytes_sent == 0);
    // One file changed: only that one travels.
    const auto changed = scene_of(folder, {{"a.gltf", "{ }"}, {"big.bin", big}, {"copy.bin", big}, {"empty.bin", ""}});
    CHECK(sender.send(changed).value().bytes_sent == 3);
}

TEST_CASE("an upload goes on from what an earlier one left on the server") {
    const test::Folder folder;
    FakeServer server;
    Sender sender{server.address(), "", {}};
    const auto big = noise(50000, 3);
    server.halves[sha256_of(big)] = big.substr(0, 33333);
    const auto sent = sender.send(scene_of(folder, {{"a.glb", big}}));
    REQUIRE(sent);
    CHECK(sent->bytes_sent == 50000 - 33333);
    check_each_byte_arrived_once(server, sha256_of(big), 33333, 50000);
}

TEST_CASE("an upload rides over connections that break while a piece is on its way, and no byte that arrived is sent again") {
    const test::Folder folder;
    FakeServer server;
    // The first connection asks what is missing and dies with it; later ones die within the first, second and third piece.
    const test::CuttingProxy proxy(server.address(), {100, 0, 3000, 0, 14000, 24000});
    Sender sender{proxy.address(), "", {}};
    const auto big = noise(60000, 4);
    const auto sent = sender.send(scene_of(folder, {{"a.glb", big}}));
    REQUIRE_MESSAGE(sent, (sent ? "" : sent.error().message()));
    const std::lock_guard lock(server.mutex);
    CHECK(server.blobs.at(sha256_of(big)) == big);
    check_each_byte_arrived_once(server, sha256_of(big), 0, 60000);
    CHECK(server.puts[sha256_of(big)].size() > 6); // it did break
}

TEST_CASE("a piece whose answer was lost is not sent again") {
    const test::Folder folder;
    FakeServer server;
    // Connection 1 carries the pieces: cut after 150 bytes of answers, which is within the second piece's answer.
    const test::CuttingProxy proxy(server.address(), {}, {0, 150});
    Sender sender{proxy.address(), "", {}};
    const auto big = noise(60000, 5);
    const auto sent = sender.send(scene_of(folder, {{"a.glb", big}}));
    REQUIRE_MESSAGE(sent, (sent ? "" : sent.error().message()));
    const std::lock_guard lock(server.mutex);
    check_each_byte_arrived_once(server, sha256_of(big), 0, 60000);
    CHECK(sent->bytes_sent == 60000);
    CHECK(server.requests["POST /v1/scenes/missing"] == 2); // at the start, and after the cut
}

TEST_CASE("a file that changes after it was hashed is named, and the scene is not made") {
    const test::Folder folder;
    FakeServer server;
    Sender sender{server.address(), "", {}};
    const auto local = scene_of(folder, {{"a.glb", noise(20000, 6)}});
    SUBCASE("other bytes") { folder.write("a.glb", noise(20000, 7)); }
    SUBCASE("shorter") { folder.write("a.glb", "short"); }
    SUBCASE("gone") { std::filesystem::remove(folder.path / "a.glb"); }
    const auto sent = sender.send(local);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == Code::bad_input);
    CHECK(sent.error().message() == (folder.path / "a.glb").string() + ": the file changed while it was being sent; run the command again");
    CHECK(server.requests["POST /v1/scenes"] == 0);
}

TEST_CASE("a spoilt half on the server is replaced by the whole file") {
    // The server drops a blob whose hash is wrong; without a second try the user would have to know that running it again helps.
    const test::Folder folder;
    FakeServer server;
    Sender sender{server.address(), "", {}};
    const auto big = noise(20000, 8);
    server.halves[sha256_of(big)] = noise(7000, 9);
    const auto sent = sender.send(scene_of(folder, {{"a.glb", big}}));
    REQUIRE_MESSAGE(sent, (sent ? "" : sent.error().message()));
    CHECK(server.blobs.at(sha256_of(big)) == big);
}

TEST_CASE("two thousand tiny files arrive over a few connections") {
    const test::Folder folder;
    FakeServer server;
    Sender sender{server.address(), "", {}};
    std::map<std::string, std::string> files = {{"a.gltf", "{}"}};
    for (int i = 0; i < 2000; ++i) files["f/" + std::to_string(i)] = std::to_string(i);
    const auto sent = sender.send(scene_of(folder, files), 0, 4);
    REQUIRE_MESSAGE(sent, (sent ? "" : sent.error().message()));
    CHECK(sent->blobs_sent == 2001);
    CHECK(server.blobs.size() == 2001);
}

TEST_CASE("a server that says 503 is asked again; one that refuses the token is not") {
    const test::Folder folder;
    FakeServer server;
    server.busy = 3;
    Sender sender{server.address(), "right", {}};
    server.token = "right";
    const auto local = scene_of(folder, {{"a.glb", "x"}});
    CHECK(sender.send(local));
    sender.token = "wrong";
    const auto refused = sender.send(local);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::refused);
    CHECK(refused.error().what.find("--token") != std::string::npos);
}

TEST_CASE("a token that comes while the client is already asking is used") {
    FakeServer server;
    server.token = "late";
    server.on_get = [](const std::string&) { return std::string(R"({"jobs": []})"); };
    int looked = 0;
    Client client(Http(server.address(), {"", [&] { return ++looked < 4 ? std::string() : std::string("late"); }}, patient, {}));
    CHECK(client.jobs(1));
    CHECK(looked == 4);
    // A token that stays wrong is refused all the same.
    server.token = "another";
    Client lost(Http(server.address(), {"", [] { return std::string("late"); }}, Patience{200ms, 5000ms}, {}));
    CHECK(lost.jobs(1).error().code == Code::refused);
}

TEST_CASE("where nothing listens the error says so, and what to do") {
    unsigned port = 0;
    { port = FakeServer().address().port; } // one that was free a moment ago
    Client client(Http({false, "127.0.0.1", port}, {}, Patience{100ms, 100ms}, {}));
    const auto health = client.health();
    REQUIRE_FALSE(health);
    CHECK(health.error().code == Code::unreachable);
    CHECK(health.error().where == "http://127.0.0.1:" + std::to_string(port));
}

TEST_CASE("what is not raymill's answer is an error, never a guess") {
    FakeServer server;
    Client client(Http(server.address(), {}, Patience{100ms, 100ms}, {}));
    for (const char* answer : {"<html>", "[]", "3", "{\"jobs\": 3}", "{\"jobs", "{}"}) {
        server.on_get = [&](const std::string&) { return std::string(answer); };
        const auto jobs = client.jobs(1);
        REQUIRE_FALSE(jobs);
        CHECK(jobs.error().code == Code::refused);
    }
    // Fields of other types than they should have read as nothing.
    server.on_get = [&](const std::string&) {
        return std::string(
            R"({"job": 3, "state": ["done"], "frames": 7, "tiles": {"total": -1, "done": "x"}, "notes": [1, "a\nb"], "error": []})");
    };
    const auto job = client.job("abc");
    REQUIRE(job);
    CHECK(job->state.empty());
    CHECK(job->tiles == 0);
    CHECK(job->notes == std::vector<std::string>{"a b"});
}

TEST_CASE("a job's id that is none never reaches a path") {
    FakeServer server;
    Client client(Http(server.address(), {}, Patience{100ms, 100ms}, {}));
    for (const std::string id : {"", "../x", "ab?x=1", "AB", "a b", std::string(65, 'a').c_str()})
        CHECK(client.job(id).error().code == Code::usage);
    CHECK(server.requests.empty());
    CHECK(check_job_id(std::string(64, 'a')));
}

TEST_CASE("a submission without a key is sent with one of its own, so that sending it again is still one job") {
    FakeServer server;
    std::vector<std::string> bodies;
    server.on_post = [&](const std::string&, const std::string& body) {
        bodies.push_back(body);
        return std::string(R"({"job": "a1", "created": true})");
    };
    Client client(Http(server.address(), {}, patient, {}));
    CHECK(client.submit({"s", {{"spp", "4"}}, "n", ""}).value().job == "a1");
    CHECK(client.submit({"s", {}, "n", ""}));
    CHECK(client.submit({"s", {}, "n", "mine"}));
    CHECK(bodies[0].find("\"key\":\"once-") != std::string::npos);
    CHECK(bodies[0].substr(bodies[0].find("once-"), 30) != bodies[1].substr(bodies[1].find("once-"), 30));
    CHECK(bodies[2].find("\"key\":\"mine\"") != std::string::npos);
}

TEST_CASE("following a job gives every event to the last, however early the job is known to be over") {
    // The job ends between the page that says it runs and the question for its state: the events between were lost once.
    FakeServer server;
    server.on_get = [](const std::string& path) -> std::string {
        if (path.find("/events") == std::string::npos) return R"({"job": "a1", "state": "done"})";
        if (path.find("after=0") != std::string::npos)
            return R"({"events": [{"seq": 1, "event": "job", "state": "running", "tiles": {"total": 1, "done": 0}}], "next": 1})";
        return R"({"events": [{"seq": 2, "event": "tile", "tiles": {"total": 1, "done": 1}}, {"seq": 3, "event": "job", "state": "done"}], "next": 3})";
    };
    Client client(Http(server.address(), {}, patient, {}));
    std::vector<std::uint64_t> seen;
    const auto job = client.follow("a1", 0, [&](const farm::client::Event& event) -> Status {
        seen.push_back(event.seq);
        return {};
    });
    REQUIRE(job);
    CHECK(job->over());
    CHECK(seen == std::vector<std::uint64_t>{1, 2, 3});
}

TEST_CASE("a stop ends a request that waits for the server's answer") {
    FakeServer server;
    std::stop_source stop;
    std::atomic<bool> waiting = false;
    server.on_get = [&](const std::string&) {
        waiting = true;
        for (int i = 0; i < 400 && !stop.stop_requested(); ++i) std::this_thread::sleep_for(50ms);
        std::this_thread::sleep_for(500ms);
        return std::string(R"({"events": [], "next": 0})");
    };
    Client client(Http(server.address(), {}, patient, stop.get_token()));
    std::thread stopper([&] {
        while (!waiting) std::this_thread::yield();
        stop.request_stop();
    });
    std::uint64_t after = 0;
    const auto events = client.events("a1", after);
    stopper.join();
    REQUIRE_FALSE(events);
    CHECK(events.error().what == "interrupted");
}

TEST_CASE("a frame is fetched whole over connections that break, and replaces what was there") {
    const test::Folder folder;
    FakeServer server;
    const auto image = noise(200000, 10);
    server.files["/v1/jobs/a1/frames/-3/image"] = image;
    const test::CuttingProxy proxy(server.address(), {}, {50000, 70000, 10});
    Client client(Http(proxy.address(), {}, patient, {}));
    folder.write("out.png", "what was there");
    const auto done = fetch_frame(client, "a1", {-3, "done", sha256_of(image), image.size(), {}}, folder.path / "out.png");
    REQUIRE_MESSAGE(done, (done ? "" : done.error().message()));
    CHECK(folder.read("out.png") == image);
    CHECK(folder.names() == std::vector<std::string>{"out.png"});
}

TEST_CASE("a frame that cannot be had leaves what was there, and nothing beside it") {
    const test::Folder folder;
    FakeServer server;
    const auto image = noise(1000, 11);
    server.files["/v1/jobs/a1/frames/1/image"] = image;
    std::stop_source stop;
    Client client(Http(server.address(), {}, Patience{200ms, 200ms}, stop.get_token()));
    folder.write("out.png", "old");
    FrameInfo frame{1, "done", sha256_of(image), image.size(), {}};
    Code expected = Code::failed;
    SUBCASE("its hash is another") { frame.sha256 = sha256_of("x"), expected = Code::io; }
    SUBCASE("it is longer") { frame.size = 10, expected = Code::refused; }
    SUBCASE("it is shorter and never comes") { frame.size = 2000, expected = Code::refused; }
    SUBCASE("it is not there") { frame.frame = 2, expected = Code::refused; }
    SUBCASE("it is not done") { frame.state = "running", expected = Code::refused; }
    SUBCASE("the program is being stopped") { stop.request_stop(); }
    const auto done = fetch_frame(client, "a1", frame, folder.path / "out.png");
    REQUIRE_FALSE(done);
    CHECK(done.error().code == expected);
    CHECK(folder.read("out.png") == "old");
    CHECK(folder.names() == std::vector<std::string>{"out.png"});
    const auto nowhere = fetch_frame(client, "a1", {1, "done", sha256_of(image), image.size(), {}}, folder.path / "no" / "out.png");
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().code == (stop.stop_requested() ? Code::io : Code::io));
}
