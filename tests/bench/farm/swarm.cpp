#include "tests/bench/farm/swarm.hpp"

#include "farm/protocol/limits.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <sys/epoll.h>
#include <unistd.h>
#include <zmq.h>

namespace raymill::farm::bench {

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Swarm::Swarm(const SwarmOptions& options)
    : options_(options), messaging_(static_cast<int>(options.workers * 2 + 8)), workers_(options.workers),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)), filler_(std::max(options.chunk_bytes, options.preview_bytes) + 64, '\0') {
    for (auto& byte : filler_) byte = static_cast<char>(random_());
    for (unsigned i = 0; i < workers_.size(); ++i) {
        auto& worker = workers_[i];
        worker.name = options_.name + std::to_string(i);
        auto dealer = Dealer::connect(messaging_, {"127.0.0.1", options_.port}, options_.server_key, options_.keys);
        if (!dealer) {
            faults += dealer.error().message() + "; ";
            continue;
        }
        worker.control = std::move(*dealer);
        watch(i, false);
        beats_.emplace(now_s(), i);
    }
}

Swarm::~Swarm() {
    workers_.clear();
    ::close(epoll_);
}

/// libzmq's descriptor says that something may have happened; it says so once, so after it, and after each call, all is looked at.
void Swarm::watch(unsigned index, bool data) {
    int fd = -1;
    std::size_t size = sizeof fd;
    auto& dealer = data ? workers_[index].data : workers_[index].control;
    zmq_getsockopt(dealer->raw(), ZMQ_FD, &fd, &size);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.u32 = index;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

Swarm::Key Swarm::key(const wire::LeaseRef& lease) { return {lease.job(), lease.frame(), lease.tile(), lease.fence()}; }

void Swarm::run(double seconds, const std::function<bool()>& over) {
    const auto end = now_s() + seconds;
    for (;;) {
        auto now = now_s();
        if (now >= end || (over && over())) return;
        while (!due_.empty() && std::get<0>(due_.top()) <= now) {
            const auto [at, index, lease] = due_.top();
            due_.pop();
            finish(index, lease);
            pump(index);
        }
        while (!beats_.empty() && beats_.top().first <= now) {
            const auto index = beats_.top().second;
            beats_.pop();
            auto& worker = workers_[index];
            if (worker.silent) continue;
            if (worker.welcome)
                beat(worker);
            else
                hello(worker);
            // A hello that found no connection goes out later; it is repeated like a worker's.
            beats_.emplace(now + (worker.welcome ? 1.857 : 2.0), index);
            pump(index);
        }
        auto wake = end;
        if (!due_.empty()) wake = std::min(wake, std::get<0>(due_.top()));
        if (!beats_.empty()) wake = std::min(wake, beats_.top().first);
        const auto wait = std::clamp((wake - now_s()) * 1000 + 0.5, 0.0, 50.0);
        epoll_event events[256];
        const int count = ::epoll_wait(epoll_, events, 256, static_cast<int>(wait));
        for (int i = 0; i < count; ++i) pump(events[i].data.u32);
    }
}

void Swarm::pump(unsigned index) {
    auto& worker = workers_[index];
    if (worker.silent || !worker.control) return;
    for (bool moved = true; moved;) {
        moved = flush(worker.control, worker.control_out) || flush(worker.data, worker.data_out);
        while (const auto body = worker.control->receive()) {
            moved = true;
            wire::ToWorker message;
            if (message.ParseFromString(*body)) on_control(index, message);
        }
        while (worker.data) {
            const auto body = worker.data->receive();
            if (!body) break;
            moved = true;
            wire::ToWorkerData message;
            if (message.ParseFromString(*body)) on_data(index, message);
        }
    }
}

bool Swarm::flush(std::optional<Dealer>& dealer, std::deque<std::string>& out) {
    bool moved = false;
    while (dealer && !out.empty() && dealer->send(out.front())) {
        out.pop_front();
        moved = true;
    }
    return moved;
}

void Swarm::send(Worker& worker, const wire::FromWorker& message) { worker.control_out.push_back(message.SerializeAsString()); }
void Swarm::send(Worker& worker, const wire::FromWorkerData& message) { worker.data_out.push_back(message.SerializeAsString()); }

void Swarm::hello(Worker& worker) {
    wire::FromWorker message;
    auto& hello = *message.mutable_hello();
    hello.set_protocol(protocol_version);
    hello.set_worker(worker.name);
    hello.set_boot("boot");
    hello.set_host("bench");
    hello.set_slots(options_.slots);
    for (const auto& [id, lease] : worker.leases) {
        auto& held = *hello.add_leases();
        *held.mutable_lease() = lease.lease;
        held.set_rendered(lease.rendered);
    }
    worker.control_out.clear(); // what was for an older connection
    send(worker, message);
}

void Swarm::beat(Worker& worker) {
    if (!worker.control_out.empty()) return; // there is no connection: a worker's heartbeats do not queue
    wire::FromWorker message;
    message.mutable_heartbeat();
    for (const auto& [id, lease] : worker.leases) {
        auto& held = *message.mutable_heartbeat()->add_leases();
        *held.mutable_lease() = lease.lease;
        held.set_rendered(lease.rendered);
    }
    send(worker, message);
}

void Swarm::on_control(unsigned index, const wire::ToWorker& message) {
    auto& worker = workers_[index];
    switch (message.body_case()) {
    case wire::ToWorker::kWelcome: {
        ++welcomes;
        worker.welcome = true;
        worker.free_since = 0;
        std::set<Key> keep;
        for (const auto& lease : message.welcome().keep()) keep.insert(key(lease));
        std::erase_if(worker.leases, [&](const auto& entry) { return !keep.contains(entry.first); });
        worker.offered =
            static_cast<unsigned>(std::ranges::count_if(worker.leases, [](const auto& entry) { return entry.second.rendered; }));
        if (!options_.data_door) return;
        if (!worker.data) {
            auto dealer = Dealer::connect(messaging_, {"127.0.0.1", static_cast<std::uint16_t>(message.welcome().data_port())},
                                          options_.server_key, options_.keys);
            if (!dealer) {
                faults += dealer.error().message() + "; ";
                return;
            }
            worker.data = std::move(*dealer);
            watch(index, true);
        }
        wire::FromWorkerData attach;
        attach.mutable_attach()->set_worker(worker.name);
        send(worker, attach);
        return;
    }
    case wire::ToWorker::kAssign: {
        ++assigned;
        const auto& ref = message.assign().lease();
        if (note_tiles) tiles_seen.emplace(ref.frame(), ref.tile());
        if (worker.free_since != 0) hand_outs.push_back(now_s() - worker.free_since);
        worker.free_since = 0;
        auto& lease = worker.leases[key(ref)];
        lease.lease = ref;
        lease.serial = next_serial_++;
        const auto time = options_.tile_s + options_.tile_spread_s * (2 * std::uniform_real_distribution<double>()(random_) - 1);
        if (time <= 0)
            finish(index, key(ref));
        else
            due_.emplace(now_s() + time, index, key(ref));
        return;
    }
    case wire::ToWorker::kRevoke:
        drop(index, key(message.revoke().lease()));
        return;
    case wire::ToWorker::kHelloAgain:
        worker.welcome = false;
        hello(worker);
        return;
    case wire::ToWorker::kRefused:
        ++refused;
        faults += message.refused().reason() + "; ";
        return;
    default:
        return;
    }
}

/// Bytes [offset, offset + size) of a file: the filler, but for its first 16.
std::string Swarm::bytes_of(std::uint64_t serial, int file, std::size_t size, std::size_t offset) const {
    auto bytes = filler_.substr(static_cast<std::size_t>(file) + offset, size);
    if (offset != 0) return bytes;
    std::memcpy(bytes.data(), &serial, std::min(sizeof serial, bytes.size()));
    const auto salt = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(this)) ^ static_cast<std::uint64_t>(::getpid());
    if (bytes.size() >= 16) std::memcpy(bytes.data() + 8, &salt, sizeof salt);
    return bytes;
}

