#include "farm/coordinator/http_api.hpp"

#include "farm/coordinator/http_gate.hpp"
#include "farm/coordinator/submission.hpp"
#include "farm/coordinator/usage.hpp"
#include "farm/protocol/api.hpp"
#include "farm/protocol/json_text.hpp"
#include "farm/protocol/limits.hpp"
#include "farm/protocol/sha256.hpp"
#include "farm/web/files.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <future>
#include <httplib.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <thread>

namespace raymill::farm {

using namespace scheduler;
using nlohmann::json;

namespace {

constexpr const char* json_type = "application/json";

std::string text_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

void answer(httplib::Response& response, int status, const std::string& body) {
    response.status = status;
    response.set_content(body, json_type);
}

void refuse(httplib::Response& response, int status, Code code, const std::string& message) {
    answer(response, status, text_of({{"error", {{"code", name_of(code)}, {"message", message}}}}));
}

void refuse(httplib::Response& response, const Error& error) {
    const auto bad = error.code == Code::usage || error.code == Code::bad_input || error.code == Code::unsupported;
    refuse(response, bad ? 400 : error.code == Code::refused ? 429 : 503, error.code, error.message());
}

void not_found(httplib::Response& response, const char* what) {
    refuse(response, 404, Code::refused, std::string("there is no such ") + what);
}

/// A whole number in the query; `otherwise` where it is absent; none where it is something else or outside of [least, most].
template<class T> std::optional<T> number(const httplib::Request& request, const char* name, T otherwise, T least, T most) {
    if (!request.has_param(name)) return otherwise;
    const auto text = request.get_param_value(name);
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) return {};
    return value;
}

} // namespace

struct HttpApi::State {
    Shell& shell;
    Ledger& ledger;
    Store& store;
    HttpDoorParts parts;
    std::unique_ptr<httplib::Server> gate;
    httplib::Server& server;
    std::thread thread;
    std::mutex polls_mutex;
    std::map<std::string, int> polls; ///< waiting for events, by tenant
    int all_polls = 0;

    /// Asks the shell's thread and waits for its answer; none when the shell has stopped.
    template<class T> std::optional<T> ask(std::function<void(Shell&, std::function<void(T)>)> question) {
        auto promise = std::make_shared<std::promise<T>>();
        auto future = promise->get_future();
        shell.post([this, promise = std::move(promise), question = std::move(question)] {
            question(shell, [promise](T value) { promise->set_value(std::move(value)); });
        });
        try {
            return future.get();
        } catch (const std::future_error&) { // the question was dropped unanswered
            return {};
        }
    }

    /// The tenant's job of the path's first capture, copied; answers the request itself where there is none.
    std::optional<CatalogJob> job_of(const std::string& tenant, const httplib::Request& request, httplib::Response& response,
                                     std::uint64_t* leased = nullptr) {
        const auto id = parse_job(request.matches[1].str());
        if (!id) {
            not_found(response, "job");
            return {};
        }
        using Found = std::pair<std::optional<CatalogJob>, std::uint64_t>;
        const auto found = ask<Found>([&](Shell& s, const auto& reply) {
            const auto* job = s.catalog().find(tenant, *id);
            s.when_durable([reply, found = job != nullptr ? Found{*job, s.leased(*id)} : Found{}] { reply(found); });
        });
        if (!found) {
            refuse(response, 503, Code::unreachable, "the server is stopping");
            return {};
        }
        if (!found->first) not_found(response, "job");
        if (leased != nullptr) *leased = found->second;
        return found->first;
    }

