// The coordinator as farm/coordinator's shell behaves, in imagined time: hear, apply, commit, release. What it shares with the shell is the
// core, the gate and the translation of messages.
#include "farm/coordinator/translate.hpp"
#include "farm/simulate/world.hpp"

#include <algorithm>

namespace raymill::farm::simulate {

using namespace scheduler;

namespace {

std::string summary(const wire::FromWorker& message) {
    if (message.has_rendered()) return "rendered " + text(from_wire(message.rendered().lease()));
    if (message.has_failed()) return "failed " + text(from_wire(message.failed().lease()));
    std::string words = message.has_hello() ? "hello, boot " + message.hello().boot() + ", holding" : "heartbeat, holding";
    for (const auto& held : message.has_hello() ? message.hello().leases() : message.heartbeat().leases())
        words += " [" + text(from_wire(held.lease())) + (held.rendered() ? " rendered]" : "]");
    return words;
}

std::string summary(const wire::ToWorker& message) {
    if (message.has_assign()) return "assign " + text(from_wire(message.assign().lease()));
    if (message.has_revoke()) return "revoke " + text(from_wire(message.revoke().lease()));
    return message.has_welcome() ? "welcome, keep " + std::to_string(message.welcome().keep_size()) : "hello again";
}

} // namespace

void World::start_coordinator() {
    ++instance_;
    ++outcome_.restarts;
    std::vector<SavedJob> saved;
    const auto rows = *ledger_.jobs();
    auto next = std::make_unique<Coordinator>();
    for (const auto& row : rows) {
        if (!row.added.key.empty()) next->keys[{row.added.spec.tenant, row.added.key}] = row.added.spec.id;
        if (row.state != JobState::queued && row.state != JobState::running) continue;
        auto progress = *ledger_.progress(row.added.spec.id);
        saved.push_back({row.added.spec, row.state, std::move(progress.tasks), std::move(progress.done), std::move(progress.frames)});
    }
    next->farm = Farm::restore(options_, std::move(saved), *ledger_.last_seq() + 1, clock());
    coordinator_ = std::move(next);
    note([&] { return "coordinator " + std::to_string(instance_) + " starts"; });
    coordinator_->farm.check();
    apply(Tick{});
    wake_coordinator(0);
}

void World::crash(const char* why) {
    note([&] { return std::string("the coordinator dies: ") + why; });
    coordinator_.reset();
    ++instance_;
    after(random_.skewed(second / 10, 8), [this] {
        if (!coordinator_) start_coordinator();
    });
}

/// A turn comes in `delay`, if none comes before.
void World::wake_coordinator(Time delay) {
    auto& c = *coordinator_;
    const auto at = now_ + delay;
    if (c.busy || (c.waking != 0 && c.waking <= at)) return;
    c.waking = at;
    after(delay, [this, instance = instance_, at] {
        if (coordinator_ && instance == instance_ && coordinator_->waking == at && !coordinator_->busy) turn();
    });
}

void World::apply(const Event& event) {
    ++outcome_.events;
    coordinator_->gate.add(coordinator_->farm.apply(clock(), event));
    check_core();
}

/// The core's own invariants: after each event, but in large worlds, where looking at everything takes longer than an event, so rarely that
/// it costs a few times as much as the events.
void World::check_core() {
    unchecked_ += 1000;
    if (double(unchecked_) < check_cost_) return;
    unchecked_ = 0;
    ++outcome_.checks;
    coordinator_->farm.check();
}

void World::turn() {
    auto& c = *coordinator_;
    c.waking = 0;
    for (int i = 0; i < 256 && !c.control.empty(); ++i) {
        const auto [worker, body] = std::move(c.control.front());
        c.control.pop_front();
        on_control(worker, body);
    }
    for (int i = 0; i < 256 && !c.data.empty(); ++i) {
        const auto [worker, body] = std::move(c.data.front());
        c.data.pop_front();
        on_data(worker, body);
    }
    for (auto work = std::exchange(c.inbox, {}); !work.empty(); work.pop_front()) work.front()();
    if (const auto deadline = c.farm.next_deadline(); deadline && *deadline <= clock()) apply(Tick{});

    c.busy = true;
    Time disk = c.gate.empty() ? 0 : random_.between(500, 5000);
    if (random_.chance(0.02 * rate(Fault::ledger_stalls))) disk += random_.skewed(second / 10, 8);
    after(disk, [this, instance = instance_] {
        if (coordinator_ && instance == instance_) commit();
    });
}

void World::commit() {
    auto& c = *coordinator_;
    const bool dies = random_.chance(0.01 * rate(Fault::crashes));
    const bool errs = random_.chance(0.005 * rate(Fault::ledger_errors));
    if (dies || errs) ledger_.next = random_.chance(0.5) ? FaultyLedger::Next::lost : FaultyLedger::Next::unknown_but_durable;
    // It may also die after a good commit, between two sends: the rest of them is never heard of.
    std::size_t sends_left = ~std::size_t{0};
    if (random_.chance(0.01 * rate(Fault::crashes))) sends_left = random_.below(8);
    const bool dies_sending = sends_left != ~std::size_t{0};
    oracle_.next_batch();
    const auto ok = c.gate.commit(
        ledger_, [](const Entry&) {},
        [&](const Send& send) {
            if (sends_left == 0) return;
            --sends_left;
            release(send);
        });
    ledger_.next = FaultyLedger::Next::good; // where there was nothing to commit
    if (!ok) return crash("a commit failed");
    if (dies_sending) return crash("between two sends");
    c.busy = false;
    if (!c.control.empty() || !c.data.empty() || !c.inbox.empty() || !c.gate.empty()) return wake_coordinator(0);
    if (const auto deadline = c.farm.next_deadline()) wake_coordinator(std::clamp<Time>(*deadline - clock() + 1000, 0, second));
}

void World::on_control(std::size_t i, const std::string& body) {
    auto& c = *coordinator_;
    const auto& name = workers_[i].name;
    wire::FromWorker message;
    if (!message.ParseFromString(body)) violated("messages can be read", "one from " + name);
    const auto event = event_of(name, message);
    if (!event) violated("messages can be read", "one from " + name);
    if (message.has_hello()) {
        c.peers[name] = i;
    } else if (const auto known = c.peers.find(name); known == c.peers.end() || known->second != i) {
        wire::ToWorker again;
        again.mutable_hello_again();
        return send_control(i, again);
    }
    note([&] { return name + " says " + summary(message); });
    apply(*event);
}

void World::on_data(std::size_t i, const std::string& body) {
    auto& c = *coordinator_;
    const auto& name = workers_[i].name;
    wire::FromWorkerData message;
    if (!message.ParseFromString(body)) violated("messages can be read", "one from " + name);
    if (message.has_offer()) {
        const auto lease = from_wire(message.offer().lease());
        if (!tenant_of_.contains(lease.task.job)) return verdict(name, lease, wire::Verdict::NOT_NEEDED);
        Output output;
        output.sha256 = message.offer().files(0).sha256();
        output.size = message.offer().files(0).size();
        output.samples = message.offer().stats().samples();
        c.uploads[{name, lease}] = {output.sha256, output};
        note([&] { return name + " offers " + text(lease); });
        apply(ResultOffered{name, lease});
    } else if (message.has_part()) {
        const auto lease = from_wire(message.part().lease());
        const auto upload = c.uploads.find({name, lease});
        if (upload == c.uploads.end()) return;
        Time disk = random_.between(200, 3000);
        if (random_.chance(0.05 * rate(Fault::store_stalls))) disk += random_.skewed(second / 10, 8);
        after(disk, [this, instance = instance_, name, lease, output = upload->second.output, bytes = message.part().data()] {
            const auto& tenant = tenant_of_.at(lease.task.job);
            const bool torn = random_.chance(0.05 * rate(Fault::store_errors));
            // Torn: less than was sent came to lie on the disk. The store sees that by the hash.
            const bool good = store_.put(tenant, output.sha256, torn ? bytes.substr(0, bytes.size() / 2) : bytes);
            if (!coordinator_ || instance != instance_) return;
            coordinator_->inbox.emplace_back([this, name, lease, output, good, torn] {
                if (good) return stored(name, lease, output);
                note([&] { return name + "'s result of " + text(lease) + " is damaged"; });
                if (torn) return verdict(name, lease, wire::Verdict::BUSY);
                apply(ResultDamaged{name, lease});
            });
            wake_coordinator(0);
        });
    }
}

void World::stored(const std::string& worker, const LeaseRef& lease, const Output& output) {
    note([&] { return worker + "'s result of " + text(lease) + " is stored"; });
    apply(ResultStored{worker, lease, output});
}

void World::verdict(const std::string& worker, const LeaseRef& lease, wire::Verdict::Outcome outcome) {
    coordinator_->uploads.erase({worker, lease});
    wire::ToWorkerData message;
    to_wire(lease, *message.mutable_verdict()->mutable_lease());
    message.mutable_verdict()->set_outcome(outcome);
    send_data(worker, message);
}

void World::send_control(std::size_t i, const wire::ToWorker& message) {
    const auto life = workers_[i].life;
    transmit([this, i, life, body = message.SerializeAsString()] { when_awake(i, life, [this, i, body] { hear_control(i, body); }); },
             workers_[i].deaf_until);
}

void World::send_data(const std::string& worker, const wire::ToWorkerData& message) {
    const auto peer = coordinator_->peers.find(worker);
    if (peer == coordinator_->peers.end()) return;
    const auto i = peer->second;
    const auto life = workers_[i].life;
    transmit([this, i, life, body = message.SerializeAsString()] { when_awake(i, life, [this, i, body] { hear_data(i, body); }); },
             workers_[i].deaf_until);
}

void World::release(const Send& send) {
    oracle_.on_send(send);
    auto& c = *coordinator_;
    wire::ToWorker message;
    std::string worker;
    if (const auto* welcome = std::get_if<SendWelcome>(&send)) {
        worker = welcome->worker;
        for (const auto& lease : welcome->keep) to_wire(lease, *message.mutable_welcome()->add_keep());
        message.mutable_welcome();
    } else if (const auto* assign = std::get_if<SendAssign>(&send)) {
        worker = assign->worker;
        to_wire(assign->lease, *message.mutable_assign()->mutable_lease());
    } else if (const auto* revoke = std::get_if<SendRevoke>(&send)) {
        worker = revoke->worker;
        to_wire(revoke->lease, *message.mutable_revoke()->mutable_lease());
    } else if (const auto* again = std::get_if<SendHelloAgain>(&send)) {
        worker = again->worker;
        message.mutable_hello_again();
    } else if (const auto* grant = std::get_if<SendGrant>(&send)) {
        const auto upload = c.uploads.find({grant->worker, grant->lease});
        if (upload == c.uploads.end()) return;
        if (store_.find(tenant_of_.at(grant->lease.task.job), upload->second.sha256) != nullptr) { // there already: not sent twice
            c.inbox.emplace_back(
                [this, name = grant->worker, lease = grant->lease, output = upload->second.output] { stored(name, lease, output); });
            return;
        }
        wire::ToWorkerData data;
        to_wire(grant->lease, *data.mutable_grant()->mutable_lease());
        data.mutable_grant()->set_parts(1);
        return send_data(grant->worker, data);
    } else if (const auto* answer = std::get_if<SendVerdict>(&send)) {
        note([&] { return answer->worker + " is told " + (answer->accepted ? "accepted " : "not needed ") + text(answer->lease); });
        return verdict(answer->worker, answer->lease,
                       answer->accepted ? wire::Verdict::ACCEPTED
                       : answer->again  ? wire::Verdict::DAMAGED
                                        : wire::Verdict::NOT_NEEDED);
    }
    note([&] { return worker + " is told " + summary(message); });
    if (const auto peer = c.peers.find(worker); peer != c.peers.end()) send_control(peer->second, message);
}

void World::submit(std::size_t wish, const std::function<void(JobId)>& answer) {
    if (!coordinator_) return;
    coordinator_->inbox.emplace_back([this, wish, answer] {
        auto& c = *coordinator_;
        const auto& w = wishes_[wish];
        const auto tenant = "t" + std::to_string(w.tenant);
        const auto acknowledge = [this, answer, tenant, key = w.key](JobId job) {
            oracle_.on_acknowledged(job, tenant, key);
            transmit([answer, job] { answer(job); }, 0);
        };
        if (const auto known = c.keys.find({tenant, w.key}); known != c.keys.end()) // durable, or in this batch
            return c.gate.then([acknowledge, job = known->second] { acknowledge(job); });
        last_job_ = std::max(last_job_ + 1, static_cast<JobId>(std::max<Time>(1, clock())));
        const JobSpec spec{last_job_, tenant, w.frames, w.tiles};
        if (c.farm.refuses(spec)) return; // the client asks again
        c.gate.add(JobAdded{.spec = spec, .scene = {}, .name = {}, .key = w.key, .settings = {}, .tile_edge = 1, .at = clock()});
        c.keys[{tenant, w.key}] = spec.id;
        apply(JobSubmitted{spec});
        c.gate.then([acknowledge, job = spec.id] { acknowledge(job); });
    });
    wake_coordinator(0);
}

} // namespace raymill::farm::simulate
