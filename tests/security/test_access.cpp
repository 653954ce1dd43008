// Keys and tenants at rest: what the folder holds, who is let in by it, and who no longer.
#include "farm/coordinator/access.hpp"
#include "farm/protocol/files.hpp"
#include "farm/protocol/keys.hpp"
#include "farm/protocol/limits.hpp"
#include "tests/farm/scratch.hpp"

#include <doctest/doctest.h>
#include <fstream>
#include <sys/stat.h>
#include <thread>

using namespace raymill;
using namespace raymill::farm;

namespace {

std::string text(const std::filesystem::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}
KeyWish wish(const std::string& scope, const std::string& tenant = "", std::uint64_t lasts_s = 0) {
    return {.scope = scope, .tenant = tenant, .note = "a test's", .lasts_s = lasts_s};
}

} // namespace

TEST_CASE("a token lets in with its scope's rights and no others, and the folder holds only its hash") {
    const Scratch folder;
    const auto access = *Access::open(folder);
    CHECK_FALSE(access->has(Right::read));
    REQUIRE(access->add_tenant("studio").has_value());
    struct {
        const char *scope, *tenant;
        bool read, submit, operate, enrol;
    } const rows[] = {{"read", "studio", true, false, false, false},
                      {"submit", "studio", true, true, false, false},
                      {"operator", "", false, false, true, false},
                      {"worker", "", false, false, false, true}};
    for (const auto& row : rows) {
        const auto key = access->make_key(wish(row.scope, row.tenant));
        REQUIRE(key.has_value());
        const auto who = access->identify(key->token);
        REQUIRE(who.has_value());
        CHECK(who->tenant == row.tenant);
        CHECK(who->key == key->row.id);
        CHECK(who->may(Right::read) == row.read);
        CHECK(who->may(Right::submit) == row.submit);
        CHECK(who->may(Right::operate) == row.operate);
        CHECK(who->may(Right::enrol) == row.enrol);
        CHECK(key->token.size() > 64);
        for (const auto& entry : std::filesystem::directory_iterator(folder.path)) {
            CHECK(text(entry.path()).find(key->token.substr(13)) == std::string::npos);
            struct stat info {};
            REQUIRE(::stat(entry.path().c_str(), &info) == 0);
            CHECK((info.st_mode & 077) == 0);
        }
        auto wrong = key->token;
        wrong.back() = wrong.back() == '0' ? '1' : '0';
        CHECK_FALSE(access->identify(wrong).has_value());
        CHECK_FALSE(access->identify(key->token + "0").has_value());
        CHECK_FALSE(access->identify(key->row.sha256).has_value()); // who reads the file comes in by nothing in it
    }
    CHECK_FALSE(access->identify("").has_value());
    // The user's own token on this machine: there only where the server said so.
    CHECK_FALSE(access->identify("mine").has_value());
    access->accept_local("mine");
    CHECK(access->identify("mine")->tenant == "local");
    CHECK_FALSE((*Access::open(folder))->identify("mine").has_value());
}

TEST_CASE("a key that is revoked, has run out, or whose tenant is gone lets nobody in, in a running server too") {
    const Scratch folder;
    const auto server = *Access::open(folder), command = *Access::open(folder);
    REQUIRE(command->add_tenant("studio").has_value());
    const auto one = *command->make_key(wish("submit", "studio")), two = *command->make_key(wish("submit", "studio")),
               brief = *command->make_key(wish("read", "studio", 1));
    CHECK(server->identify(one.token).has_value());
    CHECK(server->identify(brief.token).has_value());
    REQUIRE(command->revoke_key(one.row.id).has_value());
    CHECK_FALSE(server->identify(one.token).has_value());
    CHECK(server->identify(two.token).has_value());
    CHECK(command->revoke_key(one.row.id).error().code == Code::refused);
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    CHECK_FALSE(server->identify(brief.token).has_value());
    REQUIRE(command->remove_tenant("studio").has_value());
    CHECK_FALSE(server->identify(two.token).has_value());
    CHECK(server->keys().empty());
    CHECK(command->make_key(wish("submit", "studio")).error().code == Code::usage);
    REQUIRE(command->add_tenant("studio").has_value()); // the name again is not the old keys again
    CHECK_FALSE(server->identify(two.token).has_value());
}

