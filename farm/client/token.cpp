#include "farm/client/token.hpp"

#include "farm/protocol/files.hpp"
#include "farm/protocol/rendezvous.hpp"

#include <algorithm>
#include <cstdlib>

namespace raymill::farm::client {
namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

Result<Credentials> checked(std::string token, const std::string& where) {
    while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) token.pop_back();
    if (token.empty()) return fail(Code::usage, where, "the token is empty");
    if (token.size() > 4096 || !std::ranges::all_of(token, [](char c) { return c > 0x20 && c < 0x7f; }))
        return fail(Code::usage, where, "this is not a token: one word of at most 4096 letters, digits and signs");
    return Credentials{std::move(token), {}};
}

Result<Credentials> from_file(const std::filesystem::path& file) {
    auto text = read_private_file(file, 8192);
    if (!text) return std::unexpected(text.error());
    return checked(std::move(*text), file.string());
}

} // namespace

Result<Credentials> find_token(const ServerAddress& server, const TokenSources& sources) {
    if (!sources.token.empty()) return checked(sources.token, "--token");
    if (auto token = variable("RAYMILL_TOKEN"); !token.empty()) return checked(std::move(token), "RAYMILL_TOKEN");
    if (!sources.file.empty()) return from_file(sources.file);
    if (const auto file = variable("RAYMILL_TOKEN_FILE"); !file.empty()) return from_file(file);
    const Address address{server.host == "localhost" ? "127.0.0.1" : server.host, static_cast<std::uint16_t>(server.port)};
    Credentials credentials;
    if (address.loopback()) {
        credentials.look_again = [address] {
            const auto door = find_http(address);
            return door ? door->token : std::string();
        };
        credentials.token = credentials.look_again();
        if (!credentials.token.empty()) return credentials;
    }
    std::filesystem::path folder = variable("XDG_CONFIG_HOME");
    if (folder.empty() && !variable("HOME").empty()) folder = std::filesystem::path(variable("HOME")) / ".config";
    const auto file = folder / "raymill" / "token";
    std::error_code missing;
    if (!folder.empty() && std::filesystem::exists(file, missing)) return from_file(file);
    return credentials;
}

} // namespace raymill::farm::client
