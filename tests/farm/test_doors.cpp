// Who is let in, and what they may say: the workers' sockets with a hand-made peer, the HTTP API with wrong tokens and wrong words.
#include "farm/protocol/files.hpp"
#include "farm/protocol/keys.hpp"
#include "farm/protocol/limits.hpp"
#include "farm/protocol/messages.hpp"
#include "tests/farm/peer.hpp"
#include "tests/farm/test_farm.hpp"

using namespace raymill;
using namespace raymill::farm;

namespace {

std::string server_key(const TestFarm& farm) { return read_small_file(farm.folder / "server/server.pub")->substr(0, 40); }
KeyPair accepted_keys(const TestFarm& farm) { return *load_or_make_keys(farm.folder / "server/local_worker.key"); }

} // namespace

TEST_CASE("only a key that the server knows gets a welcome: not a stranger's key, not an unencrypted peer") {
    TestFarm farm(0);
    Peer stranger(farm.worker_port(), server_key(farm), make_keys());
    Peer naked(farm.worker_port(), "", {});
    Peer known(farm.worker_port(), server_key(farm), accepted_keys(farm));
    for (auto* peer : {&stranger, &naked, &known}) peer->send(hello("w"));
    const auto welcome = known.receive<wire::ToWorker>();
    REQUIRE(welcome.has_value());
    CHECK(welcome->has_welcome());
    CHECK(welcome->welcome().data_port() != 0);
    CHECK(stranger.hears_nothing());
    CHECK(naked.hears_nothing());
    // A key that is written down is known from then on, without a restart.
    const auto keys = make_keys();
    std::ofstream(farm.folder / "server/worker_keys") << keys.public_key << " a worker of another host\nnot a key\n";
    Peer added(farm.worker_port(), server_key(farm), keys);
    added.send(hello("x"));
    CHECK(added.receive<wire::ToWorker>()->has_welcome());
    // A name belongs to the key that used it first.
    added.send(hello("w"));
    CHECK(added.receive<wire::ToWorker>()->has_refused());
    CHECK(stranger.hears_nothing());
}

TEST_CASE("a peer that says what no worker says is not heard again, and others are") {
    TestFarm farm(0);
    const auto key = server_key(farm);
    const auto keys = accepted_keys(farm);
    const auto deaf = [&](const std::function<void(Peer&)>& say) {
        Peer peer(farm.worker_port(), key, keys);
        peer.send(hello("bad"));
        if (!peer.receive<wire::ToWorker>()) return false;
        say(peer);
        peer.send(hello("bad"));
        return peer.hears_nothing();
    };
    CHECK_FALSE(deaf([](Peer&) {}));
    CHECK(deaf([](Peer& peer) { // two parts
        peer.send(hello("bad").SerializeAsString(), true);
        peer.send("second");
    }));
    CHECK(deaf([](Peer& peer) { peer.send("\xff\xff rubbish"); }));
    CHECK(deaf([](Peer& peer) { // one lease more than a hello may hold
        auto message = hello("bad");
        for (std::size_t i = 0; i <= limits::leases_a_hello; ++i) message.mutable_hello()->add_leases();
        peer.send(message);
    }));
    CHECK_FALSE(deaf([](Peer& peer) {
        auto message = hello("bad");
        for (std::size_t i = 0; i < limits::leases_a_hello; ++i) message.mutable_hello()->add_leases();
        peer.send(message);
        CHECK(peer.receive<wire::ToWorker>()->has_welcome());
    }));
    Peer old(farm.worker_port(), key, keys);
    old.send(hello("old", protocol_version + 1));
    CHECK(old.receive<wire::ToWorker>()->has_refused());
}

TEST_CASE("a message at the size limit is heard, one byte more ends the connection") {
    TestFarm farm(0);
    Peer peer(farm.worker_port(), server_key(farm), accepted_keys(farm));
    // A heartbeat from a peer that did not introduce itself is answered "hello again", whatever else is in it.
    const auto heartbeat = [](std::size_t size) {
        wire::FromWorker message;
        message.mutable_heartbeat()->set_device("");
        message.mutable_heartbeat()->set_device(std::string(size - message.ByteSizeLong() - 16, 'x'));
        message.mutable_heartbeat()->mutable_device()->append(size - message.ByteSizeLong(), 'x');
        REQUIRE(message.ByteSizeLong() == size);
        return message;
    };
    peer.send(heartbeat(limits::message_bytes));
    const auto answer = peer.receive<wire::ToWorker>();
    REQUIRE(answer.has_value());
    CHECK(answer->has_hello_again());
    peer.send(heartbeat(limits::message_bytes + 1));
    CHECK(peer.hears_nothing());
    peer.send(hello("again")); // on the new connection that libzmq made meanwhile
    CHECK(peer.receive<wire::ToWorker>()->has_welcome());
}