    /// The job's frame index of the path's second capture.
    static std::optional<std::uint32_t> frame_of(const CatalogJob& job, const httplib::Request& request, httplib::Response& response) {
        const auto text = request.matches[2].str();
        std::int32_t frame = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), frame);
        const auto index = error == std::errc() && end == text.data() + text.size() ? job.index_of(frame) : std::nullopt;
        if (!index) not_found(response, "frame");
        return index;
    }

    std::optional<Identity> identify(const httplib::Request& request) {
        constexpr std::string_view scheme = "Bearer ";
        const auto header = request.get_header_value("Authorization");
        return header.size() > scheme.size() ? parts.access.identify(std::string_view(header).substr(scheme.size())) : std::nullopt;
    }
    /// Calls `handler` for who may. That the token is good the gate has seen already, a moment ago; it may have been revoked since.
    httplib::Server::Handler guarded(Right right,
                                     std::function<void(const Identity&, const httplib::Request&, httplib::Response&)> handler) {
        return [this, right, handler = std::move(handler)](const httplib::Request& request, httplib::Response& response) {
            const auto who = identify(request);
            if (!who) {
                response.set_header("WWW-Authenticate", "Bearer");
                return refuse(response, 401, Code::refused, "this token is not known here");
            }
            if (!who->may(right))
                return refuse(response, 403, Code::refused,
                              right == Right::operate  ? "this token does not run the farm; an operator's key does"
                              : right == Right::submit ? "this token may read only"
                              : right == Right::enrol  ? "this token brings no worker in; a key of scope worker does, once"
                                                       : "this token belongs to no tenant");
            handler(*who, request, response);
        };
    }
    using Handler = void (State::*)(const std::string& tenant, const httplib::Request&, httplib::Response&);
    httplib::Server::Handler with_tenant(Right right, Handler handler) {
        return guarded(right, [this, handler](const Identity& who, const httplib::Request& request, httplib::Response& response) {
            (this->*handler)(who.tenant, request, response);
        });
    }
    /// An operator's question: the answer is OperatorApi's.
    template<class Ask> httplib::Server::Handler with_operator(Ask question) {
        return guarded(Right::operate, [question](const Identity& who, const httplib::Request& request, httplib::Response& response) {
            const OperatorAnswer said = question(who.text(), request);
            answer(response, said.status, said.body);
        });
    }
    [[nodiscard]] Admission admit(const RequestHead& head, const std::string& from) const;
    /// What was done, for the audit log.
    void note(const httplib::Request& request, const char* what, const std::string& detail) {
        const auto who = identify(request);
        parts.audit.write({.who = who ? who->text() : "nobody", .what = what, .from = request.remote_addr, .detail = detail});
    }

    void set_up();
    void set_up_operators();
    void missing(const std::string& tenant, const httplib::Request& request, httplib::Response& response);
    void put_blob(const std::string& tenant, const httplib::Request& request, httplib::Response& response);
    void add_scene(const std::string& tenant, const httplib::Request& request, httplib::Response& response);
    void submit(const std::string& tenant, const httplib::Request& request, httplib::Response& response);
    void list_jobs(const std::string& tenant, const httplib::Request& request, httplib::Response& response);
    void get_job(const std::string& tenant, const httplib::Request& request, httplib::Response& response);
    void cancel(const std::string& tenant, const httplib::Request& request, httplib::Response& response);
    void list_frames(const std::string& tenant, const httplib::Request& request, httplib::Response& response);
    void get_frame(const std::string& tenant, const httplib::Request& request, httplib::Response& response);
    void get_image(const std::string& tenant, const httplib::Request& request, httplib::Response& response);
    void list_tiles(const std::string& tenant, const httplib::Request& request, httplib::Response& response);
    void get_preview(const std::string& tenant, const httplib::Request& request, httplib::Response& response);
    void list_events(const std::string& tenant, const httplib::Request& request, httplib::Response& response);
    void get_usage(const std::string& tenant, const httplib::Request& request, httplib::Response& response);
    void get_metrics(const httplib::Request& request, httplib::Response& response);
    void get_ready(httplib::Response& response);
    void list_workers(const std::string& tenant, const httplib::Request& request, httplib::Response& response);

    json missing_of(const std::string& tenant, const Manifest& manifest) const {
        auto list = json::array();
        std::set<std::string> seen; // two files may have the same bytes
        for (const auto& file : manifest.files)
            if (store.size(tenant, file.sha256) != file.size && seen.insert(file.sha256).second)
                list.push_back({{"sha256", file.sha256}, {"size", file.size}, {"have", store.received(tenant, file.sha256, file.size)}});
        return list;
    }
    std::optional<FrameRow> row_of(JobId job, std::uint32_t index) {
        auto rows = ledger.frames(job, index, 1);
        if (!rows || rows->empty() || rows->front().frame != index) return {};
        return rows->front();
    }
    /// Sends a blob in pieces; httplib serves Range from it.
    void send_blob(httplib::Response& response, const std::string& tenant, const std::string& sha256, std::uint64_t size,
                   const char* type) {
        response.set_content_provider(size, type, [this, tenant, sha256](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
            const auto piece = store.read(tenant, sha256, offset, std::min<std::size_t>(length, 1u << 20));
            return piece && !piece->empty() && sink.write(piece->data(), piece->size());
        });
    }
};

