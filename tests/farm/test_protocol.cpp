// Manifests, addresses, secrets, the rendezvous on one machine, and framing.
#include "farm/protocol/files.hpp"
#include "farm/protocol/framing.hpp"
#include "farm/protocol/limits.hpp"
#include "farm/protocol/manifest.hpp"
#include "farm/protocol/rendezvous.hpp"
#include "tests/farm/scratch.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace raymill;
using namespace raymill::farm;

namespace {
const std::string a_hash(64, 'a'), b_hash(64, 'b');
Manifest two_files() { return {"scene.gltf", {{"scene.gltf", a_hash, 10}, {"tex/wood.png", b_hash, 20}}}; }
} // namespace

TEST_CASE("the canonical manifest and its id are the same for every writer") {
    // tools/python computes the same id; these bytes are the agreement.
    CHECK(canonical(two_files()) == "{\"files\":[{\"path\":\"scene.gltf\",\"sha256\":\"" + a_hash +
                                        "\",\"size\":10},{\"path\":\"tex/wood.png\",\"sha256\":\"" + b_hash +
                                        "\",\"size\":20}],\"main\":\"scene.gltf\"}");
    CHECK(scene_id(two_files()) == sha256_of(canonical(two_files())));
    const auto parsed = parse_manifest("{ \"main\": \"scene.gltf\",\n \"files\": [{\"size\": 10, \"path\": \"scene.gltf\", \"sha256\": \"" +
                                       a_hash + "\"}, {\"path\": \"tex/wood.png\", \"sha256\": \"" + b_hash + "\", \"size\": 20}]}");
    REQUIRE(parsed.has_value());
    CHECK(*parsed == two_files());
    const Manifest odd{"é\"q\".gltf", {{"é\"q\".gltf", a_hash, 0}}};
    CHECK(*parse_manifest(canonical(odd)) == odd);
}

TEST_CASE("paths that could leave the scene's folder or mean different things on different systems are refused") {
    for (const char* good : {"a", "a/b", "a b/ä.png", "..a", "a..", "...", "a/.hidden", "x/C:y"})
        CHECK_MESSAGE(check_path(good).has_value(), good);
    for (const std::string bad : {"",     "/a",   "a/",         "a//b",   ".",    "..",    "./a",  "a/.",      "a/../b",       "../a",
                                  "a\\b", "C:/a", "http://x/y", "data:x", "a\nb", "a\x7f", "\xff", "\xc0\xaf", "\xed\xa0\x80", "a\xe2\x82"})
        CHECK_MESSAGE(check_path(bad).error().code == Code::bad_input, bad);
    CHECK(check_path(std::string("a\0b", 3)).error().code == Code::bad_input);
    std::string longest;
    while (longest.size() + 4 <= limits::path) longest += longest.empty() ? "abcd" : "/bcd";
    CHECK(longest.size() == limits::path);
    CHECK(check_path(longest).has_value());
    CHECK_FALSE(check_path(longest + "x").has_value());
    CHECK(check_path(std::string(255, 'x')).has_value());
    CHECK_FALSE(check_path(std::string(256, 'x')).has_value());
}