TEST_CASE("a worker's stale or damaged result is answered so, and a result is taken only once") {
    TestFarm farm(0);
    const auto job = farm.submit(farm.scene("x=1"), {{"size", "16x16"}, {"spp", "1"}, {"tile", "16"}});
    Peer control(farm.worker_port(), server_key(farm), accepted_keys(farm));
    control.send(hello("hand-made"));
    const auto welcome = control.receive<wire::ToWorker>();
    REQUIRE(welcome.has_value());
    const auto assign = control.receive<wire::ToWorker>();
    REQUIRE(assign.has_value());
    REQUIRE(assign->has_assign());
    const auto lease = assign->assign().lease();
    CHECK(lease.fence() == 1);

    Peer data(welcome->welcome().data_port(), server_key(farm), accepted_keys(farm));
    wire::FromWorkerData early;
    early.mutable_fetch()->set_job(lease.job());
    data.send(early);
    CHECK(data.receive<wire::ToWorkerData>()->has_attach_again());
    wire::FromWorkerData attach;
    attach.mutable_attach()->set_worker("hand-made");
    data.send(attach);

    const std::string chunk = "not really a chunk", preview = "not really a preview";
    const auto offer_only = [&](std::uint32_t fence, const std::string& hash, std::uint64_t number) {
        wire::FromWorkerData message;
        *message.mutable_offer()->mutable_lease() = lease;
        message.mutable_offer()->mutable_lease()->set_fence(fence);
        message.mutable_offer()->set_number(number);
        for (const auto& [bytes, sha256] : {std::pair(chunk, hash), std::pair(preview, sha256_of(preview))}) {
            auto& file = *message.mutable_offer()->add_files();
            file.set_sha256(sha256);
            file.set_size(bytes.size());
        }
        data.send(message);
    };
    const auto offer = [&](std::uint32_t fence, const std::string& hash) {
        offer_only(fence, hash, 5);
        return data.receive<wire::ToWorkerData>();
    };
    const auto part = [&](std::uint32_t file, std::uint64_t offset, const std::string& bytes, std::uint64_t number = 5) {
        wire::FromWorkerData message;
        *message.mutable_part()->mutable_lease() = lease;
        message.mutable_part()->set_file(file);
        message.mutable_part()->set_offset(offset);
        message.mutable_part()->set_data(bytes);
        message.mutable_part()->set_number(number);
        data.send(message);
    };
    const auto verdict = [&] {
        for (;;) {
            const auto message = data.receive<wire::ToWorkerData>();
            REQUIRE(message.has_value());
            if (message->has_verdict()) return message->verdict().outcome();
        }
    };
    for (const std::uint32_t stale : {0u, 2u, 77u}) CHECK(offer(stale, sha256_of(chunk))->verdict().outcome() == wire::Verdict::NOT_NEEDED);
    // Bytes that are not those of the hash.
    CHECK(offer(1, sha256_of("other"))->grant().parts() == limits::upload_credit);
    part(0, 0, chunk);
    part(1, 0, preview);
    CHECK(verdict() == wire::Verdict::DAMAGED);
    // The same offered again and again, as over a connection that breaks, is one upload: the newest. Each is answered or replaced, and
    // parts of a replaced one are dropped.
    for (const std::uint64_t number : {1u, 2u, 3u, 4u, 5u}) offer_only(1, sha256_of(chunk), number);
    for (std::uint64_t granted = 0; granted != 5;) {
        const auto message = data.receive<wire::ToWorkerData>();
        REQUIRE(message.has_value());
        REQUIRE(message->has_grant());
        CHECK(message->grant().number() > granted);
        granted = message->grant().number();
    }
    part(0, 0, std::string(chunk.size(), 'x'), 4);
    // Parts out of order or past the end are dropped; those that follow are taken.
    part(1, 0, preview);
    part(0, 3, chunk.substr(3));
    part(0, 0, chunk + "x");
    part(0, 0, chunk.substr(0, 5));
    part(0, 5, chunk.substr(5));
    part(1, 0, preview);
    CHECK(verdict() == wire::Verdict::ACCEPTED);
    CHECK(offer(1, sha256_of(chunk))->verdict().outcome() == wire::Verdict::NOT_NEEDED);
    CHECK(farm.client().job(job)->tiles_done == 1);

    // Blobs by hash, of a job there is; more questions at once than allowed end the talk.
    wire::FromWorkerData fetch;
    fetch.mutable_fetch()->set_job(lease.job());
    fetch.mutable_fetch()->set_sha256(sha256_of(chunk));
    data.send(fetch);
    CHECK(data.receive<wire::ToWorkerData>()->blob().data() == chunk);
    fetch.mutable_fetch()->set_sha256("../../../tokens");
    data.send(fetch);
    CHECK_FALSE(data.receive<wire::ToWorkerData>()->blob().error().empty());
}