void HttpApi::State::set_up() {
    server.set_payload_max_length(limits::json_body); // the times are the gate's
    server.set_keep_alive_max_count(1000);
    // Refused access and bad input; what is merely not there yet (409, 503) is everyday.
    server.set_logger([this](const httplib::Request& request, const httplib::Response& response) {
        if (response.status < 400 || response.status == 409 || response.status == 416 || response.status >= 500) return;
        const auto who = identify(request);
        parts.audit.write({.who = who ? who->text() : "nobody",
                           .what = "http.refused",
                           .from = request.remote_addr,
                           .outcome = std::string(name_of(response.status == 400 ? Code::usage : Code::refused)),
                           .detail = std::to_string(response.status) + " to " + request.method + " " + request.path});
    });
    // Not SO_REUSEPORT, httplib's default: two servers on one port would each get half of the requests.
    server.set_socket_options([](socket_t socket) {
        const int yes = 1;
        ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server.set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
        refuse(response, 500, Code::failed, "the server made a mistake");
    });
    server.set_error_handler([](const httplib::Request&, httplib::Response& response) {
        if (!response.body.empty()) return;
        const int status = response.status;
        refuse(response, status, status == 404 || status == 413 ? Code::refused : Code::usage,
               status == 404   ? "there is nothing at this path"
               : status == 413 ? "the request is too large"
                               : "the request cannot be understood");
    });
    for (const auto& file : web::files())
        server.Get(std::string(file.path), [&file](const httplib::Request&, httplib::Response& response) {
            response.set_header("Content-Security-Policy", std::string(web::content_security_policy));
            response.set_header("X-Content-Type-Options", "nosniff");
            response.set_header("Referrer-Policy", "no-referrer");
            response.set_header("Cache-Control", "no-cache");
            response.set_content(file.bytes.data(), file.bytes.size(), std::string(file.content_type));
        });
    server.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
        answer(response, 200, text_of({{"status", "ok"}, {"version", RAYMILL_VERSION}}));
    });
    server.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) { get_ready(response); });
    server.Get("/metrics", [this](const httplib::Request& request, httplib::Response& response) { get_metrics(request, response); });
    server.Get("/v1/usage", with_tenant(Right::read, &State::get_usage));
    server.Post("/v1/scenes/missing", with_tenant(Right::submit, &State::missing));
    server.Put(R"(/v1/blobs/([0-9a-f]+))", with_tenant(Right::submit, &State::put_blob));
    server.Post("/v1/scenes", with_tenant(Right::submit, &State::add_scene));
    server.Post("/v1/jobs", with_tenant(Right::submit, &State::submit));
    server.Get("/v1/jobs", with_tenant(Right::read, &State::list_jobs));
    server.Get(R"(/v1/jobs/([0-9a-f]+))", with_tenant(Right::read, &State::get_job));
    server.Post(R"(/v1/jobs/([0-9a-f]+)/cancel)", with_tenant(Right::submit, &State::cancel));
    server.Get(R"(/v1/jobs/([0-9a-f]+)/frames)", with_tenant(Right::read, &State::list_frames));
    server.Get(R"(/v1/jobs/([0-9a-f]+)/frames/(-?[0-9]+))", with_tenant(Right::read, &State::get_frame));
    server.Get(R"(/v1/jobs/([0-9a-f]+)/frames/(-?[0-9]+)/image)", with_tenant(Right::read, &State::get_image));
    server.Get(R"(/v1/jobs/([0-9a-f]+)/frames/(-?[0-9]+)/tiles)", with_tenant(Right::read, &State::list_tiles));
    server.Get(R"(/v1/jobs/([0-9a-f]+)/frames/(-?[0-9]+)/tiles/([0-9]+)/preview)", with_tenant(Right::read, &State::get_preview));
    server.Get(R"(/v1/jobs/([0-9a-f]+)/events)", with_tenant(Right::read, &State::list_events));
    server.Get("/v1/workers", with_tenant(Right::operate, &State::list_workers));
    set_up_operators();
}

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

