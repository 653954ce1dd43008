#include "farm/coordinator/serve.hpp"

#include "farm/coordinator/access.hpp"
#include "farm/coordinator/audit.hpp"
#include "farm/coordinator/flood_watch.hpp"
#include "farm/coordinator/http_api.hpp"
#include "farm/coordinator/shell.hpp"
#include "farm/protocol/api.hpp"
#include "farm/protocol/files.hpp"
#include "farm/protocol/rendezvous.hpp"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <optional>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace raymill::farm {
namespace {

std::atomic<Shell*> serving = nullptr;

void on_signal(int) {
    if (auto* shell = serving.load()) shell->stop();
}

/// Each worker is a descriptor or two: as many as the system lets this process have.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<scheduler::Farm> restore(Ledger& ledger, const std::vector<JobRow>& rows, const scheduler::Options& options) {
    std::vector<scheduler::SavedJob> jobs;
    for (const auto& row : rows) {
        if (row.state != scheduler::JobState::queued && row.state != scheduler::JobState::running) continue;
        auto progress = ledger.progress(row.added.spec.id);
        if (!progress) return std::unexpected(progress.error());
        jobs.push_back({row.added.spec, row.state, std::move(progress->tasks), std::move(progress->done), std::move(progress->frames)});
    }
    const auto seq = ledger.last_seq();
    if (!seq) return std::unexpected(seq.error());
    return scheduler::Farm::restore(options, std::move(jobs), *seq + 1, Shell::now());
}

/// Plain HTTP where that is safe or asked for; else the operator's certificate, else the server's own.
Result<std::unique_ptr<TlsContext>> tls_of(const ServeOptions& options, const Address& http, const std::filesystem::path& data) {
    if (options.tls_certificate.empty() != options.tls_key.empty())
        return fail(Code::usage, "--tls-cert, --tls-key", "a certificate and its key go together");
    if (options.plain_http && !options.tls_certificate.empty())
        return fail(Code::usage, "--plain-http", "with a certificate HTTP is not plain; leave one of the two out");
    if (!options.tls_certificate.empty()) return TlsContext::load(options.tls_certificate, options.tls_key);
    if (http.loopback() || options.plain_http) return nullptr;
    const auto certificate = data / "server.crt", key = data / "server.tls-key";
    if (auto ok = make_certificate(certificate, key); !ok) return std::unexpected(ok.error());
    return TlsContext::load(certificate, key);
}

/// Takes the published addresses back, however serve() ends.
struct Published {
    std::vector<Address> http, workers;
    ~Published() {
        for (const auto& address : http) withdraw_http(address);
        for (const auto& address : workers) withdraw_workers(address);
    }
};

} // namespace

std::string ready_line(const ServeAddresses& addresses) {
    return "raymill: serving " + addresses.http + ", workers at " + addresses.workers;
}

bool parse_ready_line(const std::string& line, ServeAddresses& addresses) {
    constexpr std::string_view head = "raymill: serving ", middle = ", workers at ";
    const auto at = line.find(middle);
    if (!line.starts_with(head) || at == std::string::npos) return false;
    addresses = {line.substr(head.size(), at - head.size()), line.substr(at + middle.size())};
    return true;
}

