#include "farm/worker/supervisor.hpp"

#include "farm/protocol/files.hpp"
#include "farm/protocol/limits.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace raymill::farm {
namespace {

constexpr std::uint32_t slots = 2; // one that runs and one that waits: never idle between two

std::string host_name() {
    char name[128] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

} // namespace

Result<std::unique_ptr<Supervisor>> Supervisor::make(const WorkerOptions& options, const std::filesystem::path& data,
                                                     const Address& address, const std::string& name) {
    auto cache = Cache::open(data, options.cache_bytes);
    if (!cache) return std::unexpected(cache.error());
    std::error_code ignored;
    std::filesystem::remove_all(data / "scratch", ignored);
    for (const char* inner : {"scratch", "results"})
        if (auto ok = make_private_folder(data / inner); !ok) return std::unexpected(ok.error());
    return std::unique_ptr<Supervisor>(new Supervisor(options, data, address, name, std::move(*cache)));
}

Supervisor::Supervisor(const WorkerOptions& options, std::filesystem::path data, Address address, std::string name, Cache cache)
    : options_(options), data_(std::move(data)), address_(std::move(address)), name_(std::move(name)), boot_(random_hex(8)),
      cache_(std::move(cache)), fetcher_(
                                    cache_, [this](const auto& message) { return send_data(message); },
                                    [this](const auto& sha256, const auto& outcome) { on_fetched(sha256, outcome); }) {
    if (options_.memory_bytes == 0)
        options_.memory_bytes =
            static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 10 * 9;
    if (options_.score == 0)
        if (const auto text = read_small_file(data_ / "bench_score", 100)) options_.score = std::max(0.0, std::atof(text->c_str()));
    finisher_.finisher = true;
}

Supervisor::~Supervisor() = default;

void Supervisor::say(const std::string& words) const { std::fprintf(stderr, "raymill worker: %s\n", words.c_str()); }

/// Looks the server's door up and connects; again where the server was made anew with other keys. False while there is none.
bool Supervisor::connect() {
    std::optional<WorkerDoor> door;
    if (address_.loopback()) door = find_workers(address_);
    if (!door)
        if (const auto server = read_small_file(data_ / "server.pub", 4096); server) {
            const auto own = load_or_make_keys(data_ / "worker.key");
            const auto key = server->substr(0, server->find_first_of(" \r\n"));
            if (own && is_key(key)) door = WorkerDoor{key, *own};
        }
    if (!door) return control_.has_value();
    if (door_ && door_->server_key == door->server_key && door_->worker.public_key == door->worker.public_key) return true;
    auto dealer = Dealer::connect(messaging_, address_, door->server_key, door->worker);
    if (!dealer) {
        say(dealer.error().message());
        return false;
    }
    // Another server's results and leases mean nothing to this one.
    auto results = Results::open(data_ / "results" / sha256_of(door->server_key).substr(0, 16));
    if (!results) {
        say(results.error().message());
        return false;
    }
    for (auto* seat : {&tracer_, &finisher_}) {
        seat->child.reset();
        seat->running.reset();
    }
    tasks_.clear();
    fetcher_.keep_only({});
    results_ = std::move(*results);
    door_ = std::move(door);
    control_ = std::move(*dealer);
    data_socket_.reset();
    welcome_ = false;
    return true;
}

Status Supervisor::run(int stop) {
    for (;;) {
        const auto now = Clock::now();
        if (!welcome_ && now >= next_hello_) {
            const bool sent = connect() && hello();
            next_hello_ = now + std::chrono::milliseconds(sent ? 2000 : 50);
            if (now - started_ > std::chrono::seconds(10) && !told_waiting_) {
                told_waiting_ = true;
                say("no answer from tcp://" + address_.text() +
                    " yet; is the server there, and are its server.pub and this worker's key the right ones?");
            }
        }
        if (welcome_ && now >= next_heartbeat_) heartbeat();
        if (now >= next_watch_) watch();
        if (welcome_) {
            advance_all();
            fetcher_.pump();
            results_->pump([this](const auto& message) { return send_data(message); });
        }
        feed(tracer_);
        feed(finisher_);

        const bool blocked = welcome_ && (fetcher_.blocked() || results_->blocked());
        auto wake = std::min(welcome_ ? next_heartbeat_ : next_hello_, next_watch_);
        for (const auto* seat : {&tracer_, &finisher_})
            if (!seat->child && seat->not_before > now) wake = std::min(wake, seat->not_before);
        const auto wait = std::chrono::ceil<std::chrono::milliseconds>(wake - Clock::now()).count();
        std::vector<PollItem> items{{nullptr, stop, false}};
        const auto add = [&](void* socket, int fd) {
            items.push_back({socket, fd, false});
            return items.size() - 1;
        };
        if (control_) add(control_->raw(), -1);
        if (data_socket_) add(data_socket_->raw(), -1);
        const std::size_t tracer = tracer_.child ? add(nullptr, tracer_.child->fd()) : 0;
        const std::size_t finisher = finisher_.child ? add(nullptr, finisher_.child->fd()) : 0;
        poll(items, std::clamp<long>(wait, 0, blocked ? 5 : 1000));

        if (items[0].ready) break;
        if (tracer != 0 && items[tracer].ready) listen(tracer_);
        if (finisher != 0 && items[finisher].ready) listen(finisher_);
        for (int i = 0; control_ && i < 256; ++i) {
            const auto body = control_->receive();
            if (!body) break;
            on_control(*body);
        }
        for (int i = 0; data_socket_ && i < 64; ++i) {
            const auto body = data_socket_->receive();
            if (!body) break;
            on_data(*body);
        }
    }
    if (control_ && welcome_) {
        wire::FromWorker goodbye;
        goodbye.mutable_goodbye();
        send_control(goodbye);
        ::usleep(50'000); // LINGER is 0, so that a dead server holds nobody up: this is the goodbye's time to leave
    }
    return {};
}

bool Supervisor::send_control(const wire::FromWorker& message) { return control_ && control_->send(message.SerializeAsString()); }
bool Supervisor::send_data(const wire::FromWorkerData& message) { return data_socket_ && data_socket_->send(message.SerializeAsString()); }

bool Supervisor::hello() {
    wire::FromWorker message;
    auto& hello = *message.mutable_hello();
    hello.set_protocol(protocol_version);
    hello.set_version(RAYMILL_VERSION);
    hello.set_worker(name_);
    hello.set_boot(boot_);
    hello.set_host(host_name());
    hello.set_device(tracer_.device);
    hello.set_slots(slots);
    hello.set_score(options_.score);
    for (const auto& task : tasks_)
        if (!task.revoked) task.lease.write(*hello.add_leases()->mutable_lease());
    add_results(*hello.mutable_leases());
    return send_control(message);
}

/// What is kept counts as rendered, which asks for more work, only up to a bound: a worker that renders faster than its line carries fills
/// no disk. What is past it is said to be rendered when it is offered.
void Supervisor::add_results(google::protobuf::RepeatedPtrField<wire::HeldLease>& leases) const {
    std::size_t count = 0;
    for (const auto& lease : results_->leases()) {
        auto& held = *leases.Add();
        lease.write(*held.mutable_lease());
        held.set_rendered(++count <= limits::results_ahead);
    }
}

void Supervisor::heartbeat() {
    next_heartbeat_ = Clock::now() + heartbeat_every_;
    wire::FromWorker message;
    auto& beat = *message.mutable_heartbeat();
    beat.set_device(tracer_.device);
    for (const auto& task : tasks_)
        if (!task.revoked) task.lease.write(*beat.add_leases()->mutable_lease());
    add_results(*beat.mutable_leases());
    send_control(message);
}

void Supervisor::on_control(const std::string& body) {
    wire::ToWorker message;
    if (!message.ParseFromString(body)) return;
    switch (message.body_case()) {
    case wire::ToWorker::kWelcome:
        on_welcome(message.welcome());
        break;
    case wire::ToWorker::kAssign:
        on_assign(message.assign());
        break;
    case wire::ToWorker::kRevoke: {
        const LeaseKey lease(message.revoke().lease());
        results_->drop(lease);
        drop_task(lease);
        break;
    }
    case wire::ToWorker::kHelloAgain:
        welcome_ = false;
        next_hello_ = Clock::now();
        break;
    case wire::ToWorker::kRefused:
        say("the server refuses: " + message.refused().reason());
        welcome_ = false;
        next_hello_ = Clock::now() + std::chrono::seconds(10);
        break;
    default:
        break;
    }
}

void Supervisor::on_welcome(const wire::Welcome& welcome) {
    if (welcome.data_port() == 0 || welcome.data_port() > 65535) return;
    heartbeat_every_ = std::chrono::milliseconds(std::clamp(welcome.heartbeat_ms(), 50u, 60000u));
    std::set<LeaseKey> keep;
    for (const auto& lease : welcome.keep()) keep.insert(LeaseKey(lease));
    for (const auto& lease : results_->leases())
        if (!keep.contains(lease)) results_->drop(lease);
    std::vector<LeaseKey> over;
    for (const auto& task : tasks_)
        if (!keep.contains(task.lease)) over.push_back(task.lease);
    for (const auto& lease : over) drop_task(lease);

    if (!data_socket_ || data_port_ != welcome.data_port()) {
        auto dealer =
            Dealer::connect(messaging_, {address_.host, static_cast<std::uint16_t>(welcome.data_port())}, door_->server_key, door_->worker);
        if (!dealer) return say(dealer.error().message());
        data_socket_ = std::move(*dealer);
        data_port_ = welcome.data_port();
    }
    wire::FromWorkerData attach;
    attach.mutable_attach()->set_worker(name_);
    send_data(attach); // where it does not go out now, the first answer asks for it
    fetcher_.restart();
    results_->restart();
    welcome_ = true;
    told_waiting_ = true;
    next_heartbeat_ = Clock::now();
}

void Supervisor::on_data(const std::string& body) {
    wire::ToWorkerData message;
    if (!message.ParseFromString(body)) return;
    switch (message.body_case()) {
    case wire::ToWorkerData::kAttachAgain: {
        wire::FromWorkerData attach;
        attach.mutable_attach()->set_worker(name_);
        send_data(attach);
        fetcher_.restart();
        results_->restart();
        for (auto& task : tasks_) task.asked = {};
        break;
    }
    case wire::ToWorkerData::kGrant:
        results_->on_grant(message.grant());
        break;
    case wire::ToWorkerData::kVerdict:
        results_->on_verdict(message.verdict());
        break;
    case wire::ToWorkerData::kBlob:
        fetcher_.on_part(message.blob());
        break;
    case wire::ToWorkerData::kChunkList:
        on_chunk_list(message.chunk_list());
        break;
    default:
        break;
    }
}

void Supervisor::fail_task(const LeaseKey& lease, wire::TaskFailed::Kind kind, const std::string& code, const std::string& words) {
    wire::FromWorker message;
    auto& failed = *message.mutable_failed();
    lease.write(*failed.mutable_lease());
    failed.set_kind(kind);
    failed.set_code(code);
    failed.set_message(words);
    send_control(message); // where it does not go out, the lease is not in the next heartbeat and runs out
    tasks_.remove_if([&](const Task& task) { return task.lease == lease; });
}

} // namespace raymill::farm