TEST_CASE("HTTP without a good token shows nothing, and tenants do not see each other") {
    TestFarm farm(0);
    const auto scene = farm.scene("x=1");
    const auto job = farm.submit(scene, {{"size", "16x16"}});
    const auto status = [&](const std::string& token, const std::string& path) { return farm.http(token).get(path)->status; };
    const std::string other = farm.tenant_token("other");
    CHECK(status("", "/healthz") == 200);
    CHECK(status("", "/") == 200);
    for (const std::string token : {"", "wrong", "0123456789abcdef"})
        for (const std::string path : {"/v1/jobs", "/v1/workers"}) CHECK(status(token, path) == 401);
    CHECK(status(farm.token(), "/v1/jobs/" + job) == 200);
    for (const std::string path : {"", "/frames", "/frames/0", "/frames/0/image", "/frames/0/tiles", "/events"})
        CHECK(status(other, "/v1/jobs/" + job + path) == 404);
    Client stranger(farm.http(other));
    CHECK(stranger.jobs(10)->empty());
    CHECK_FALSE(stranger.cancel(job).has_value());
    CHECK(stranger.missing_blobs({"scene.gltf", {{"scene.gltf", sha256_of("x=1"), 3}}})->size() == 1); // "do you have this?" does not leak
    CHECK_FALSE(stranger.submit({.scene = scene, .settings = {}, .name = "", .key = ""}).has_value());
    CHECK(farm.client().job(job)->state == "queued");
}