std::string Swarm::hash_of(std::uint64_t serial, int file, std::size_t size) {
    if (const auto found = hashes_.find({serial, file}); found != hashes_.end()) return found->second;
    return sha256_of(bytes_of(serial, file, size));
}

void Swarm::prepare_hashes(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i)
        for (const int file : {0, 1}) {
            const auto size = file == 0 ? options_.chunk_bytes : options_.preview_bytes;
            hashes_[{next_serial_ + i, file}] = sha256_of(bytes_of(next_serial_ + i, file, size));
        }
}

unsigned Swarm::most_offers() const {
    return options_.whole ? std::min(limits::whole_offers_a_worker, 2 * options_.slots) : limits::uploads_a_worker;
}

void Swarm::finish(unsigned index, const Key& id) {
    auto& worker = workers_[index];
    const auto found = worker.leases.find(id);
    if (found == worker.leases.end() || worker.silent) return;
    auto& lease = found->second;
    if (!lease.rendered) {
        if (worker.offered >= most_offers()) {
            worker.finished.push_back(id);
            return;
        }
        lease.rendered = true;
        ++worker.offered;
        wire::FromWorker rendered;
        *rendered.mutable_rendered()->mutable_lease() = lease.lease;
        send(worker, rendered);
        if (options_.slots == 1) worker.free_since = now_s();
    }
    offer(index, lease);
}