/// On the gate's thread, before a serving thread or a byte of the body is spent: everything below /v1 is for good tokens only.
Admission HttpApi::State::admit(const RequestHead& head, const std::string& from) const {
    constexpr int requests_an_address = 16; // of small files without a token
    if (!head.target.starts_with("/v1/")) {
        if (head.body > 0) return {413, "nothing here takes a body", {}, 0};
        return {0, {}, "address " + from, requests_an_address};
    }
    const auto who = head.token.empty() ? std::nullopt : parts.access.identify(head.token);
    if (!who) {
        const char* words =
            head.token.empty() ? "a token is needed (--token, RAYMILL_TOKEN or a token file)" : "this token is not known here";
        return {401, words, {}, 0};
    }
    return {0, {}, who->tenant.empty() ? "key " + who->key : "tenant " + who->tenant, limits::requests_a_tenant};
}

void HttpApi::State::missing(const std::string& tenant, const httplib::Request& request, httplib::Response& response) {
    const auto manifest = read_manifest(request.body);
    if (!manifest) return refuse(response, manifest.error());
    answer(response, 200, text_of({{"scene", scene_id(*manifest)}, {"missing", missing_of(tenant, *manifest)}}));
}

void HttpApi::State::put_blob(const std::string& tenant, const httplib::Request& request, httplib::Response& response) {
    const auto sha256 = request.matches[1].str();
    const auto offset = number<std::uint64_t>(request, "offset", 0, 0, limits::blob);
    const auto size = number<std::uint64_t>(request, "size", ~0ull, 0, limits::blob);
    if (!is_sha256(sha256) || !offset || !size || !request.has_param("size"))
        return refuse(response, 400, Code::usage, "a piece is PUT /v1/blobs/SHA256?offset=O&size=S with S at most 64 GiB");
    if (request.body.size() > max_piece_bytes) return refuse(response, 413, Code::refused, "a piece has at most 8 MiB");
    const auto appended = store.append(tenant, sha256, *size, *offset, request.body);
    if (!appended && appended.error().code == Code::refused)
        return answer(response, 409, text_of({{"have", store.received(tenant, sha256, *size)}}));
    if (!appended) return refuse(response, appended.error());
    answer(response, appended->conflict ? 409 : 200, text_of({{"have", appended->have}}));
}

void HttpApi::State::add_scene(const std::string& tenant, const httplib::Request& request, httplib::Response& response) {
    const auto manifest = read_manifest(request.body);
    if (!manifest) return refuse(response, manifest.error());
    if (auto missing = missing_of(tenant, *manifest); !missing.empty())
        return answer(response, 409, text_of({{"missing", std::move(missing)}}));
    const auto scene = scene_id(*manifest);
    if (auto ok = store.put(tenant, scene, canonical(*manifest)); !ok) return refuse(response, ok.error());
    const auto done = ask<bool>([&](Shell& s, const auto& reply) { s.add_scene(tenant, scene, [reply] { reply(true); }); });
    if (!done) return refuse(response, 503, Code::unreachable, "the server is stopping");
    note(request, "scene.add", "scene " + scene);
    answer(response, 200, text_of({{"scene", scene}}));
}

