#include "farm/coordinator/operator_api.hpp"

#include "farm/protocol/json_text.hpp"
#include "farm/protocol/keys.hpp"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>

namespace raymill::farm {
namespace {

using nlohmann::json;

std::string text_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

OperatorAnswer refusal(const Error& error) {
    const bool bad = error.code == Code::usage || error.code == Code::bad_input;
    return {bad                           ? 400
            : error.code == Code::refused ? 409
                                          : 503,
            text_of({{"error", {{"code", std::string(name_of(error.code))}, {"message", error.message()}}}})};
}

json key_json(const KeyRow& key) {
    return {{"id", key.id},
            {"tenant", key.tenant.empty() ? json() : json(key.tenant)},
            {"scope", key.scope},
            {"note", key.note},
            {"created_us", key.created_us},
            {"expires_us", key.expires_us == 0 ? json() : json(key.expires_us)}};
}

/// The body as an object whose members are all among `known`; the texts and numbers of it by name.
struct Body {
    json root;
    [[nodiscard]] std::string text(const char* name) const {
        return root.contains(name) && root[name].is_string() ? root[name].get<std::string>() : std::string();
    }
};
Result<Body> body_of(const std::string& text, std::initializer_list<std::string_view> texts, std::string_view number = {}) {
    auto root = parse_json(text);
    if (!root || !root->is_object()) return fail(Code::usage, "", "the body is not a JSON object");
    for (const auto& [name, value] : root->items()) {
        const bool known = std::ranges::find(texts, std::string_view(name)) != texts.end();
        if (!known && name != number) return fail(Code::usage, name.substr(0, 64), "the body has a key that is not known here");
        if (known && !value.is_string()) return fail(Code::usage, name, "it is not a string");
        if (!known && !value.is_number_unsigned()) return fail(Code::usage, name, "it is not a whole number");
    }
    return Body{std::move(*root)};
}

} // namespace

OperatorAnswer OperatorApi::outcome(const AuditRecord& record, const Status& done, const std::string& body) {
    auto written = record;
    if (!done) {
        written.outcome = std::string(name_of(done.error().code));
        written.detail += (written.detail.empty() ? "" : ": ") + done.error().message();
    }
    audit_.write(written);
    if (done) audit_.sync(); // who was let in must not be forgotten
    return done ? OperatorAnswer{200, body} : refusal(done.error());
}

OperatorAnswer OperatorApi::list_tenants() {
    auto list = json::array();
    std::map<std::string, std::size_t> counts;
    for (const auto& key : access_.keys()) ++counts[key.tenant];
    for (const auto& name : access_.tenants()) list.push_back({{"name", name}, {"keys", counts[name]}});
    return {200, text_of({{"tenants", list}})};
}

OperatorAnswer OperatorApi::add_tenant(const std::string& who, const std::string& from, const std::string& body) {
    const auto wish = body_of(body, {"name"});
    if (!wish) return refusal(wish.error());
    const auto name = wish->text("name");
    return outcome({.who = who, .what = "tenant.add", .from = from, .detail = name}, access_.add_tenant(name), text_of({{"name", name}}));
}

OperatorAnswer OperatorApi::remove_tenant(const std::string& who, const std::string& from, const std::string& name) {
    return outcome({.who = who, .what = "tenant.remove", .from = from, .detail = name}, access_.remove_tenant(name),
                   text_of({{"name", name}}));
}

OperatorAnswer OperatorApi::list_keys() {
    auto list = json::array(), workers = json::array();
    for (const auto& key : access_.keys()) list.push_back(key_json(key));
    for (const auto& [key, remark] : workers_.list()) workers.push_back({{"public_key", key}, {"note", remark}});
    return {200, text_of({{"keys", list}, {"workers", workers}})};
}

OperatorAnswer OperatorApi::make_key(const std::string& who, const std::string& from, const std::string& body) {
    const auto wish = body_of(body, {"scope", "tenant", "note"}, "expires_s");
    if (!wish) return refusal(wish.error());
    const auto made = access_.make_key({.scope = wish->text("scope"),
                                        .tenant = wish->text("tenant"),
                                        .note = wish->text("note"),
                                        .lasts_s = wish->root.value("expires_s", std::uint64_t{0})});
    const auto about = wish->text("scope") + (wish->text("tenant").empty() ? "" : " of tenant " + wish->text("tenant"));
    if (!made) return outcome({.who = who, .what = "key.make", .from = from, .detail = about}, std::unexpected(made.error()), {});
    auto answer = key_json(made->row);
    answer["token"] = made->token;
    return outcome({.who = who, .what = "key.make", .from = from, .detail = "key " + made->row.id + ": " + about}, {}, text_of(answer));
}

OperatorAnswer OperatorApi::revoke_key(const std::string& who, const std::string& from, const std::string& id) {
    return outcome({.who = who, .what = "key.revoke", .from = from, .detail = "key " + id},
                   is_key(id) ? workers_.remove(id) : access_.revoke_key(id), text_of({{"id", id}}));
}

OperatorAnswer OperatorApi::read_audit(std::uint64_t after, std::size_t limit) {
    const auto page = audit_.read(after, limit);
    if (!page) return refusal(page.error());
    std::string list; // the lines are JSON already, and their chains are over these very bytes
    for (const auto& line : page->lines) list += (list.empty() ? "" : ",") + line;
    return {200, "{\"records\":[" + list + "],\"next\":" + std::to_string(page->next) + "}"};
}

OperatorAnswer OperatorApi::enrol(const Identity& who, const std::string& from, const std::string& body) {
    const auto wish = body_of(body, {"public_key", "name"});
    if (!wish) return refusal(wish.error());
    const auto key = wish->text("public_key"), name = wish->text("name").substr(0, 128);
    if (!is_key(key)) return refusal({Code::usage, "public_key", "it is not a CURVE key of 40 characters"});
    const AuditRecord record{.who = who.text(), .what = "worker.enrol", .from = from, .detail = name + " with " + key};
    // Spent first: of two who come with one token at once, one gets nothing. Where the disk refuses the second step, a new key is needed.
    if (auto spent = access_.spend(who.key); !spent) return outcome(record, fail(Code::refused, "", "this key was used already"), {});
    return outcome(record, workers_.add(key, name + ", enrolled with key " + who.key + " from " + from),
                   text_of({{"server_key", server_key_}}));
}

} // namespace raymill::farm