Status serve(const ServeOptions& options) {
    if (auto ok = check_messaging(); !ok) return ok;
    auto http = parse_address(options.http, default_http_port);
    if (!http) return std::unexpected(http.error().within("--http"));
    auto workers_at = parse_address(options.workers_at, default_worker_port);
    if (!workers_at) return std::unexpected(workers_at.error().within("--workers-at"));
    if (workers_at->port == 65535)
        return fail(Code::usage, "--workers-at", "the data socket takes the next port, and there is none after 65535");

    ::umask(077);
    raise_descriptor_limit();
    const auto data = options.data.empty() ? default_data_folder() / "server" : options.data;
    if (auto ok = make_private_folder(data); !ok) return ok;
    const auto lock = FolderLock::take(data);
    if (!lock) return std::unexpected(lock.error());

    auto audit = AuditLog::open(data);
    if (!audit) return std::unexpected(audit.error());
    // Who may come in. Away from loopback nobody does by default.
    auto access = Access::open(data);
    if (!access) return std::unexpected(access.error());
    std::string local_token;
    if (http->loopback()) {
        auto token = load_or_make_token(data / "local.token");
        if (!token) return std::unexpected(token.error());
        local_token = std::move(*token);
        (*access)->accept_local(local_token);
    } else if (!(*access)->has(Right::read) && !(*access)->has(Right::operate)) {
        return fail(Code::refused, "--http " + http->text(),
                    "others can reach this address, and nobody has a key yet: make one with \"raymill key make --scope operator --data " +
                        data.string() + "\"");
    }
    auto tls = tls_of(options, *http, data);
    if (!tls) return std::unexpected(tls.error());
    const auto keys = load_or_make_keys(data / "server.key");
    if (!keys) return std::unexpected(keys.error());
    if (auto ok = write_private_file(data / "server.pub", keys->public_key + "\n"); !ok) return ok;
    ::chmod((data / "server.pub").c_str(), 0644);
    const auto local = load_or_make_keys(data / "local_worker.key");
    if (!local) return std::unexpected(local.error());
    WorkerKeys worker_keys(data / "worker_keys", workers_at->loopback() ? local->public_key : "");
    if (!workers_at->loopback() && worker_keys.count() == 0 && !(*access)->has(Right::enrol))
        return fail(Code::refused, "--workers-at " + workers_at->text(),
                    "others can reach this address, and no worker has a key yet: make one with \"raymill key make --scope worker --data " +
                        data.string() + "\", or write a worker's public key (its worker.pub) into worker_keys there");

    auto ledger = open_sqlite_ledger(data / "ledger.db");
    if (!ledger) return std::unexpected(ledger.error());
    if (auto ok = (*ledger)->commit(std::vector<Entry>{TenantsSet{(*access)->rows()}}); !ok) return ok;
    auto store = Store::open(data / "store");
    if (!store) return std::unexpected(store.error());
    auto rows = (*ledger)->jobs();
    if (!rows) return std::unexpected(rows.error());
    auto farm = restore(**ledger, *rows, {.lease = std::int64_t{options.lease_ms} * 1000});
    if (!farm) return std::unexpected(farm.error());
    Catalog catalog;
    if (auto ok = catalog.load(std::move(*rows)); !ok) return ok;

    Messaging messaging(64, std::thread::hardware_concurrency() >= 8 ? 4 : 2);
    std::optional<FloodWatch> watch;                // before the keeper, which asks it to the end
    std::atomic<FloodWatch*> flood_watch = nullptr; // known once the sockets have their ports
    DoorKeeper keeper(messaging, [&](const std::string& key, const std::string& from) {
        if (auto* known = flood_watch.load(); known != nullptr && known->banned(from)) return false;
        if (worker_keys.accepts(key)) return true;
        (*audit)->write({.who = "nobody", .what = "worker.refused", .from = from, .outcome = "refused", .detail = "unknown key " + key});
        return false;
    });
    auto control = Router::bind(messaging, *workers_at, *keys);
    if (!control) return std::unexpected(control.error());
    workers_at->port = control->port();
    const bool free_port = parse_address(options.workers_at, default_worker_port)->port == 0;
    auto data_socket =
        Router::bind(messaging, {workers_at->host, free_port ? std::uint16_t{0} : static_cast<std::uint16_t>(workers_at->port + 1)}, *keys);
    if (!data_socket) return std::unexpected(data_socket.error());

    watch.emplace(std::vector{control->port(), data_socket->port()}, Router::delivered, [&](const std::string& from) {
        std::fprintf(stderr, "raymill serve: a worker at %s sends a message without end; its connection is cut\n", from.c_str());
        (*audit)->write({.who = "worker", .what = "worker.blocked", .from = from, .outcome = "refused", .detail = "a message without end"});
    });
    flood_watch = &*watch;
    // A key that is taken out of worker_keys ends the talk of who came in with it.
    const auto good_key = [&](const std::string& key) { return worker_keys.accepts(key); };
    const auto on_block = [&](const std::string& key, const std::string& why) {
        (*audit)->write({.who = "worker key " + key, .what = "worker.blocked", .from = {}, .outcome = "refused", .detail = why});
    };
    auto pool = std::make_unique<Pool>(4);
    Shell shell({.ledger = **ledger,
                 .store = **store,
                 .pool = *pool,
                 .control = PeerBook(std::move(*control), good_key, on_block),
                 .data = PeerBook(std::move(*data_socket), good_key, on_block),
                 .farm = std::move(*farm),
                 .catalog = std::move(catalog),
                 .heartbeat_ms = std::max(100u, options.lease_ms / 7),
                 .audit = audit->get()});
    OperatorApi operators(**access, worker_keys, **audit, keys->public_key);
    HttpApi api(shell, **ledger, **store, {.access = **access, .audit = **audit, .operators = operators, .tls = tls->get()});
    const auto port = api.bind(*http);
    if (!port) return std::unexpected(port.error());
    http->port = *port;

    Published published;
    if (http->loopback()) {
        if (auto ok = publish(*http, HttpDoor{local_token}); !ok) return ok;
        published.http.push_back(*http);
    }
    if (workers_at->loopback()) {
        if (auto ok = publish(*workers_at, WorkerDoor{keys->public_key, *local}); !ok) return ok;
        published.workers.push_back(*workers_at);
    }

    serving = &shell;
    struct sigaction action {};
    action.sa_handler = on_signal;
    ::sigaction(SIGTERM, &action, nullptr);
    ::sigaction(SIGINT, &action, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    api.start();
    auto url = (*tls ? "https://" : "http://") + http->text();
    if (*tls && options.tls_certificate.empty()) url += "#sha256:" + (*tls)->fingerprint();
    const ServeAddresses addresses{url, "tcp://" + workers_at->text()};
    (*audit)->write({.who = "raymill " RAYMILL_VERSION, .what = "server.start", .from = "here", .detail = ready_line(addresses)});
    if (options.on_ready)
        options.on_ready(addresses);
    else {
        std::printf("%s\n", ready_line(addresses).c_str());
        // To a person only, not into logs: whoever has this address has the user's tenant.
        if (http->loopback() && ::isatty(STDOUT_FILENO) == 1)
            std::printf("raymill: the page: %s/#token=%s\n", addresses.http.c_str(), local_token.c_str());
        std::fflush(stdout);
    }
    const auto outcome = shell.run();
    api.stop();
    pool.reset(); // its work refers to the shell
    serving = nullptr;
    (*audit)->write({.who = "raymill " RAYMILL_VERSION,
                     .what = "server.stop",
                     .from = "here",
                     .outcome = outcome ? "done" : std::string(name_of(outcome.error().code)),
                     .detail = outcome ? "" : outcome.error().message()});
    return outcome;
}

} // namespace raymill::farm