void HttpApi::State::submit(const std::string& tenant, const httplib::Request& request, httplib::Response& response) {
    const auto read = read_job_request(tenant, request.body);
    if (!read) return refuse(response, read.error());
    const auto& submission = *read;
    const auto known = ledger.has_scene(tenant, submission.scene);
    if (!known) return refuse(response, known.error());
    if (!*known) return not_found(response, "scene");
    if (!submission.settings.env.empty() && !env_colour(submission.settings.env)) {
        const auto text = store.read(tenant, submission.scene, 0, limits::json_body);
        const auto manifest = text ? parse_manifest(*text) : std::unexpected(text.error());
        if (!manifest) return refuse(response, manifest.error());
        if (std::ranges::find(manifest->files, submission.settings.env, &ManifestFile::path) == manifest->files.end())
            return refuse(response, 400, Code::usage, "env: the scene's manifest has no such file; upload the environment with the scene");
    }
    const auto submitted = ask<Result<JobAnswer>>([&](Shell& s, const auto& reply) { s.submit(submission, reply); });
    if (!submitted) return refuse(response, 503, Code::unreachable, "the server is stopping");
    if (!*submitted) return refuse(response, submitted->error());
    if ((*submitted)->created) note(request, "job.submit", "job " + job_text((*submitted)->job) + " of scene " + submission.scene);
    answer(response, 200, text_of({{"job", job_text((*submitted)->job)}, {"created", (*submitted)->created}}));
}

void HttpApi::State::list_jobs(const std::string& tenant, const httplib::Request& request, httplib::Response& response) {
    const auto limit = number<std::size_t>(request, "limit", 100, 1, 1000);
    if (!limit) return refuse(response, 400, Code::usage, "limit is a number from 1 to 1000");
    const auto list = ask<std::string>([&](Shell& s, const auto& reply) {
        std::string jobs;
        for (const auto* job : s.catalog().newest(tenant, *limit))
            jobs += (jobs.empty() ? "" : ",") + job_json(*job, s.leased(job->row.added.spec.id));
        s.when_durable([reply, list = "{\"jobs\":[" + jobs + "]}"] { reply(list); });
    });
    if (!list) return refuse(response, 503, Code::unreachable, "the server is stopping");
    answer(response, 200, *list);
}

void HttpApi::State::get_job(const std::string& tenant, const httplib::Request& request, httplib::Response& response) {
    std::uint64_t leased = 0;
    if (const auto job = job_of(tenant, request, response, &leased)) answer(response, 200, job_json(*job, leased));
}

void HttpApi::State::cancel(const std::string& tenant, const httplib::Request& request, httplib::Response& response) {
    const auto job = job_of(tenant, request, response);
    if (!job) return;
    const auto done = ask<bool>([&](Shell& s, const auto& reply) { s.cancel(job->row.added.spec.id, [reply] { reply(true); }); });
    if (!done) return refuse(response, 503, Code::unreachable, "the server is stopping");
    note(request, "job.cancel", "job " + job_text(job->row.added.spec.id));
    get_job(tenant, request, response);
}

void HttpApi::State::list_frames(const std::string& tenant, const httplib::Request& request, httplib::Response& response) {
    const auto job = job_of(tenant, request, response);
    if (!job) return;
    const auto from = number<std::uint32_t>(request, "from", 0, 0, SettingsLimits::max_frames);
    const auto limit = number<std::uint32_t>(request, "limit", 1000, 1, 10000);
    if (!from || !limit) return refuse(response, 400, Code::usage, "from is a number from 0 on, limit one from 1 to 10000");
    const auto total = static_cast<std::uint32_t>(job->numbers.size());
    const auto begin = std::min(*from, total), end = std::min(total, begin + *limit);
    const auto rows = ledger.frames(job->row.added.spec.id, begin, end - begin);
    if (!rows) return refuse(response, rows.error());
    std::string list;
    auto row = rows->begin();
    for (auto index = begin; index < end; ++index) {
        const bool recorded = row != rows->end() && row->frame == index;
        list += (list.empty() ? "" : ",") + frame_json(*job, index, recorded ? &*row : nullptr);
        if (recorded) ++row;
    }
    answer(response, 200, "{\"frames\":[" + list + "],\"next\":" + (end < total ? std::to_string(end) : "null") + "}");
}

