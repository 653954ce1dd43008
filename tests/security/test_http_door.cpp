// The HTTP door against those who send slowly, endlessly or nonsense, and against a tenant that wants all of it.
#include "farm/coordinator/audit.hpp"
#include "farm/protocol/limits.hpp"
#include "tests/farm/test_farm.hpp"
#include "tests/security/raw_socket.hpp"

#include <nlohmann/json.hpp>

using namespace raymill;
using namespace raymill::farm;

namespace {

std::string request(const std::string& line, const std::string& token, const std::string& more = "") {
    return line + " HTTP/1.1\r\n" + (token.empty() ? "" : "Authorization: Bearer " + token + "\r\n") + more + "\r\n";
}
/// Lines of the audit log whose detail holds these words.
std::size_t audited(const TestFarm& farm, const std::string& words) {
    const auto log = farm.log("server/audit.jsonl");
    std::size_t count = 0;
    for (auto at = log.find(words); at != std::string::npos; at = log.find(words, at + 1)) ++count;
    return count;
}

} // namespace

TEST_CASE("a thousand connections that never finish their headers hold up nobody, cost little memory, and are closed") {
    allow_many_descriptors();
    TestFarm farm(0);
    const auto before = resident_mb(farm.server->pid());
    std::vector<RawSocket> slow;
    for (int i = 0; i < 1200; ++i) {
        const auto from = "127.0.0." + std::to_string(2 + i % 4);
        slow.emplace_back(farm.http_port(), from.c_str());
        slow.back().send("GET / HTTP/1.1\r\nX-Slow: ");
    }
    // Twelve times as many as there are serving threads: a door that gives each a thread answers nobody now.
    for (int round = 0; round < 5; ++round) {
        for (auto& socket : slow) socket.send("x");
        CHECK(farm.http(farm.token()).get("/v1/jobs")->status == 200);
    }
    CHECK(resident_mb(farm.server->pid()) < before + 64);
    // They go on, a byte now and then, and are closed all the same.
    CHECK(eventually([&] { return !slow.front().send("x") || slow.front().closes(100); }, std::chrono::seconds(60)));
    CHECK(farm.http(farm.token()).get("/v1/jobs")->status == 200);
    CHECK(eventually([&] { return audited(farm, "the request's headers did not come in time") > 0; }));
}

TEST_CASE("an address has a bound on its connections: at it the last is served, one past it is closed at once, and others come in") {
    allow_many_descriptors();
    TestFarm farm(0);
    std::vector<RawSocket> open;
    // The last of them counts only once it was accepted; an answer says that it was.
    for (std::size_t i = 0; i < limits::http_connections_an_address; ++i) open.emplace_back(farm.http_port(), "127.0.0.9");
    open.back().send(request("GET /healthz", "", "Connection: close\r\n"));
    CHECK(open.back().status() == 200);
    std::optional<RawSocket> again; // takes the place of the one that is over, and stays open after its answer
    CHECK(eventually([&] {
        again.emplace(RawSocket(farm.http_port(), "127.0.0.9"));
        again->send(request("GET /healthz", ""));
        return again->status() == 200;
    }));
    RawSocket past(farm.http_port(), "127.0.0.9");
    CHECK(past.closes(5000));
    CHECK(farm.http(farm.token()).get("/v1/jobs")->status == 200);
}

