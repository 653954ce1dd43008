// What one tenant can learn of, take from or do to another, and what a key of one scope can do beside it: nothing.
#include "farm/protocol/keys.hpp"
#include "farm/protocol/limits.hpp"
#include "tests/farm/test_farm.hpp"

#include <nlohmann/json.hpp>

using namespace raymill;
using namespace raymill::farm;

namespace {

/// Uploads a scene of these words for whom the token is, and queues a job of it.
struct Work {
    std::string scene, job;
};
Work work_of(const TestFarm& farm, const std::string& token, const std::string& words, const std::string& key = "") {
    const auto file = farm.folder / "scene.gltf";
    std::ofstream(file) << words;
    Client client(farm.http(token));
    const auto local = make_manifest({.main = "scene.gltf", .files = {{"scene.gltf", file}}}, {});
    const auto scene = upload(client, *local, {.connect = [&] { return farm.http(token); }, .on_progress = {}});
    REQUIRE(scene.has_value());
    const auto job =
        client.submit({.scene = scene->scene, .settings = {{"size", "16x16"}, {"tile", "16"}}, .name = "secret name", .key = key});
    REQUIRE(job.has_value());
    return {scene->scene, job->job};
}
int status_of(const TestFarm& farm, const std::string& token, const std::string& method, const std::string& path) {
    auto http = farm.http(token);
    return method == "GET" ? http.get(path)->status : method == "DELETE" ? http.del(path)->status : http.post(path, "{}")->status;
}

} // namespace

TEST_CASE("one tenant can neither see, list, guess nor steer another's jobs, and a wrong guess looks like nothing there") {
    TestFarm farm(1);
    const auto one = farm.tenant_token("one"), two = farm.tenant_token("two");
    const auto work = work_of(farm, one, "x=1", "shared key");
    REQUIRE(eventually([&] { return Client(farm.http(one)).job(work.job)->over(); }));
    const auto path = "/v1/jobs/" + work.job;
    for (const std::string& what : {std::string(), std::string("/frames"), std::string("/frames/0"), std::string("/frames/0/image"),
                                    std::string("/frames/0/tiles"), std::string("/frames/0/tiles/0/preview"), std::string("/events")}) {
        CHECK(status_of(farm, one, "GET", path + what) == 200);
        CHECK(status_of(farm, two, "GET", path + what) == 404);
        // The very same answer as for a job that never was.
        CHECK(farm.http(two).get(path + what)->body == farm.http(two).get("/v1/jobs/1" + what)->body);
    }
    CHECK(status_of(farm, two, "POST", path + "/cancel") == 404);
    Client stranger(farm.http(two));
    CHECK(stranger.jobs(1000)->empty());
    CHECK(farm.http(two).get("/v1/jobs")->body.find("secret") == std::string::npos);
    // The scene's id is no key to it, and the other's submit key is another job.
    CHECK_FALSE(stranger.submit({.scene = work.scene, .settings = {}, .name = "", .key = "shared key"}).has_value());
    const auto own = work_of(farm, two, "x=2", "shared key");
    CHECK(own.job != work.job);
    CHECK(Client(farm.http(one)).jobs(10)->size() == 1);
}

TEST_CASE("what one tenant stored is asked of another as if it were nowhere, though the bytes are the same") {
    TestFarm farm(0);
    const auto one = farm.tenant_token("one"), two = farm.tenant_token("two");
    const auto work = work_of(farm, one, "x=1");
    Client stranger(farm.http(two));
    const Manifest manifest{"scene.gltf", {{"scene.gltf", sha256_of("x=1"), 3}}};
    CHECK(stranger.missing_blobs(manifest)->size() == 1);
    CHECK(stranger.missing_blobs(manifest)->front().have == 0);
    CHECK_FALSE(stranger.create_scene(manifest).has_value()); // a scene is not had for its hashes: one has to have the bytes
    // Half of it sent by one is not half of it for the other.
    auto piece = [&](const std::string& token, const std::string& query, const std::string& bytes) {
        return nlohmann::json::parse(farm.http(token).put_once("/v1/blobs/" + sha256_of("abcdef") + query, bytes)->body).value("have", 99);
    };
    CHECK(piece(one, "?offset=0&size=6", "abc") == 3);
    CHECK(piece(two, "?offset=3&size=6", "def") == 0);
    CHECK(piece(one, "?offset=3&size=6", "def") == 6);
    // An environment by a path out of the scene, or into another tenant's, is no file of the manifest.
    const auto own = work_of(farm, two, "x=2");
    for (const char* env : {"../../one/blobs/x.hdr", "/etc/passwd", "scene2.gltf"})
        CHECK_FALSE(stranger.submit({.scene = own.scene, .settings = {{"env", env}}, .name = "", .key = ""}).has_value());
}

