#pragma once
/// What stands behind the HTTP API, for the files that answer its requests: http_api.cpp (scenes, jobs, frames) and http_operation.cpp (who
/// runs the farm, who used it, how it is). Private to those. Handlers run on the gate's serving threads.
#include "farm/coordinator/http_api.hpp"
#include "farm/coordinator/http_gate.hpp"
#include "farm/protocol/api.hpp"
#include "farm/protocol/json_text.hpp"
#include "farm/protocol/limits.hpp"

#include <atomic>
#include <charconv>
#include <future>
#include <httplib.h>
#include <nlohmann/json.hpp>
#include <thread>

namespace raymill::farm {

inline constexpr const char* json_type = "application/json";

inline std::string text_of(const nlohmann::json& value) { return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); }

inline void answer(httplib::Response& response, int status, const std::string& body) {
    response.status = status;
    response.set_content(body, json_type);
}

inline void refuse(httplib::Response& response, int status, Code code, const std::string& message) {
    answer(response, status, text_of({{"error", {{"code", name_of(code)}, {"message", message}}}}));
}

inline void refuse(httplib::Response& response, const Error& error) {
    const auto bad = error.code == Code::usage || error.code == Code::bad_input || error.code == Code::unsupported;
    refuse(response, bad ? 400 : error.code == Code::refused ? 429 : 503, error.code, error.message());
}

inline void not_found(httplib::Response& response, const char* what) {
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
            reply(job != nullptr ? Found{*job, s.leased(*id)} : Found{});
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

    /// {"manifest": MANIFEST} out of a body.
    static Result<Manifest> manifest_of(const std::string& body) {
        const auto root = parse_json(body);
        if (!root || !root->is_object() || !root->contains("manifest"))
            return fail(Code::usage, "", "the body is not {\"manifest\": {...}}");
        return parse_manifest(text_of((*root)["manifest"]));
    }
    nlohmann::json missing_of(const std::string& tenant, const Manifest& manifest) const {
        auto list = nlohmann::json::array();
        std::set<std::string> seen; // two files may have the same bytes
        for (const auto& file : manifest.files)
            if (store.size(tenant, file.sha256) != file.size && seen.insert(file.sha256).second)
                list.push_back({{"sha256", file.sha256}, {"size", file.size}, {"have", store.received(tenant, file.sha256, file.size)}});
        return list;
    }
    std::optional<FrameRow> row_of(scheduler::JobId job, std::uint32_t index) {
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

} // namespace raymill::farm
