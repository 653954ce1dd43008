// The HTTP API for those who run the farm: keys, tenants and workers, who used what, metrics and readiness.
#include "farm/coordinator/http_state.hpp"
#include "farm/coordinator/usage.hpp"

namespace raymill::farm {

using nlohmann::json;

void HttpApi::State::set_up_operators() {
    auto& operators = parts.operators;
    using Request = httplib::Request;
    server.Get("/v1/tenants", with_operator([&](const auto&, const Request&) { return operators.list_tenants(); }));
    server.Post("/v1/tenants",
                with_operator([&](const auto& who, const Request& r) { return operators.add_tenant(who, r.remote_addr, r.body); }));
    server.Delete(R"(/v1/tenants/([A-Za-z0-9._-]+))", with_operator([&](const auto& who, const Request& r) {
                      return operators.remove_tenant(who, r.remote_addr, r.matches[1].str());
                  }));
    server.Get("/v1/keys", with_operator([&](const auto&, const Request&) { return operators.list_keys(); }));
    server.Post("/v1/keys",
                with_operator([&](const auto& who, const Request& r) { return operators.make_key(who, r.remote_addr, r.body); }));
    server.Delete("/v1/keys", with_operator([&](const auto& who, const Request& r) {
                      return operators.revoke_key(who, r.remote_addr, r.get_param_value("id"));
                  }));
    server.Get("/v1/audit", with_operator([&](const auto&, const Request& r) -> OperatorAnswer {
                   const auto after = number<std::uint64_t>(r, "after", 0, 0, std::uint64_t{1} << 62);
                   const auto limit = number<std::size_t>(r, "limit", 1000, 1, 10000);
                   if (after && limit) return operators.read_audit(*after, *limit);
                   return {400, R"({"error":{"code":"usage","message":"after is a number from 0 on, limit one from 1 to 10000"}})"};
               }));
    server.Post("/v1/enrol", guarded(Right::enrol, [&](const Identity& who, const Request& request, httplib::Response& response) {
                    const auto said = operators.enrol(who, request.remote_addr, request.body);
                    answer(response, said.status, said.body);
                }));
    server.Get("/v1/self", [this](const Request& request, httplib::Response& response) {
        const auto who = identify(request);
        if (!who) return refuse(response, 401, Code::refused, "this token is not known here");
        auto rights = json::array();
        for (const auto& [right, name] :
             {std::pair(Right::read, "read"), {Right::submit, "submit"}, {Right::operate, "operate"}, {Right::enrol, "enrol"}})
            if (who->may(right)) rights.push_back(name);
        answer(response, 200,
               text_of({{"tenant", who->tenant.empty() ? json() : json(who->tenant)}, {"key", who->key}, {"rights", rights}}));
    });
}

void HttpApi::State::list_workers(const std::string&, const httplib::Request&, httplib::Response& response) {
    const auto list = ask<std::string>([](Shell& s, const auto& reply) { reply(s.workers_json()); });
    if (!list) return refuse(response, 503, Code::unreachable, "the server is stopping");
    answer(response, 200, *list);
}

void HttpApi::State::get_usage(const std::string& tenant, const httplib::Request& request, httplib::Response& response) {
    const auto bad = [&](const char* why) { refuse(response, 400, Code::usage, why); };
    UsageQuery query{.tenant = tenant};
    const auto word = [&](const char* name) { return request.has_param(name) ? request.get_param_value(name) : std::string(); };
    if (const auto text = word("job"); !text.empty()) {
        const auto job = parse_job(text);
        if (!job) return not_found(response, "job");
        query.job = *job;
    }
    for (const auto& [name, into] : {std::pair("from", &query.from), std::pair("to", &query.to)})
        if (const auto text = word(name); !text.empty()) {
            const auto day = parse_day(text);
            if (!day) return bad("from and to are days, YYYY-MM-DD");
            *into = *day + (into == &query.to ? 1 : 0);
        }
    const auto by_text = word("by"), format = word("format");
    const auto by = by_text == "tenant" ? UsageBy::tenant : by_text == "day" ? UsageBy::day : UsageBy::job;
    if (!by_text.empty() && by_text != "tenant" && by_text != "day" && by_text != "job") return bad("by is tenant, job or day");
    if (!format.empty() && format != "json" && format != "csv") return bad("format is json or csv");
    constexpr std::size_t most_rows = 1'000'000;
    const auto rows = ledger.usage(query, most_rows + 1);
    if (!rows) return refuse(response, rows.error());
    if (rows->size() > most_rows) return bad("that is more than a million rows; ask for fewer days with from and to");
    const auto sums = sum_usage(*rows, by);
    if (format == "csv") return response.set_content(usage_csv(sums, by), "text/csv; charset=utf-8");
    answer(response, 200, usage_json(sums, by));
}

/// For this machine only: a farm's totals are its operator's business. What a proxy hands on is somebody else's question.
void HttpApi::State::get_metrics(const httplib::Request& request, httplib::Response& response) {
    const bool here = request.remote_addr == "127.0.0.1" || request.remote_addr == "::1";
    if (!here || request.has_header("X-Forwarded-For") || request.has_header("Forwarded"))
        return refuse(response, 403, Code::refused, "metrics are read from the coordinator's own machine");
    const auto text = ask<std::string>([](Shell& s, const auto& reply) { reply(prometheus(s.metrics())); });
    if (!text) return refuse(response, 503, Code::unreachable, "the server is stopping");
    response.set_content(*text, "text/plain; version=0.0.4; charset=utf-8");
}

/// Alive is /healthz; ready means that work is taken: the shell answers, the ledger is written, and it is not about to end.
void HttpApi::State::get_ready(httplib::Response& response) {
    const auto ready = ask<bool>([](Shell& s, const auto& reply) { reply(!s.draining()); });
    if (ready && *ready) return answer(response, 200, text_of({{"status", "ready"}}));
    refuse(response, 503, Code::unreachable, "the server is stopping");
}

} // namespace raymill::farm