TEST_CASE("a key does what its scope says: readers do not submit, tenants do not run the farm, operators look into nobody's jobs") {
    TestFarm farm(0);
    const auto submit = farm.tenant_token("one"), read = farm.tenant_token("one", "read");
    const auto access = *Access::open(farm.folder / "server");
    const auto operate = access->make_key({.scope = "operator", .tenant = "", .note = "", .lasts_s = 0})->token;
    const auto enrol = access->make_key({.scope = "worker", .tenant = "", .note = "", .lasts_s = 0})->token;
    const auto work = work_of(farm, submit, "x=1");
    const auto job = "/v1/jobs/" + work.job;
    struct {
        const char* method;
        std::string path;
        bool reader, submitter, operating;
    } const rows[] = {{"GET", job, true, true, false},
                      {"GET", job + "/events", true, true, false},
                      {"GET", "/v1/jobs", true, true, false},
                      {"POST", job + "/cancel", false, true, false},
                      {"POST", "/v1/jobs", false, true, false},
                      {"POST", "/v1/scenes", false, true, false},
                      {"POST", "/v1/scenes/missing", false, true, false},
                      {"GET", "/v1/workers", false, false, true},
                      {"GET", "/v1/tenants", false, false, true},
                      {"POST", "/v1/tenants", false, false, true},
                      {"DELETE", "/v1/tenants/nobody", false, false, true},
                      {"GET", "/v1/keys", false, false, true},
                      {"POST", "/v1/keys", false, false, true},
                      {"DELETE", "/v1/keys?id=00000000", false, false, true},
                      {"GET", "/v1/audit", false, false, true},
                      {"POST", "/v1/enrol", false, false, false}};
    for (const auto& row : rows) {
        INFO(row.method, " ", row.path);
        CHECK((status_of(farm, read, row.method, row.path) == 403) != row.reader);
        CHECK((status_of(farm, submit, row.method, row.path) == 403) != row.submitter);
        CHECK((status_of(farm, operate, row.method, row.path) == 403) != row.operating);
        CHECK((status_of(farm, enrol, row.method, row.path) == 403) == (row.path != "/v1/enrol"));
        CHECK(status_of(farm, "rmk_00000000_" + std::string(64, '0'), row.method, row.path) == 401);
    }
    CHECK(nlohmann::json::parse(farm.http(read).get("/v1/self")->body)["rights"] == nlohmann::json{"read"});
    CHECK(farm.log("server/audit.jsonl").find("403 to POST " + job + "/cancel") != std::string::npos);
}

TEST_CASE("an operator over HTTP makes tenants and keys, and what he revokes is refused with the next request") {
    TestFarm farm(0);
    auto farm_runner = farm.client(); // this user's own token runs the farm
    REQUIRE(farm_runner.add_tenant("studio").has_value());
    const auto made = farm_runner.make_key(R"({"scope":"submit","tenant":"studio","note":"for \u00e4rger","expires_s":3600})");
    REQUIRE(made.has_value());
    const auto key = nlohmann::json::parse(*made);
    const auto token = key["token"].get<std::string>();
    CHECK(status_of(farm, token, "GET", "/v1/jobs") == 200);
    CHECK(farm_runner.keys()->find(token) == std::string::npos);
    REQUIRE(farm_runner.revoke_key(key["id"].get<std::string>()).has_value());
    CHECK(status_of(farm, token, "GET", "/v1/jobs") == 401);
    CHECK_FALSE(farm_runner.revoke_key(key["id"].get<std::string>()).has_value());
    for (const char* bad : {"[]", "{\"scope\":\"submit\"}", "{\"scope\":\"king\"}", "{\"scope\":\"operator\",\"x\":\"y\"}",
                            "{\"scope\":\"operator\",\"expires_s\":-1}", "{\"scope\":\"operator\",\"note\":7}"})
        CHECK_MESSAGE(farm_runner.make_key(bad).error().code == Code::usage, bad);
    const auto audit = nlohmann::json::parse(*farm_runner.audit(0, 1000));
    std::string whats;
    for (const auto& record : audit["records"]) whats += record["what"].get<std::string>() + " ";
    CHECK(whats.find("tenant.add key.make") != std::string::npos);
    CHECK(whats.find("key.revoke") != std::string::npos);
    CHECK(audit.dump().find(token.substr(13)) == std::string::npos); // never a secret
}

TEST_CASE("a one-time key brings one worker in, and a worker whose key is taken back is heard no more") {
    TestFarm farm(0);
    const auto access = *Access::open(farm.folder / "server");
    const auto once = access->make_key({.scope = "worker", .tenant = "", .note = "", .lasts_s = 0})->token;
    const auto keys = make_keys();
    Client newcomer(farm.http(once));
    CHECK_FALSE(newcomer.enrol("not a key", "gpu1").has_value()); // costs nothing
    const auto server = newcomer.enrol(keys.public_key, "gpu1");
    REQUIRE(server.has_value());
    CHECK(*server == farm.log("server/server.pub").substr(0, 40));
    CHECK_FALSE(newcomer.enrol(make_keys().public_key, "gpu2").has_value());
    // A real worker with that key, told the server's as by hand: in a home without rendezvous files.
    std::filesystem::create_directory(farm.folder / "worker0");
    std::filesystem::permissions(farm.folder / "worker0", std::filesystem::perms::owner_all);
    std::ofstream(farm.folder / "worker0/server.pub") << *server << "\n";
    std::ofstream(farm.folder / "worker0/worker.key") << keys.public_key << "\n" << keys.secret_key << "\n";
    std::filesystem::permissions(farm.folder / "worker0/worker.key", std::filesystem::perms(0600));
    const Scratch elsewhere;
    Process worker({"worker", "--connect", "tcp://127.0.0.1:" + std::to_string(farm.worker_port()), "--data", farm.folder / "worker0"},
                   elsewhere, farm.folder / "worker0.log");
    auto operators = farm.client();
    const auto state = [&] {
        const auto list = operators.workers();
        return list && list->size() == 1 ? list->front().state : std::string("none");
    };
    CHECK(eventually([&] { return state() == "idle"; }));
    REQUIRE(operators.revoke_key(keys.public_key).has_value());
    CHECK(eventually([&] { return state() == "lost"; }));
    CHECK(farm.log("server/audit.jsonl").find("its key was taken back") != std::string::npos);
}
