#include "farm/client/http.hpp"

#include "farm/protocol/sha256.hpp"

#include <httplib.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <random>

namespace raymill::farm::client {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t max_answer = 64ul << 20; // lists come in pages; a thousand jobs with all their settings at their longest fit
constexpr std::size_t max_failure = 64ul << 10;

std::string reason(httplib::Error error) {
    switch (error) {
    case httplib::Error::Connection:
    case httplib::Error::BindIPAddress:
        return "nothing answers there";
    case httplib::Error::ConnectionTimeout:
        return "no answer in time";
    case httplib::Error::Read:
    case httplib::Error::Write:
        return "the connection broke";
    case httplib::Error::SSLConnection:
        return "no TLS connection can be made";
    case httplib::Error::SSLLoadingCerts:
        return "this host's certificates cannot be loaded";
    case httplib::Error::SSLServerVerification:
        return "the server's certificate cannot be verified (where it is the server's own: give the URL with #sha256:... as serve prints "
               "it; "
               "an authority's file: --ca)";
    default:
        return "the request failed";
    }
}

} // namespace

std::string ServerAddress::url() const {
    const bool six = host.find(':') != std::string::npos;
    return std::string(tls ? "https://" : "http://") + (six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<ServerAddress> parse_server(std::string_view url) {
    const auto wrong = [&] {
        return fail(Code::usage, "--server", "\"" + std::string(url.substr(0, 100)) + "\" is not http://HOST:PORT or https://HOST:PORT");
    };
    ServerAddress server;
    if (url.starts_with("https://"))
        server.tls = true;
    else if (!url.starts_with("http://"))
        return wrong();
    auto rest = url.substr(server.tls ? 8 : 7);
    if (const auto hash = rest.find('#'); hash != std::string_view::npos) {
        auto pin = std::string(rest.substr(hash + 1));
        rest = rest.substr(0, hash);
        for (char& c : pin)
            if (c >= 'A' && c <= 'F') c = static_cast<char>(c + 32);
        if (!server.tls || !pin.starts_with("sha256:") || !is_sha256(pin.substr(7)))
            return fail(Code::usage, "--server",
                        "behind '#' of an https:// URL stands sha256: and the certificate's 64 digits, as serve prints them");
        server.fingerprint = pin.substr(7);
    }
    if (rest.ends_with('/')) rest.remove_suffix(1);
    std::string_view port;
    if (rest.starts_with('[')) {
        const auto end = rest.find(']');
        if (end == std::string_view::npos) return wrong();
        server.host = rest.substr(1, end - 1);
        in6_addr six{};
        if (inet_pton(AF_INET6, server.host.c_str(), &six) != 1) return wrong();
        port = rest.substr(end + 1);
    } else {
        const auto colon = rest.find(':');
        server.host = rest.substr(0, colon);
        port = colon == std::string_view::npos ? std::string_view() : rest.substr(colon);
        const auto fits = [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
        };
        if (server.host.size() > 253 || !std::ranges::all_of(server.host, fits)) return wrong();
    }
    server.port = server.tls ? 443 : 80;
    if (!port.empty()) {
        const auto digits = port.substr(1);
        const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), server.port);
        if (port[0] != ':' || fault != std::errc() || end != digits.data() + digits.size() || server.port < 1 || server.port > 65535)
            return wrong();
    }
    if (server.host.empty()) return wrong();
    return server;
}

struct Http::Impl {
    ServerAddress server;
    Credentials credentials;
    Patience patience;
    std::stop_token stop;
    std::unique_ptr<httplib::Client> client;
    bool answered = false;
    std::minstd_rand random{std::random_device{}()};
    // Last: its callback uses the client. stop() may be called beside a request.
    std::stop_callback<std::function<void()>> on_stop;

