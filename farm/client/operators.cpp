// What those who run the farm ask, and how a worker comes in.
#include "farm/client/client.hpp"

#include <initializer_list>
#include <nlohmann/json.hpp>

namespace raymill::farm::client {
namespace {

/// Whole objects only: what else a server answers is not raymill's.
Result<std::string> object_of(const Result<Response>& response, const std::string& where, const ServerAddress& server) {
    if (!response) return std::unexpected(response.error());
    if (response->status < 200 || response->status >= 300) return std::unexpected(refusal(*response, where));
    const auto body = nlohmann::json::parse(response->body, nullptr, false);
    if (!body.is_object()) return fail(Code::refused, server.url(), "the answer is not raymill's; is another server at that address?");
    return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Percent-encoding (RFC 3986) of all but unreserved characters.
std::string escaped(const std::string& text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.')
            out.push_back(c);
        else
            (((out += '%') += digits[byte >> 4]) += digits[byte & 15]);
    }
    return out;
}

std::string object(std::initializer_list<std::pair<const char*, std::string>> words) {
    nlohmann::json body = nlohmann::json::object();
    for (const auto& [name, word] : words) body[name] = word;
    return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace

Result<std::string> Client::tenants() { return object_of(http_.get("/v1/tenants"), "tenants", http_.server()); }
Result<std::string> Client::add_tenant(const std::string& name) {
    return object_of(http_.post("/v1/tenants", object({{"name", name}})), "", http_.server());
}
Result<std::string> Client::remove_tenant(const std::string& name) {
    return object_of(http_.del("/v1/tenants/" + escaped(name)), "", http_.server());
}
Result<std::string> Client::keys() { return object_of(http_.get("/v1/keys"), "keys", http_.server()); }
Result<std::string> Client::make_key(const std::string& json_wish) {
    return object_of(http_.post("/v1/keys", json_wish), "", http_.server());
}
Result<std::string> Client::revoke_key(const std::string& id) {
    return object_of(http_.del("/v1/keys?id=" + escaped(id)), "", http_.server());
}
Result<std::string> Client::audit(std::uint64_t after, std::size_t limit) {
    return object_of(http_.get("/v1/audit?after=" + std::to_string(after) + "&limit=" + std::to_string(limit)), "audit", http_.server());
}
Result<std::string> Client::enrol(const std::string& public_key, const std::string& name) {
    const auto answer =
        object_of(http_.post("/v1/enrol", object({{"public_key", public_key}, {"name", name}})), "enrolment", http_.server());
    if (!answer) return std::unexpected(answer.error());
    const auto key = nlohmann::json::parse(*answer).value("server_key", nlohmann::json());
    if (!key.is_string()) return fail(Code::refused, http_.server().url(), "the answer has no server_key; is it another server?");
    return key.get<std::string>();
}

} // namespace raymill::farm::client