TEST_CASE(
    "endless headers, chunked and endless bodies, forms, garbage and lies about lengths are ended with words, and memory does not grow") {
    TestFarm farm(0);
    const auto token = farm.token();
    const auto before = resident_mb(farm.server->pid());
    const auto answer = [&](const std::string& bytes) {
        RawSocket socket(farm.http_port());
        socket.send(bytes);
        return socket.status();
    };
    CHECK(answer("GET / HTTP/1.1\r\nX: " + std::string(1 << 20, 'x')) == 431);
    CHECK(answer("GET /" + std::string(3000, 'x') + " HTTP/1.1\r\n\r\n") == 414);
    CHECK(answer(request("POST /v1/jobs", token, "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n") == 411);
    CHECK(answer(request("POST /v1/jobs", token, "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n")) == 415);
    CHECK(answer(request("POST /v1/jobs", token, "Content-Length: 99999999999\r\n")) == 413);
    CHECK(answer(request("POST /v1/jobs", "", "Content-Length: 1000\r\n")) == 401); // before a byte of the body is taken
    CHECK(answer(request("PUT /v1/blobs/00", "wrong", "Content-Length: 8388608\r\n")) == 401);
    CHECK(answer(request("POST /", "", "Content-Length: 1000\r\n")) == 413);
    CHECK(answer(std::string(1000, '\0') + "\r\n\r\n") == 400);
    CHECK(answer(std::string("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 11)) == 400); // TLS to a plain door
    // Bodies that go on for ever are as long as they said, and what follows is taken for the next request.
    for (int i = 0; i < 20; ++i) {
        RawSocket socket(farm.http_port());
        socket.send(request("POST /v1/jobs", token, "Content-Length: 3\r\n"));
        for (int k = 0; k < 64 && socket.send(std::string(1 << 16, '[')); ++k) {
        }
    }
    // Nested as deep as 32 MiB allow: who reads or writes that recursively needs more stack than there is.
    const std::string deep(limits::json_body - 13, '[');
    CHECK(farm.http(token).post("/v1/scenes", "{\"manifest\":" + deep + "}")->status == 400);
    CHECK(farm.http(token).post("/v1/jobs", deep)->status == 400);
    CHECK(farm.http(token).get("/v1/jobs")->status == 200);
    CHECK(farm.server->alive());
    CHECK(resident_mb(farm.server->pid()) < before + 128);
    CHECK(audited(farm, "401: this token is not known here") == 1);
    CHECK(audited(farm, "411: ") == 1);
    CHECK(*verify_audit(farm.folder / "server") > 5);
}

TEST_CASE("random bytes and random turns of good requests do not stop the door") {
    TestFarm farm(0);
    const auto seed = std::random_device{}();
    INFO("seed ", seed);
    std::mt19937 random(seed);
    const auto good =
        request("POST /v1/jobs", farm.token(), "Content-Length: 2\r\n") + "{}" + request("GET /v1/jobs?limit=3", farm.token());
    for (int i = 0; i < 300; ++i) {
        auto bytes = good;
        for (unsigned k = 0; k < 1 + random() % 8; ++k) {
            const auto at = random() % bytes.size();
            switch (random() % 4) {
            case 0:
                bytes[at] = static_cast<char>(random());
                break;
            case 1:
                bytes.erase(at, 1 + random() % 20);
                break;
            case 2:
                bytes.insert(at, bytes.substr(random() % bytes.size(), 1 + random() % 40));
                break;
            default:
                bytes.insert(at, "\r\n");
            }
            if (bytes.empty()) bytes = good;
        }
        RawSocket socket(farm.http_port());
        socket.send(bytes);
        socket.receive(2);
    }
    CHECK(farm.server->alive());
    CHECK(farm.http(farm.token()).get("/v1/jobs")->status == 200);
}

TEST_CASE("a tenant that takes all it can get leaves the others theirs") {
    allow_many_descriptors();
    TestFarm farm(0);
    const auto greedy = farm.tenant_token("greedy"), modest = farm.tenant_token("modest");
    std::vector<RawSocket> open;
    int refused = 0;
    // Requests whose bodies never come, each from another address.
    for (int i = 0; i < 150; ++i) {
        const auto from = "127.0.1." + std::to_string(1 + i % 200);
        open.emplace_back(farm.http_port(), from.c_str());
        open.back().send(
            request("PUT /v1/blobs/" + std::string(64, 'a') + "?offset=0&size=1000000", greedy, "Content-Length: 1000000\r\n"));
    }
    for (auto& socket : open) refused += socket.receive(1, 12).starts_with("HTTP/1.1 429") ? 1 : 0;
    const auto all = static_cast<int>(open.size());
    CHECK(eventually([&] {
        for (auto& socket : open) refused += socket.receive(1, 12).starts_with("HTTP/1.1 429") ? 1 : 0;
        return refused == all - limits::requests_a_tenant;
    }));
    for (int i = 0; i < 20; ++i) CHECK(farm.http(modest).get("/v1/jobs")->status == 200);
    open.clear();
    // Seats for waiting: a share each.
    const auto job = [&](const std::string& token) {
        auto client = Client(farm.http(token));
        const auto file = farm.folder / "scene.gltf";
        std::ofstream(file) << "x=1";
        const auto local = make_manifest({.main = "scene.gltf", .files = {{"scene.gltf", file}}}, {});
        const auto scene = upload(client, *local, {.connect = [&] { return farm.http(token); }, .on_progress = {}});
        return client.submit({.scene = scene->scene, .settings = {{"size", "16x16"}}, .name = "", .key = ""})->job;
    };
    const auto theirs = job(greedy), mine = job(modest);
    const auto wait_line = [](const std::string& id) { return "GET /v1/jobs/" + id + "/events?after=1000000000&wait_s=30"; };
    std::vector<RawSocket> waiting;
    for (int i = 0; i < limits::long_polls_a_tenant; ++i) {
        waiting.emplace_back(farm.http_port());
        waiting.back().send(request(wait_line(theirs), greedy));
    }
    const auto one_more = [&](const std::string& id, const std::string& token) {
        RawSocket socket(farm.http_port());
        socket.send(request(wait_line(id), token));
        return socket.receive(300, 12);
    };
    CHECK(eventually([&] { return one_more(theirs, greedy).starts_with("HTTP/1.1 429"); }, std::chrono::seconds(20)));
    CHECK(one_more(mine, modest).empty()); // it waits
    CHECK(farm.http(greedy).get("/v1/jobs")->status == 200);
}

TEST_CASE("what is sent twice is done once") {
    TestFarm farm(0);
    const auto scene = farm.scene("x=1");
    const auto body = "{\"scene\":\"" + scene + "\",\"settings\":{\"size\":\"16x16\"},\"key\":\"once\"}";
    const auto bytes = request("POST /v1/jobs", farm.token(), "Content-Length: " + std::to_string(body.size()) + "\r\n") + body;
    for (int i = 0; i < 5; ++i) {
        RawSocket socket(farm.http_port());
        socket.send(bytes + bytes); // and behind each other on one connection
        const auto both = socket.receive(1000);
        CHECK(both.find("HTTP/1.1 200", both.find("HTTP/1.1 200") + 1) != std::string::npos);
    }
    CHECK(farm.client().jobs(100)->size() == 1);
    CHECK(audited(farm, "\"job.submit\"") == 1);
    auto http = farm.http(farm.token());
    const auto put = [&](const std::string& query) { return http.put_once("/v1/blobs/" + sha256_of("abcdef") + query, "abc")->status; };
    CHECK(put("?offset=0&size=6") == 200);
    CHECK(put("?offset=0&size=6") == 409); // a piece again is told where to go on
}

TEST_CASE("HTTPS beyond loopback: the pinned certificate is believed, another is not, and plain HTTP and rubbish get nothing") {
    const Scratch folder;
    const auto port = free_ports();
    std::filesystem::create_directory(folder / "server");
    std::filesystem::permissions(folder / "server", std::filesystem::perms::owner_all);
    const auto access = *Access::open(folder / "server");
    REQUIRE(access->add_tenant("t").has_value());
    const auto token = access->make_key({.scope = "submit", .tenant = "t", .note = "", .lasts_s = 0})->token;
    const auto start = [&] {
        Process process(
            {"serve", "--data", folder / "server", "--http", "0.0.0.0:" + std::to_string(port), "--workers-at", "tcp://127.0.0.1:0"},
            folder, folder / "log");
        return std::pair(process.line(), std::move(process));
    };
    std::string pin;
    const auto get = [&](const std::string& url, const std::string& ca = "") {
        auto server = parse_server(url);
        REQUIRE(server.has_value());
        server->ca = ca;
        return Http(*server, {token, {}}, {std::chrono::milliseconds(500), std::chrono::milliseconds(500)}, {}).get("/v1/jobs");
    };
    const auto at = "https://127.0.0.1:" + std::to_string(port);
    {
        const auto [line, process] = start();
        REQUIRE_MESSAGE(line.starts_with("raymill: serving https://0.0.0.0:"), line);
        pin = line.substr(line.find('#'), 72);
        CHECK(get(at + pin)->status == 200);
        auto other = pin;
        other.back() = other.back() == '0' ? '1' : '0';
        CHECK(get(at + other).error().code == Code::refused);
        CHECK(get(at).error().code == Code::refused); // no authority signed it
        CHECK_FALSE(get("http://127.0.0.1:" + std::to_string(port)).has_value());
        RawSocket rubbish(port), silent(port);
        rubbish.send(std::string(4000, 'x'));
        CHECK(rubbish.closes(5000));
        CHECK(silent.closes()); // a handshake that is not begun ends like headers that do not come
        CHECK(get(at + pin)->status == 200);
        // The user's own token is for loopback only.
        CHECK_FALSE(std::filesystem::exists(folder / "server/local.token"));
    }
    const auto [line, process] = start();
    CHECK(line.find(pin) != std::string::npos); // the same certificate after a restart
    CHECK(get(at + pin)->status == 200);
    // A certificate of one's own, whose key others can read, is no secret.
    std::filesystem::permissions(folder / "server/server.tls-key", std::filesystem::perms(0644));
    Process open({"serve", "--data", folder / "two", "--http", "127.0.0.1:0", "--workers-at", "tcp://127.0.0.1:0", "--tls-cert",
                  folder / "server/server.crt", "--tls-key", folder / "server/server.tls-key"},
                 folder, folder / "log2");
    CHECK(open.wait() != 0);
}
