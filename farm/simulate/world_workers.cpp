// A worker as farm/worker's supervisor behaves: it keeps results until a verdict, presents what it holds in each hello, and renews by
// heartbeats.
#include "farm/coordinator/translate.hpp"
#include "farm/protocol/limits.hpp"
#include "farm/protocol/sha256.hpp"
#include "farm/simulate/world.hpp"

#include <algorithm>

namespace raymill::farm::simulate {

using namespace scheduler;

namespace {
constexpr Time heartbeat_every = 2 * second, offer_again = 20 * second, hello_again = 2 * second;
constexpr std::uint32_t slots = 2;
} // namespace

std::size_t World::add_worker(const std::string& name) {
    Worker worker;
    worker.name = name;
    // Speeds 1 to 20, most of them slow.
    worker.speed = static_cast<std::uint32_t>(random_.chance(0.2) ? random_.between(8, 20) : random_.between(1, 6));
    workers_.push_back(std::move(worker));
    check_cost_ += 1;
    return workers_.size() - 1;
}

void World::when_awake(std::size_t i, std::uint32_t life, const std::function<void()>& what) {
    const auto& worker = workers_[i];
    if (!worker.up || worker.life != life) return;
    if (worker.paused_until <= now_) return what();
    after(worker.paused_until - now_, [this, i, life, what] { when_awake(i, life, what); });
}

void World::boot(std::size_t i) {
    auto& worker = workers_[i];
    if (worker.up || worker.gone) return;
    worker.up = true;
    worker.boot = std::to_string(random_.next());
    note([&] { return worker.name + " boots"; });
    beat(i);
}

/// Its memory is gone, its disk stays.
void World::kill(std::size_t i) {
    auto& worker = workers_[i];
    worker.up = worker.welcome = worker.rendering = false;
    worker.tasks.clear();
    ++worker.life;
}

void World::say(std::size_t i, const wire::FromWorker& message) {
    transmit(
        [this, i, body = message.SerializeAsString()] {
            if (!coordinator_) return;
            coordinator_->control.emplace_back(i, body);
            wake_coordinator(0);
        },
        workers_[i].mute_until);
}

void World::say_data(std::size_t i, const wire::FromWorkerData& message) {
    transmit(
        [this, i, body = message.SerializeAsString()] {
            if (!coordinator_) return;
            coordinator_->data.emplace_back(i, body);
            wake_coordinator(0);
        },
        workers_[i].mute_until);
}

void World::hello(std::size_t i) {
    auto& worker = workers_[i];
    worker.next_hello = now_ + hello_again;
    wire::FromWorker message;
    auto& hello = *message.mutable_hello();
    hello.set_protocol(1);
    hello.set_worker(worker.name);
    hello.set_boot(worker.boot);
    hello.set_slots(worker.hoards ? limits::slots_a_worker : slots);
    for (const auto& lease : worker.tasks) to_wire(lease, *hello.add_leases()->mutable_lease());
    for (const auto& [lease, result] : worker.results) {
        auto& held = *hello.add_leases();
        to_wire(lease, *held.mutable_lease());
        held.set_rendered(true);
    }
    say(i, message);
}

void World::beat(std::size_t i) {
    auto& worker = workers_[i];
    const auto life = worker.life;
    after(heartbeat_every, [this, i, life] { when_awake(i, life, [this, i] { beat(i); }); });
    if (!worker.welcome) {
        if (now_ >= worker.next_hello) hello(i);
        return;
    }
    wire::FromWorker message;
    auto& heartbeat = *message.mutable_heartbeat();
    for (const auto& lease : worker.tasks) to_wire(lease, *heartbeat.add_leases()->mutable_lease());
    for (const auto& [lease, result] : worker.results) {
        auto& held = *heartbeat.add_leases();
        to_wire(lease, *held.mutable_lease());
        held.set_rendered(true);
    }
    say(i, message);
    for (auto& [lease, result] : worker.results)
        if (result.offered + offer_again <= now_) offer(i, lease);
}

void World::render_next(std::size_t i) {
    auto& worker = workers_[i];
    if (worker.rendering || worker.tasks.empty() || worker.hoards) return;
    worker.rendering = true;
    worker.began = now_;
    const auto& task = worker.tasks.front().task;
    auto time = plan_.tile / worker.speed * random_.between(70, 140) / 100;
    if (task.tile == finish_tile) time /= 4;
    after(std::max<Time>(time, 1000), [this, i, life = worker.life, lease = worker.tasks.front()] {
        when_awake(i, life, [this, i, lease] {
            auto& w = workers_[i];
            if (w.rendering && !w.tasks.empty() && w.tasks.front() == lease) rendered(i);
        });
    });
}

void World::rendered(std::size_t i) {
    auto& worker = workers_[i];
    const auto lease = worker.tasks.front();
    worker.tasks.pop_front();
    worker.rendering = false;
    if (calm_to_ > 0)
        shares_[tenant_of_[lease.task.job]] += std::max<Time>(0, std::min(now_, calm_to_) - std::max(worker.began, calm_from_));
    render_next(i);

    std::uint64_t mark = plan_.seed ^ lease.task.job * 31 ^ (std::uint64_t{lease.task.frame} << 32 | lease.task.tile);
    const bool poison = lease.task.tile != finish_tile && plan_.has(Fault::poison) &&
                        splitmix(mark) % 1000 < static_cast<std::uint64_t>(5 * plan_.of(Fault::poison)) + 1 && calm_to_ == 0;
    const bool broken = broken_jobs_.contains(lease.task.job);
    const bool fails = random_.chance(0.05 * rate(Fault::failures));
    wire::FromWorker message;
    if (poison || broken || fails) {
        const bool lost = !poison && !broken && random_.chance(0.6);
        auto& failed = *message.mutable_failed();
        to_wire(lease, *failed.mutable_lease());
        failed.set_kind(broken ? wire::TaskFailed::INPUT : lost ? wire::TaskFailed::LOST : wire::TaskFailed::GENUINE);
        failed.set_code(broken ? "bad_input" : "failed");
        failed.set_message("no luck");
        if (!lost) oracle_.on_genuine_failure(lease.task);
        if (poison) oracle_.is_poison(lease.task);
        say(i, message);
        return;
    }
    auto pixels = pixels_of(lease.task);
    const auto sha256 = sha256_of(pixels);
    if (worker.lies) pixels += " or so";
    worker.results[lease] = {sha256, std::move(pixels), 0};
    to_wire(lease, *message.mutable_rendered()->mutable_lease());
    say(i, message);
    offer(i, lease);
}

void World::offer(std::size_t i, const LeaseRef& lease) {
    auto& result = workers_[i].results.at(lease);
    result.offered = now_;
    wire::FromWorkerData message;
    auto& offer = *message.mutable_offer();
    to_wire(lease, *offer.mutable_lease());
    auto& file = *offer.add_files();
    file.set_sha256(result.sha256);
    file.set_size(result.bytes.size());
    offer.mutable_stats()->set_samples(100 + lease.task.tile % 7);
    say_data(i, message);
}

void World::hear_control(std::size_t i, const std::string& body) {
    auto& worker = workers_[i];
    wire::ToWorker message;
    if (!message.ParseFromString(body)) violated("messages can be read", "one to " + worker.name);
    switch (message.body_case()) {
    case wire::ToWorker::kWelcome: {
        std::set<LeaseRef> keep;
        for (const auto& lease : message.welcome().keep()) keep.insert(from_wire(lease));
        std::erase_if(worker.results, [&](const auto& entry) { return !keep.contains(entry.first); });
        const auto front = worker.tasks.empty() ? LeaseRef{} : worker.tasks.front();
        std::erase_if(worker.tasks, [&](const auto& lease) { return !keep.contains(lease); });
        if (worker.rendering && (worker.tasks.empty() || worker.tasks.front() != front)) worker.rendering = false;
        worker.welcome = true;
        for (auto& [lease, result] : worker.results) offer(i, lease);
        break;
    }
    case wire::ToWorker::kAssign: {
        const auto lease = from_wire(message.assign().lease());
        if (std::ranges::find(worker.tasks, lease) == worker.tasks.end() && !worker.results.contains(lease)) worker.tasks.push_back(lease);
        break;
    }
    case wire::ToWorker::kRevoke: {
        const auto lease = from_wire(message.revoke().lease());
        worker.results.erase(lease);
        if (!worker.tasks.empty() && worker.tasks.front() == lease) worker.rendering = false;
        std::erase(worker.tasks, lease);
        break;
    }
    case wire::ToWorker::kHelloAgain:
        worker.welcome = false;
        hello(i);
        break;
    default:
        break;
    }
    render_next(i);
}

void World::hear_data(std::size_t i, const std::string& body) {
    auto& worker = workers_[i];
    wire::ToWorkerData message;
    if (!message.ParseFromString(body)) violated("messages can be read", "one to " + worker.name);
    if (message.has_grant()) {
        const auto lease = from_wire(message.grant().lease());
        const auto found = worker.results.find(lease);
        if (found == worker.results.end()) return;
        wire::FromWorkerData part;
        to_wire(lease, *part.mutable_part()->mutable_lease());
        part.mutable_part()->set_data(found->second.bytes);
        say_data(i, part);
    } else if (message.has_verdict()) {
        const auto lease = from_wire(message.verdict().lease());
        const auto outcome = message.verdict().outcome();
        if (outcome == wire::Verdict::ACCEPTED || outcome == wire::Verdict::NOT_NEEDED)
            worker.results.erase(lease);
        else if (outcome == wire::Verdict::DAMAGED && worker.results.contains(lease))
            offer(i, lease);
    }
}

} // namespace raymill::farm::simulate