TEST_CASE("HTTP answers bad requests with a status and words, at each bound and one past it") {
    TestFarm farm(0);
    auto http = farm.http(farm.token());
    const auto scene = farm.scene("x=1");
    const auto post = [&](const std::string& path, const std::string& body) { return http.post(path, body)->status; };
    const auto put = [&](const std::string& query, std::size_t bytes) {
        return http.put_once("/v1/blobs/" + sha256_of("q") + query, std::string(bytes, 'q'))->status;
    };
    CHECK(put("?offset=0&size=20000000", 8u << 20) == 200);
    CHECK(put("?offset=8388608&size=20000000", (8u << 20) + 1) == 413);
    CHECK(put("?offset=0&size=68719476736", 1) == 200); // 64 GiB
    CHECK(put("?offset=0&size=68719476737", 1) == 400);
    CHECK(put("?offset=-1&size=5", 1) == 400);
    CHECK(put("?offset=0", 1) == 400);
    CHECK(put("?offset=0&size=2", 3) == 400);
    for (const std::string bad : {"", "[]", "{}", "{\"manifest\": 3}"}) CHECK(post("/v1/scenes", bad) == 400);
    CHECK(post("/v1/scenes", "{\"manifest\":{\"main\":\"../x\",\"files\":[{\"path\":\"../x\",\"sha256\":\"" + sha256_of("") +
                                 "\",\"size\":0}]}}") == 400);
    CHECK(post("/v1/scenes", "{\"manifest\":{\"main\":\"x\",\"files\":[{\"path\":\"x\",\"sha256\":\"" + sha256_of("nowhere") +
                                 "\",\"size\":7}]}}") == 409);
    const auto job = [&](const std::string& settings, const std::string& more = "") {
        return post("/v1/jobs", "{\"scene\":\"" + scene + "\",\"settings\":" + settings + more + "}");
    };
    CHECK(job("{}") == 200);
    CHECK(job("{\"nonsense\":\"1\"}") == 400);
    CHECK(job("{\"spp\":4}") == 400);
    CHECK(job("{\"env\":\"sky.hdr\"}") == 400);
    CHECK(job("{\"env\":\"1,1,1\"}") == 200);
    CHECK(job("{}", ",\"name\":\"" + std::string(200, 'n') + "\"") == 200);
    CHECK(job("{}", ",\"name\":\"" + std::string(201, 'n') + "\"") == 400);
    CHECK(job("{}", ",\"colour\":\"red\"") == 400);
    CHECK(job("{\"size\":\"4096x4096\",\"tile\":\"16\"}") == 200); // 65536 tiles
    CHECK(job("{\"size\":\"4096x4097\",\"tile\":\"16\"}") == 400);
    CHECK(job("{\"size\":\"65536x65536\",\"spp\":\"1048576\"}") == 200); // chosen so that the frame keeps its bound
    CHECK(post("/v1/jobs", "{\"scene\":\"" + sha256_of("no such scene") + "\"}") == 404);
    CHECK(http.get("/v1/jobs?limit=1000")->status == 200);
    CHECK(http.get("/v1/jobs?limit=1001")->status == 400);
    CHECK(http.get("/v1/jobs?limit=0")->status == 400);
    const auto id = farm.submit(scene, {{"size", "16x16"}, {"frames", "5,7"}});
    for (const std::string& missing :
         std::initializer_list<std::string>{"/v1/jobs/1", "/v1/jobs/xyz", "/v1/jobs/0" + id, "/v1/jobs/" + id + "/frames/6",
                                            "/v1/jobs/" + id + "/frames/99999999999", "/v1/nothing", "/web/../tokens"})
        CHECK_MESSAGE(http.get(missing)->status == 404, missing);
    CHECK(http.get("/v1/jobs/" + id + "/frames/7")->status == 200);
    CHECK(http.get("/v1/jobs/" + id + "/frames/7/image")->status == 409);
    CHECK(http.get("/v1/jobs/" + id + "/events?wait_s=31")->status == 400);
    CHECK(http.get("/v1/jobs/" + id + "/frames?limit=10001")->status == 400);
    CHECK(http.get("/v1/jobs/" + id + "/frames?from=2")->body == "{\"frames\":[],\"next\":null}");
    const auto failure = http.get("/v1/jobs/1");
    CHECK(failure->body.starts_with("{\"error\":{\"code\":\"refused\",\"message\":\""));
}

TEST_CASE("a server others can reach starts only with keys and tokens that somebody set up, and a worker believes no unknown server") {
    const Scratch folder;
    const auto refuses = [&](std::vector<std::string> words, const std::string& because) {
        Process process(std::move(words), folder, folder / "log");
        const auto status = process.wait();
        std::ifstream in(folder / "log");
        const std::string log{std::istreambuf_iterator<char>(in), {}};
        CHECK_MESSAGE(log.find(because) != std::string::npos, log);
        return status != 0;
    };
    CHECK(refuses({"serve", "--data", folder / "a", "--http", "0.0.0.0:0", "--workers-at", "tcp://127.0.0.1:0"},
                  "raymill key make --scope operator"));
    CHECK(refuses({"serve", "--data", folder / "b", "--http", "127.0.0.1:0", "--workers-at", "tcp://0.0.0.0:0"},
                  "raymill key make --scope worker"));
    CHECK(refuses({"worker", "--data", folder / "c", "--connect", "tcp://192.0.2.1:8081"}, "server.pub"));
    std::ofstream(folder / "b/worker_keys") << make_keys().public_key << "\n";
    Process open({"serve", "--data", folder / "b", "--http", "127.0.0.1:0", "--workers-at", "tcp://0.0.0.0:0"}, folder, folder / "log");
    CHECK(open.line().starts_with("raymill: serving"));
    CHECK(refuses({"serve", "--data", folder / "b", "--http", "127.0.0.1:0", "--workers-at", "tcp://127.0.0.1:0"},
                  "another process uses this folder"));
    CHECK(open.stop() == 0);
}