    Impl(ServerAddress s, Credentials c, Patience p, std::stop_token st)
        : server(std::move(s)), credentials(std::move(c)), patience(p), stop(std::move(st)),
          client(std::make_unique<httplib::Client>(server.url())), on_stop(stop, [this] { client->stop(); }) {
        client->set_keep_alive(true);
        client->set_tcp_nodelay(true); // head and body are two writes: without this each request waits for a delayed acknowledgement
        client->set_connection_timeout(5s);
        client->set_write_timeout(30s);
        client->set_follow_location(false);
        if (!server.tls) return;
        auto* context = client->ssl_context();
        if (context == nullptr) return;
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
        if (!server.fingerprint.empty()) {
            // The pin is all that is asked: a certificate of the server's own names no host and no authority.
            client->enable_server_certificate_verification(false);
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
            SSL_CTX_set_cert_verify_callback(context, fits_pin, &server.fingerprint);
        } else if (!server.ca.empty()) {
            client->set_ca_cert_path(server.ca);
        }
    }
    static int fits_pin(X509_STORE_CTX* chain, void* pin) {
        unsigned char* der = nullptr;
        auto* certificate = X509_STORE_CTX_get0_cert(chain);
        const int size = certificate != nullptr ? i2d_X509(certificate, &der) : 0;
        const bool fits =
            size > 0 && sha256_of({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)}) == *static_cast<std::string*>(pin);
        OPENSSL_free(der);
        return fits ? 1 : 0;
    }

    [[nodiscard]] Error unreachable(const std::string& why) const {
        return {Code::unreachable, server.url(), why + "; is \"raymill serve\" running there? (--server or RAYMILL_SERVER names another)"};
    }

    Result<Response> once(httplib::Request request, std::chrono::seconds server_waits,
                          const std::function<bool(std::string_view)>& take = {}, std::uint64_t offset = 0) {
        Response response;
        if (!client->is_valid()) return std::unexpected(unreachable("no connection can be set up"));
        if (stop.stop_requested()) return fail(Code::failed, "", "interrupted");
        request.headers.emplace("User-Agent", "raymill/" RAYMILL_VERSION);
        request.headers.emplace("Accept-Encoding", "identity"); // so that the bound on an answer is a bound on what was sent
        if (credentials.token.empty() && credentials.look_again) credentials.token = credentials.look_again();
        if (!credentials.token.empty()) request.headers.emplace("Authorization", "Bearer " + credentials.token);
        client->set_read_timeout(30s + server_waits);
        bool too_long = false;
        request.response_handler = [&](const httplib::Response& head) {
            response.status = head.status;
            return true;
        };
        request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
            const bool good = response.status >= 200 && response.status < 300;
            if (good && take)
                return (offset == 0 || response.status == 206) &&
                       take({data, size}); // a whole file where a rest was asked for is of no use
            too_long = response.body.size() + size > (good ? max_answer : max_failure);
            if (!too_long) response.body.append(data, size);
            return !too_long;
        };
        const auto result = client->send(request);
        if (stop.stop_requested()) return fail(Code::failed, "", "interrupted");
        if (too_long)
            return fail(Code::refused, server.url(), "the answer is too long to be one of raymill's; is another server at that address?");
        if (!result && result.error() == httplib::Error::SSLConnection && !server.fingerprint.empty())
            return fail(Code::refused, server.url(),
                        "no TLS connection: it speaks none, or its certificate is not the one behind '#' in the URL");
        if (!result && result.error() == httplib::Error::SSLServerVerification)
            return fail(Code::refused, server.url(), reason(result.error()));
        if (!result) return std::unexpected(unreachable(reason(result.error())));
        answered = true;
        response.status = result->status;
        return response;
    }

    [[nodiscard]] std::chrono::milliseconds left(Clock::time_point since) const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(since + (answered ? patience.later : patience.first) - Clock::now());
    }

    bool back_off(unsigned tries, Clock::time_point since) {
        const auto remains = left(since);
        if (stop.stop_requested() || remains <= 0ms) return false;
        // 0.05 s doubling up to 3.2 s, each between half and whole, so that clients of a server that came back do not all come at once.
        const auto most = std::chrono::milliseconds(50 << std::min(tries, 6u));
        const auto wait =
            std::min(remains, most / 2 + std::chrono::milliseconds(std::uniform_int_distribution<long>(0, most.count() / 2)(random)));
        std::mutex mutex;
        std::condition_variable_any woken;
        std::unique_lock lock(mutex);
        woken.wait_for(lock, stop, wait, [] { return false; });
        return !stop.stop_requested();
    }

    /// Whether an answer means that the same request may be answered otherwise in a moment.
    bool is_passing(const Result<Response>& answer, Clock::time_point since) {
        if (!answer) return answer.error().code == Code::unreachable;
        if (answer->status != 401 || !credentials.look_again) return answer->status == 503 || answer->status == 429;
        // A server of this user that has just started may answer a moment before it has left its token.
        credentials.token = credentials.look_again();
        return Clock::now() < since + patience.first;
    }

    Result<Response> patiently(const httplib::Request& request, std::chrono::seconds server_waits) {
        const auto since = Clock::now();
        for (unsigned tries = 0;; ++tries) {
            auto answer = once(request, server_waits);
            if (is_passing(answer, since) && back_off(tries, since)) continue;
            if (stop.stop_requested()) return fail(Code::failed, "", "interrupted");
            return answer;
        }
    }
};

