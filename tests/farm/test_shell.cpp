// The shell commits beside its work. Promised all the same: nobody hears of anything that the ledger does not have yet, and of nothing at
// all that it failed to take. Could break by a send or an answer that goes round the gate, or by releasing a batch before its commit is
// over. (Kills of real processes do not show it: the moment between is too short.)
#include "farm/coordinator/shell.hpp"
#include "farm/simulate/disk.hpp"
#include "tests/farm/peer.hpp"
#include "tests/farm/test_farm.hpp"

#include <future>
#include <tuple>

using namespace raymill;
using namespace raymill::farm;

namespace {

/// Commits that wait, where the test says so, until it lets them go.
class HeldDisk {
  public:
    void hold() {
        const std::scoped_lock lock(mutex_);
        held_ = true, waiting_ = false;
    }
    void let_go() {
        const std::scoped_lock lock(mutex_);
        held_ = false;
        changed_.notify_all();
    }
    /// A commit has come to it.
    bool someone_waits() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return waiting_; });
    }
    void pass() {
        std::unique_lock lock(mutex_);
        if (!held_) return;
        waiting_ = true;
        changed_.notify_all();
        changed_.wait(lock, [this] { return !held_; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool held_ = false, waiting_ = false;
};

/// A shell in this process, with its sockets, and a worker's peer that was welcomed.
struct HeldFarm {
    HeldDisk disk;
    simulate::FaultyLedger ledger{[this](const Entry&) { disk.pass(); }};
    Scratch folder;
    std::unique_ptr<Store> store = std::move(*Store::open(folder.path / "store"));
    Pool pool{1};
    KeyPair server_keys = make_keys(), keys = make_keys();
    Messaging messaging;
    DoorKeeper keeper{messaging, [](const std::string&, const std::string&) { return true; }};
    std::unique_ptr<Shell> shell;
    std::unique_ptr<Peer> worker;
    Status ended;
    std::jthread thread;

    HeldFarm() {
        const Address anywhere{"127.0.0.1", 0};
        auto control = Router::bind(messaging, anywhere, server_keys);
        auto data = Router::bind(messaging, anywhere, server_keys);
        REQUIRE(control.has_value());
        REQUIRE(data.has_value());
        const auto port = control->port();
        shell.reset(new Shell({.ledger = ledger,
                               .store = *store,
                               .pool = pool,
                               .control = PeerBook(std::move(*control)),
                               .data = PeerBook(std::move(*data)),
                               .farm = scheduler::Farm(scheduler::Options{}),
                               .catalog = {}}));
        thread = std::jthread([this] { ended = shell->run(); });
        worker = std::make_unique<Peer>(port, server_keys.public_key, keys);
        worker->send(hello("w"));
        const auto welcome = worker->receive<wire::ToWorker>();
        REQUIRE(welcome.has_value());
        REQUIRE(welcome->has_welcome());
    }
    ~HeldFarm() {
        disk.let_go();
        shell->stop();
    }

    std::future<Result<JobAnswer>> submit() {
        auto answer = std::make_shared<std::promise<Result<JobAnswer>>>();
        auto future = answer->get_future();
        shell->post([this, answer = std::move(answer)] {
            const std::map<std::string, std::string> words{{"size", "8x8"}, {"spp", "1"}, {"tile", "8"}};
            shell->submit(
                {.tenant = "t", .scene = std::string(64, 'a'), .name = {}, .key = {}, .words = words, .settings = *parse_settings(words)},
                [answer](Result<JobAnswer> said) { answer->set_value(std::move(said)); });
        });
        return future;
    }
    /// What a person is told of the core's state, as the HTTP API asks it.
    std::future<void> look() {
        auto answer = std::make_shared<std::promise<void>>();
        auto future = answer->get_future();
        shell->post([this, answer = std::move(answer)] { shell->when_durable([answer] { answer->set_value(); }); });
        return future;
    }
};

template<class T> bool open(std::future<T>& future) { return future.wait_for(std::chrono::milliseconds(0)) != std::future_status::ready; }

} // namespace

TEST_CASE("neither who submits nor a worker nor who looks hears of a job before the disk has it, and then all do") {
    HeldFarm farm;
    farm.disk.hold();
    auto answer = farm.submit();
    REQUIRE(farm.disk.someone_waits());
    auto look = farm.look();
    CHECK(farm.worker->hears_nothing());
    CHECK(open(answer));
    CHECK(open(look));
    farm.disk.let_go();
    const auto assigned = farm.worker->receive<wire::ToWorker>();
    REQUIRE(assigned.has_value());
    CHECK(assigned->has_assign());
    REQUIRE(answer.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
    CHECK(answer.get().has_value());
    CHECK(look.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
}

TEST_CASE("of what the disk failed to take nobody hears, and the server ends with the disk's error") {
    HeldFarm farm;
    farm.ledger.next = simulate::FaultyLedger::Next::lost;
    auto answer = farm.submit();
    farm.thread.join();
    CHECK_FALSE(farm.ended.has_value());
    CHECK(farm.worker->hears_nothing());
    CHECK_THROWS_AS(std::ignore = answer.get(), std::future_error); // dropped unanswered
}