void HttpApi::State::get_frame(const std::string& tenant, const httplib::Request& request, httplib::Response& response) {
    const auto job = job_of(tenant, request, response);
    const auto index = job ? frame_of(*job, request, response) : std::nullopt;
    if (!index) return;
    const auto row = row_of(job->row.added.spec.id, *index);
    answer(response, 200, frame_json(*job, *index, row ? &*row : nullptr));
}

void HttpApi::State::get_image(const std::string& tenant, const httplib::Request& request, httplib::Response& response) {
    const auto job = job_of(tenant, request, response);
    const auto index = job ? frame_of(*job, request, response) : std::nullopt;
    if (!index) return;
    const auto row = row_of(job->row.added.spec.id, *index);
    if (!row || row->state != FrameState::done) return refuse(response, 409, Code::refused, "the frame is not done");
    const auto size = static_cast<std::int64_t>(row->size);
    if (request.ranges.size() > 1 || std::ranges::any_of(request.ranges, [&](const auto& range) { return range.first >= size; })) {
        response.set_header("Content-Range", "bytes */" + std::to_string(size));
        return refuse(response, 416, Code::usage, "the range is not within the file");
    }
    send_blob(response, tenant, row->sha256, row->size, job->settings.format == "exr" ? "image/x-exr" : "image/png");
}

void HttpApi::State::list_tiles(const std::string& tenant, const httplib::Request& request, httplib::Response& response) {
    const auto job = job_of(tenant, request, response);
    const auto index = job ? frame_of(*job, request, response) : std::nullopt;
    if (!index) return;
    const auto after = number<std::uint64_t>(request, "after", 0, 0, std::uint64_t{1} << 62);
    if (!after) return refuse(response, 400, Code::usage, "after is a number from 0 on");
    const auto tiles = ledger.tiles(job->row.added.spec.id, *index, *after, 1000);
    if (!tiles) return refuse(response, tiles.error());
    answer(response, 200, tiles_json(*job, *tiles, *after));
}

void HttpApi::State::get_preview(const std::string& tenant, const httplib::Request& request, httplib::Response& response) {
    const auto job = job_of(tenant, request, response);
    const auto index = job ? frame_of(*job, request, response) : std::nullopt;
    if (!index) return;
    const auto text = request.matches[3].str();
    std::uint32_t tile = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), tile);
    if (error != std::errc() || end != text.data() + text.size()) return not_found(response, "tile");
    const auto rows = ledger.chunks(job->row.added.spec.id, *index, tile, 1);
    if (!rows) return refuse(response, rows.error());
    if (rows->empty() || rows->front().task.tile != tile) return not_found(response, "accepted tile");
    response.set_header("Cache-Control", "private, max-age=31536000, immutable"); // a tile is accepted once
    send_blob(response, tenant, rows->front().output.preview, rows->front().output.preview_size, "image/png");
}

void HttpApi::State::list_events(const std::string& tenant, const httplib::Request& request, httplib::Response& response) {
    const auto job = job_of(tenant, request, response);
    if (!job) return;
    const auto after = number<std::uint64_t>(request, "after", 0, 0, std::uint64_t{1} << 62);
    const auto wait = number<int>(request, "wait_s", 0, 0, limits::longest_poll_s);
    if (!after || !wait) return refuse(response, 400, Code::usage, "after is a number from 0 on, wait_s one from 0 to 30");
    const auto id = job->row.added.spec.id;
    auto events = ledger.events(id, *after, 1000);
    if (events && events->empty() && *wait > 0) {
        /// Waiting takes a thread: each tenant has some seats, and all together leave threads for the others.
        struct Seat {
            State& state;
            std::string tenant;
            bool good = false;
            Seat(State& s, std::string t) : state(s), tenant(std::move(t)) {
                const std::scoped_lock lock(state.polls_mutex);
                auto& own = state.polls[tenant];
                good = ++own <= limits::long_polls_a_tenant;
                good = ++state.all_polls <= limits::long_polls && good;
            }
            ~Seat() {
                const std::scoped_lock lock(state.polls_mutex);
                if (--state.polls[tenant] == 0) state.polls.erase(tenant);
                --state.all_polls;
            }
            Seat(const Seat&) = delete;
            Seat& operator=(const Seat&) = delete;
        } const seat(*this, tenant);
        if (!seat.good) return refuse(response, 429, Code::refused, "too many requests wait for events already; try again soon");
        shell.bell().wait(id, *after, std::chrono::seconds(*wait));
        events = ledger.events(id, *after, 1000);
    }
    if (!events) return refuse(response, events.error());
    answer(response, 200, events_json(*job, *events, *after));
}