TEST_CASE("a manifest that is unsorted, doubled, contradictory or past a bound is refused") {
    CHECK(check_manifest(two_files()).has_value());
    const auto refused = [](auto change) {
        auto manifest = two_files();
        change(manifest);
        return !check_manifest(manifest).has_value();
    };
    CHECK(refused([](Manifest& m) { std::swap(m.files[0], m.files[1]); }));
    CHECK(refused([](Manifest& m) { m.files[1] = m.files[0]; }));
    CHECK(refused([](Manifest& m) { m.files.clear(); }));
    CHECK(refused([](Manifest& m) { m.main = "other.gltf"; }));
    CHECK(refused([](Manifest& m) { m.files[0].sha256[0] = 'A'; }));
    CHECK(refused([](Manifest& m) { m.files[0].sha256.pop_back(); }));
    CHECK(refused([](Manifest& m) { m.files[1].size = limits::blob + 1; }));
    CHECK(refused([](Manifest& m) {
        m.files = {{"scene.gltf", a_hash, 1}, {"tex", a_hash, 1}, {"tex.png", a_hash, 1}, {"tex/wood.png", a_hash, 1}};
    })); // "tex" is a file and a folder
    CHECK_FALSE(refused([](Manifest& m) { m.files[1].size = limits::blob; }));
    CHECK(refused([](Manifest& m) {
        m.files.clear();
        for (int i = 0; i < 5; ++i) m.files.push_back({"f" + std::to_string(i), a_hash, limits::blob});
        m.main = "f0";
    }));
    Manifest many{"f00000", {}};
    for (std::size_t i = 0; i < limits::manifest_files; ++i)
        many.files.push_back({"f" + std::string(5 - std::to_string(i).size(), '0') + std::to_string(i), a_hash, 1});
    CHECK(check_manifest(many).has_value());
    many.files.push_back({"g", a_hash, 1});
    CHECK_FALSE(check_manifest(many).has_value());
    for (const std::string bad : {"", "[]", "{", "{\"main\": 1, \"files\": []}", "{\"main\": \"a\"}", "{\"main\": \"a\", \"files\": [1]}",
                                  "{\"main\": \"a\", \"files\": [{\"path\": \"a\"}]}"})
        CHECK_FALSE(parse_manifest(bad).has_value());
    const auto with = [](const std::string& size, const std::string& more) {
        return parse_manifest(R"({"main":"a","files":[{"path":"a","sha256":")" + a_hash + R"(","size":)" + size + "}]" + more + "}");
    };
    CHECK(with("0", "").has_value());
    CHECK_FALSE(with("-1", "").has_value());
    CHECK_FALSE(with("1.5", "").has_value());
    CHECK_FALSE(with("18446744073709551616", "").has_value());
    CHECK_FALSE(with("1", ",\"x\":1").has_value());
}

TEST_CASE("addresses are read as people write them") {
    CHECK(*parse_address("127.0.0.1:80", 1) == Address{"127.0.0.1", 80});
    CHECK(*parse_address("http://localhost:8080/", 1) == Address{"127.0.0.1", 8080});
    CHECK(*parse_address("tcp://farm.example", 8081) == Address{"farm.example", 8081});
    CHECK(*parse_address("[::1]:0", 1) == Address{"::1", 0});
    CHECK(parse_address("[::1]:7", 1)->text() == "[::1]:7");
    CHECK(parse_address("127.8.9.1", 1)->loopback());
    CHECK(parse_address("[::1]", 1)->loopback());
    for (const char* open : {"0.0.0.0", "[::]", "192.168.1.1", "farm.example", "127.0.0.1.example"})
        CHECK_FALSE(parse_address(open, 1)->loopback());
    for (const char* bad : {"", ":1", "a:", "a:65536", "a:-1", "a:1x", "ftp://a", "a b", "[::1", "[x]:1", "[::1]1", "a/b", "https://a"})
        CHECK_MESSAGE(parse_address(bad, 1).error().code == Code::usage, bad);
}