TEST_CASE("wishes that cannot be are refused with words, at each bound and one past it") {
    const Scratch folder;
    const auto access = *Access::open(folder);
    CHECK(access->add_tenant(std::string(64, 'a')).has_value());
    for (const std::string& bad : {std::string(65, 'a'), std::string(), std::string("a b"), std::string("../x"), std::string(".x"),
                                   std::string("a\n"), std::string("\xc3\xa4")})
        CHECK_FALSE(access->add_tenant(bad).has_value());
    REQUIRE(access->add_tenant("t").has_value());
    CHECK(access->add_tenant("t").error().code == Code::refused);
    CHECK(access->make_key(wish("root", "t")).error().code == Code::usage);
    CHECK(access->make_key(wish("submit")).error().code == Code::usage);
    CHECK(access->make_key(wish("operator", "t")).error().code == Code::usage);
    CHECK(access->make_key(wish("worker", "", 7 * 24 * 3600)).has_value());
    CHECK_FALSE(access->make_key(wish("worker", "", 7 * 24 * 3600 + 1)).has_value());
    CHECK_FALSE(access->make_key(wish("read", "t", ~0ull)).has_value());
    CHECK(access->make_key(wish("worker"))->row.expires_us > 0); // an enrolment always ends
    CHECK(access->make_key(wish("operator"))->row.expires_us == 0);
}

TEST_CASE("an access file that is half-edited stops a start and changes nothing for a running server") {
    const Scratch folder;
    const auto access = *Access::open(folder);
    REQUIRE(access->add_tenant("t").has_value());
    const auto key = *access->make_key(wish("submit", "t"));
    const auto good = text(folder / "access.json");
    for (const std::string& bad : {std::string("{"), std::string("[]"), std::string("{\"tenants\":[1],\"keys\":[]}"),
                                   std::string("{\"tenants\":[],\"keys\":[{\"id\":\"x\"}]}"), good.substr(0, good.size() / 2)}) {
        std::ofstream(folder / "access.json") << bad;
        CHECK_FALSE(Access::open(folder).has_value());
        CHECK(access->identify(key.token).has_value());
        CHECK_FALSE(access->make_key(wish("submit", "t")).has_value()); // nothing is written over what cannot be read
        CHECK(text(folder / "access.json") == bad);
    }
    std::ofstream(folder / "access.json") << good;
    CHECK((*Access::open(folder))->identify(key.token).has_value());
    ::chmod((folder / "access.json").c_str(), 0644);
    CHECK(Access::open(folder).error().code == Code::refused); // others could read it
}

TEST_CASE("writers of the access file take turns, and a one-time key is spent by one of many") {
    const Scratch folder;
    const auto first = *Access::open(folder);
    REQUIRE(first->add_tenant("t").has_value());
    const auto once = *first->make_key(wish("worker"));
    std::atomic<int> spent = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                const auto access = *Access::open(folder);
                for (int k = 0; k < 5; ++k) {
                    const auto made = access->make_key(wish("submit", "t"));
                    if (!made) continue;
                }
                if (access->spend(once.row.id)) ++spent;
            });
    }
    CHECK(spent == 1);
    CHECK(first->keys().size() == 20);
}

TEST_CASE("workers' keys are added once, taken out whole, and what people wrote beside them stays") {
    const Scratch folder;
    const auto a = make_keys().public_key, b = make_keys().public_key;
    std::ofstream(folder / "worker_keys") << a << " the one in the cellar"; // no line end: an editor's doing
    WorkerKeys keys(folder / "worker_keys", "");
    REQUIRE(keys.add(b, "new\nsecond line").has_value());
    REQUIRE(keys.add(b, "again").has_value());
    CHECK(keys.count() == 2);
    CHECK(keys.accepts(a));
    CHECK(keys.accepts(b));
    CHECK(text(folder / "worker_keys") == a + " the one in the cellar\n" + b + " new second line\n");
    REQUIRE(keys.remove(a).has_value());
    CHECK_FALSE(keys.accepts(a));
    CHECK(keys.accepts(b));
    CHECK_FALSE(keys.remove(a).has_value());
    CHECK_FALSE(keys.remove("").has_value());
    CHECK_FALSE(keys.add("not a key", "").has_value());
}