void Swarm::drop(unsigned index, const Key& id) {
    auto& worker = workers_[index];
    const auto found = worker.leases.find(id);
    if (found == worker.leases.end()) return;
    worker.offered -= found->second.rendered ? 1 : 0;
    worker.leases.erase(found);
    if (worker.finished.empty()) return;
    const auto next = worker.finished.front();
    worker.finished.pop_front();
    finish(index, next);
}

void Swarm::offer(unsigned index, Lease& lease) {
    auto& worker = workers_[index];
    wire::FromWorkerData message;
    auto& offered = *message.mutable_offer();
    *offered.mutable_lease() = lease.lease;
    offered.set_number(lease.number = next_number_++);
    lease.file = 0;
    lease.offset = 0;
    lease.credit = 0;
    const int files = lease.lease.tile() == wire::finish_tile ? 1 : 2;
    for (int i = 0; i < files; ++i) {
        lease.sizes[i] = i == 0 ? options_.chunk_bytes : options_.preview_bytes;
        auto& file = *offered.add_files();
        file.set_size(lease.sizes[i]);
        file.set_sha256(hash_of(lease.serial, i, lease.sizes[i]));
        if (options_.whole) file.set_data(bytes_of(lease.serial, i, lease.sizes[i]));
    }
    offered.mutable_stats()->set_samples(256);
    offered.mutable_stats()->set_rays(512);
    offered.mutable_stats()->set_trace_s(options_.tile_s);
    offered.mutable_stats()->set_device("imagined");
    send(worker, message);
}

void Swarm::send_parts(Worker& worker, Lease& lease) {
    const int files = lease.lease.tile() == wire::finish_tile ? 1 : 2;
    while (lease.credit > 0 && lease.file < files) {
        const auto size = lease.sizes[lease.file];
        const auto want = std::min<std::uint64_t>(limits::part_bytes, size - lease.offset);
        wire::FromWorkerData message;
        auto& part = *message.mutable_part();
        *part.mutable_lease() = lease.lease;
        part.set_file(static_cast<std::uint32_t>(lease.file));
        part.set_offset(lease.offset);
        part.set_number(lease.number);
        part.set_data(bytes_of(lease.serial, lease.file, want, lease.offset));
        send(worker, message);
        --lease.credit;
        lease.offset += want;
        if (lease.offset == size) {
            ++lease.file;
            lease.offset = 0;
        }
    }
}

void Swarm::on_data(unsigned index, const wire::ToWorkerData& message) {
    auto& worker = workers_[index];
    if (message.has_attach_again()) {
        wire::FromWorkerData attach;
        attach.mutable_attach()->set_worker(worker.name);
        send(worker, attach);
        // What was offered meanwhile was not heard.
        for (auto& [id, lease] : worker.leases)
            if (lease.rendered) offer(index, lease);
    } else if (message.has_grant()) {
        const auto found = worker.leases.find(key(message.grant().lease()));
        if (found == worker.leases.end()) return;
        found->second.credit += message.grant().parts();
        send_parts(worker, found->second);
    } else if (message.has_verdict()) {
        const auto& verdict = message.verdict();
        const auto found = worker.leases.find(key(verdict.lease()));
        if (found == worker.leases.end()) return;
        if (verdict.outcome() == wire::Verdict::BUSY) {
            ++busy;
            due_.emplace(now_s() + 0.02, index, found->first);
            return;
        }
        if (verdict.outcome() == wire::Verdict::DAMAGED) faults += "damaged; ";
        if (verdict.outcome() == wire::Verdict::ACCEPTED) {
            ++accepted;
            accepted_bytes += found->second.sizes[0] + found->second.sizes[1];
        } else {
            ++not_needed;
        }
        drop(index, found->first);
    }
}

void Swarm::silence(unsigned first, unsigned count) {
    for (unsigned i = first; i < first + count && i < workers_.size(); ++i) {
        workers_[i].silent = true;
        workers_[i].control.reset();
        workers_[i].data.reset();
    }
}

void Swarm::reset_counts() {
    assigned = accepted = not_needed = busy = welcomes = refused = accepted_bytes = 0;
    hand_outs.clear();
}

unsigned Swarm::welcome_count() const {
    return static_cast<unsigned>(std::ranges::count_if(workers_, [](const Worker& worker) { return worker.welcome; }));
}

std::size_t Swarm::held(unsigned first, unsigned count) const {
    std::size_t sum = 0;
    for (unsigned i = first; i < first + count && i < workers_.size(); ++i) sum += workers_[i].leases.size();
    return sum;
}

} // namespace raymill::farm::bench