Http::Http(ServerAddress server, Credentials credentials, Patience patience, std::stop_token stop)
    : impl_(std::make_unique<Impl>(std::move(server), std::move(credentials), patience, std::move(stop))) {}
Http::~Http() = default;
Http::Http(Http&&) noexcept = default;
Http& Http::operator=(Http&&) noexcept = default;

const ServerAddress& Http::server() const { return impl_->server; }
Error Http::interrupted() const { return {Code::failed, "", "interrupted"}; }
bool Http::stopped() const { return impl_->stop.stop_requested(); }
bool Http::back_off(unsigned tries, Clock::time_point since) { return impl_->back_off(tries, since); }

Result<Response> Http::get(const std::string& path, std::chrono::seconds server_waits) {
    httplib::Request request;
    request.method = "GET", request.path = path;
    return impl_->patiently(request, server_waits);
}

Result<Response> Http::post(const std::string& path, const std::string& json) {
    httplib::Request request;
    request.method = "POST", request.path = path, request.body = json;
    request.headers.emplace("Content-Type", "application/json");
    return impl_->patiently(request, {});
}

Result<Response> Http::del(const std::string& path) {
    httplib::Request request;
    request.method = "DELETE", request.path = path;
    return impl_->patiently(request, {});
}

Result<Response> Http::put_once(const std::string& path, std::string body) {
    httplib::Request request;
    request.method = "PUT", request.path = path, request.body = std::move(body);
    request.headers.emplace("Content-Type", "application/octet-stream");
    return impl_->once(std::move(request), {});
}

Result<Response> Http::download_once(const std::string& path, std::uint64_t offset, const std::function<bool(std::string_view)>& take) {
    httplib::Request request;
    request.method = "GET", request.path = path;
    if (offset > 0) request.headers.emplace("Range", "bytes=" + std::to_string(offset) + "-");
    return impl_->once(std::move(request), {}, take, offset);
}

Error refusal(const Response& response, const std::string& where) {
    std::string code, message;
    const auto body = nlohmann::json::parse(response.body, nullptr, false);
    if (body.is_object() && body.contains("error") && body["error"].is_object()) {
        const auto& error = body["error"];
        if (error.contains("code") && error["code"].is_string()) code = error["code"].get<std::string>();
        if (error.contains("message") && error["message"].is_string()) message = error["message"].get<std::string>().substr(0, 1000);
    }
    for (char& c : message)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    const int status = response.status;
    if (message.empty()) {
        if (status == 401 || status == 403)
            message = "the server does not accept this token; give one with --token, RAYMILL_TOKEN or --token-file";
        else if (status == 404)
            message = "the server knows no such thing";
        else
            message = "the server answered " + std::to_string(status);
    }
    if (status == 400)
        if (const Code named = code_named(code); named != Code::failed) return {named, where, message};
    return {status >= 500 ? Code::unreachable : Code::refused, where, message};
}

} // namespace raymill::farm::client