void HttpApi::State::list_workers(const std::string&, const httplib::Request&, httplib::Response& response) {
    const auto list =
        ask<std::string>([](Shell& s, const auto& reply) { s.when_durable([reply, list = s.workers_json()] { reply(list); }); });
    if (!list) return refuse(response, 503, Code::unreachable, "the server is stopping");
    answer(response, 200, *list);
}

void HttpApi::State::get_usage(const std::string& tenant, const httplib::Request& request, httplib::Response& response) {
    const auto word = [&](const char* name) { return request.has_param(name) ? request.get_param_value(name) : std::string(); };
    if (const auto job = word("job"); !job.empty() && !parse_job(job)) return not_found(response, "job");
    const auto asked = read_usage_request(
        tenant, {.job = word("job"), .from = word("from"), .to = word("to"), .by = word("by"), .format = word("format")});
    if (!asked) return refuse(response, asked.error());
    constexpr std::size_t most_rows = 1'000'000;
    const auto rows = ledger.usage(asked->query, most_rows + 1);
    if (!rows) return refuse(response, rows.error());
    if (rows->size() > most_rows)
        return refuse(response, 400, Code::usage, "that is more than a million rows; ask for fewer days with from and to");
    const auto sums = sum_usage(*rows, asked->by);
    if (asked->csv) return response.set_content(usage_csv(sums, asked->by), "text/csv; charset=utf-8");
    answer(response, 200, usage_json(sums, asked->by));
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

HttpApi::HttpApi(Shell& shell, Ledger& ledger, Store& store, const HttpDoorParts& parts) {
    GateOptions options{
        .tls = parts.tls,
        .admit = [this](const RequestHead& head, const std::string& from) { return state_->admit(head, from); },
        .refused =
            [this](const std::string& from, int status, const std::string& words) {
                if (status == 503) return;
                const auto code = status == 401 || status == 429 ? Code::refused : Code::usage;
                state_->parts.audit.write({.who = "nobody",
                                           .what = "http.refused",
                                           .from = from,
                                           .outcome = std::string(name_of(code)),
                                           .detail = std::to_string(status) + ": " + words});
            },
    };
    auto gate = make_gated_server(std::move(options));
    auto& server = *gate;
    state_.reset(new State{.shell = shell,
                           .ledger = ledger,
                           .store = store,
                           .parts = parts,
                           .gate = std::move(gate),
                           .server = server,
                           .thread = {},
                           .polls_mutex = {},
                           .polls = {},
                           .all_polls = 0});
    state_->set_up();
}

HttpApi::~HttpApi() { stop(); }

Result<std::uint16_t> HttpApi::bind(const Address& address) {
    int port = address.port;
    const bool bound =
        port == 0 ? (port = state_->server.bind_to_any_port(address.host)) > 0 : state_->server.bind_to_port(address.host, port);
    if (!bound) return fail(Code::refused, address.text(), "cannot listen there; is another server running? Choose another with --http");
    return static_cast<std::uint16_t>(port);
}

void HttpApi::start() {
    state_->thread = std::thread([this] { state_->server.listen_after_bind(); });
}

void HttpApi::stop() {
    if (!state_->thread.joinable()) return;
    state_->server.stop();
    state_->thread.join();
}

} // namespace raymill::farm