TEST_CASE("secrets are written for their owner alone and refused when others can read them") {
    const Scratch folder;
    const auto file = folder / "server.key";
    const auto keys = load_or_make_keys(file);
    REQUIRE(keys.has_value());
    struct stat info {};
    REQUIRE(::stat(file.c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0600);
    CHECK(load_or_make_keys(file)->secret_key == keys->secret_key); // kept, not made anew
    ::chmod(file.c_str(), 0640);
    CHECK(load_or_make_keys(file).error().code == Code::refused);
    ::chmod(file.c_str(), 0600);
    std::ofstream(file) << "rubbish\n";
    CHECK_FALSE(load_or_make_keys(file).has_value());
    ::symlink(file.c_str(), (folder / "link").c_str());
    CHECK_FALSE(read_private_file(folder / "link").has_value());
    CHECK(is_key(keys->public_key));
    CHECK_FALSE(is_key(keys->public_key + "x"));
    ::chmod(folder.path.c_str(), 0770);
    CHECK(make_private_folder(folder).error().code == Code::refused);
    ::chmod(folder.path.c_str(), 0700);
    CHECK(make_private_folder(folder).has_value());
    std::ofstream(folder / "big") << std::string(101, 'x');
    ::chmod((folder / "big").c_str(), 0600);
    CHECK_FALSE(read_private_file(folder / "big", 100).has_value());
    CHECK(read_private_file(folder / "big", 101)->size() == 101);
}

TEST_CASE("one folder serves one process at a time") {
    const Scratch folder;
    {
        const auto lock = FolderLock::take(folder);
        REQUIRE(lock.has_value());
        CHECK(FolderLock::take(folder).error().code == Code::refused);
    }
    CHECK(FolderLock::take(folder).has_value());
}

TEST_CASE("servers on several ports are found by their addresses, and one that was killed is not believed") {
    const Scratch folder;
    ::setenv("RAYMILL_HOME", folder.path.c_str(), 1);
    const Address one{"127.0.0.1", 18080}, two{"127.0.0.1", 18090}, killed{"127.0.0.1", 18100};
    const auto keys = make_keys(), server = make_keys();
    REQUIRE(publish(one, HttpDoor{"token one"}).has_value());
    REQUIRE(publish(two, HttpDoor{"token two"}).has_value());
    REQUIRE(publish(one, WorkerDoor{server.public_key, keys}).has_value());
    CHECK(find_http(one)->token == "token one");
    CHECK(find_http(two)->token == "token two");
    CHECK(find_workers(one)->worker.secret_key == keys.secret_key);
    CHECK(find_workers(one)->server_key == server.public_key);
    CHECK_FALSE(find_workers(two).has_value());
    struct stat info {};
    REQUIRE(::stat((folder / "run").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
    for (const auto& entry : std::filesystem::directory_iterator(folder / "run")) {
        REQUIRE(::stat(entry.path().c_str(), &info) == 0);
        CHECK((info.st_mode & 0777) == 0600);
    }
    // A process that publishes and dies without a word: whoever listens on that port now is somebody else and must not be sent the token.
    if (const auto child = ::fork(); child == 0) {
        const auto ok = publish(killed, HttpDoor{"token of the dead"});
        ::_exit(ok ? 0 : 1);
    } else {
        int status = -1;
        ::waitpid(child, &status, 0);
        REQUIRE(status == 0);
    }
    CHECK(std::filesystem::exists(folder / "run/http-127.0.0.1-18100.json"));
    CHECK_FALSE(find_http(killed).has_value());
    withdraw_http(one);
    CHECK_FALSE(find_http(one).has_value());
    CHECK(find_http(two).has_value());
    withdraw_workers(one);
    CHECK_FALSE(find_workers(one).has_value());
    ::unsetenv("RAYMILL_HOME");
}

TEST_CASE("framed messages cross a socket whole, and a length past the bound ends the talk") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    REQUIRE(write_frame(ends[0], "first").has_value());
    REQUIRE(write_frame(ends[0], "").has_value());
    REQUIRE(write_frame(ends[0], "third").has_value());
    CHECK(**read_frame(ends[1]) == "first");
    FrameReader reader;
    CHECK(*reader.pump(ends[1]));
    CHECK(*reader.next() == "");
    CHECK(*reader.next() == "third");
    CHECK_FALSE(reader.next().has_value());
    const unsigned char past[4] = {1, 0, 64, 0}; // 4 MiB and one byte
    REQUIRE(::send(ends[0], past, 4, 0) == 4);
    SUBCASE("blocking") { CHECK_FALSE(read_frame(ends[1]).has_value()); }
    SUBCASE("not blocking") { CHECK_FALSE(reader.pump(ends[1]).has_value()); }
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("the end of the stream is told from a message cut short") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    const unsigned char cut[6] = {9, 0, 0, 0, 'x', 'y'};
    REQUIRE(::send(ends[0], cut, 6, 0) == 6);
    ::close(ends[0]);
    CHECK_FALSE(read_frame(ends[1]).has_value());
    CHECK(read_frame(ends[1])->has_value() == false);
    CHECK_FALSE(write_frame(ends[1], "into the void").has_value()); // and no SIGPIPE
    ::close(ends[1]);
}
