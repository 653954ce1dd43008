// Which server is meant, and with which token.
#include "farm/client/http.hpp"
#include "farm/client/token.hpp"
#include "farm/protocol/rendezvous.hpp"
#include "tests/cli/folder.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace raymill;
using namespace raymill::farm;
using namespace raymill::farm::client;

namespace {

/// An environment for one test: user folders below a temporary one, no RAYMILL_* but what is set here.
struct Home {
    test::Folder folder;
    Home() {
        ::setenv("HOME", folder.path.c_str(), 1);
        ::setenv("RAYMILL_HOME", (folder.path / "raymill").c_str(), 1);
        for (const char* name : {"XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "RAYMILL_TOKEN", "RAYMILL_TOKEN_FILE"}) ::unsetenv(name);
    }
    ~Home() {
        for (const char* name : {"RAYMILL_HOME", "RAYMILL_TOKEN", "RAYMILL_TOKEN_FILE"}) ::unsetenv(name);
    }
    void secret(const std::string& name, const std::string& text, unsigned mode = 0600) const {
        folder.write(name, text);
        std::filesystem::permissions(folder.path / name, std::filesystem::perms(mode));
    }
};

const ServerAddress here{false, "localhost", 18765}, far{true, "farm.example", 443};

} // namespace

TEST_CASE("a server is http or https, a host and a port") {
    struct Good {
        const char* url;
        bool tls;
        const char* host;
        unsigned port;
    };
    for (const auto& g :
         {Good{"http://127.0.0.1:8080", false, "127.0.0.1", 8080}, Good{"https://farm.example", true, "farm.example", 443},
          Good{"http://farm", false, "farm", 80}, Good{"http://[::1]:81/", false, "::1", 81}, Good{"http://a:65535", false, "a", 65535}}) {
        const auto server = parse_server(g.url);
        REQUIRE_MESSAGE(server, g.url);
        CHECK(server->tls == g.tls);
        CHECK(server->host == g.host);
        CHECK(server->port == g.port);
        CHECK(parse_server(server->url())->url() == server->url());
    }
    for (const char* bad : {"", "127.0.0.1:8080", "ftp://x", "http://", "http://x:0", "http://x:65536", "http://x:1a", "http://x:",
                            "http://x/path", "http://u@x", "http://[::1", "http://[x]:1", "http://a b", "http://x:1\r\nEvil: 1"}) {
        const auto server = parse_server(bad);
        REQUIRE_MESSAGE(!server, bad);
        CHECK(server.error().code == Code::usage);
    }
}

TEST_CASE("the token that is typed wins over the environment, that over files, and those over the user's own file") {
    const Home home;
    CHECK(find_token(far, {}).value().token.empty());
    home.secret(".config/raymill/token", "own\n");
    CHECK(find_token(far, {}).value().token == "own");
    home.secret("other", "from-file\n");
    ::setenv("RAYMILL_TOKEN_FILE", (home.folder.path / "other").c_str(), 1);
    CHECK(find_token(far, {}).value().token == "from-file");
    home.secret("third", "named");
    CHECK(find_token(far, {"", home.folder.path / "third"}).value().token == "named");
    ::setenv("RAYMILL_TOKEN", "from-environment", 1);
    CHECK(find_token(far, {"", home.folder.path / "third"}).value().token == "from-environment");
    CHECK(find_token(far, {"typed", home.folder.path / "third"}).value().token == "typed");
}

TEST_CASE("a server of the same user on this machine needs no token by hand, and one elsewhere never gets that token") {
    const Home home;
    REQUIRE(publish(Address{"127.0.0.1", 18765}, HttpDoor{"local-secret"}));
    CHECK(find_token(here, {}).value().token == "local-secret");
    CHECK(find_token({false, "127.0.0.1", 18765}, {}).value().token == "local-secret");
    CHECK(find_token({false, "127.0.0.1", 18766}, {}).value().token.empty());
    CHECK(find_token({false, "192.0.2.1", 18765}, {}).value().token.empty());
    CHECK(find_token({true, "farm.example", 18765}, {}).value().token.empty());
    withdraw_http(Address{"127.0.0.1", 18765});
}

TEST_CASE("a server of the same user that starts after its client is found all the same") {
    // serve is started in the background and the client at once: it must look again, not go on without a token that was not there yet.
    const Home home;
    const auto before = find_token(here, {}).value();
    CHECK(before.token.empty());
    REQUIRE(before.look_again);
    REQUIRE(publish(Address{"127.0.0.1", 18765}, HttpDoor{"late-secret"}));
    CHECK(before.look_again() == "late-secret");
    withdraw_http(Address{"127.0.0.1", 18765});
    CHECK_FALSE(find_token(far, {}).value().look_again);
}

TEST_CASE("a token file that others can read, or that holds no token, is an error") {
    const Home home;
    home.secret("open", "secret", 0644);
    CHECK_FALSE(find_token(far, {"", home.folder.path / "open"}));
    home.secret("group", "secret", 0640);
    CHECK_FALSE(find_token(far, {"", home.folder.path / "group"}));
    for (const std::string text : {"", "\n", "two words", "a\nb", "\x01", std::string(4097, 'a').c_str()}) {
        home.secret("bad", text);
        CHECK_FALSE(find_token(far, {"", home.folder.path / "bad"}));
    }
    home.secret("long", std::string(4096, 'a'));
    CHECK(find_token(far, {"", home.folder.path / "long"}));
    CHECK_FALSE(find_token(far, {"", home.folder.path / "none"}));
    CHECK_FALSE(find_token(far, {"a\r\nEvil: 1", {}})); // a header of its own
}
