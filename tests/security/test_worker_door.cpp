// The workers' door against a worker that was let in and turned hostile.
#include "farm/protocol/keys.hpp"
#include "farm/protocol/limits.hpp"
#include "farm/protocol/messages.hpp"
#include "tests/farm/test_farm.hpp"
#include "tests/security/curve_peer.hpp"

using namespace raymill;
using namespace raymill::farm;

namespace {

std::string server_key(const TestFarm& farm) { return farm.log("server/server.pub").substr(0, 40); }
KeyPair accepted_keys(const TestFarm& farm) { return *load_or_make_keys(farm.folder / "server/local_worker.key"); }

} // namespace

TEST_CASE("a message without end is cut off before it fills the memory, its sender has to wait, and the farm renders on") {
    TestFarm farm(1);
    REQUIRE(eventually([&] { return !farm.client().workers()->empty(); }));
    const auto before = resident_mb(farm.server->pid());
    CurvePeer hostile(farm.worker_port(), server_key(farm), accepted_keys(farm), "127.0.0.7");
    REQUIRE(hostile.ready());
    const std::string part(limits::part_bytes, 'x');
    std::size_t sent_mb = 0, most = 0;
    while (sent_mb < 4096 && hostile.part(part, true)) { // 4 GiB, if nobody minds
        sent_mb = sent_mb + 1;
        if (hostile.part(part, true)) most = std::max(most, resident_mb(farm.server->pid()));
    }
    MESSAGE("cut after " << sent_mb << " MiB; at most " << most - before << " MiB more memory");
    CHECK(sent_mb < 2048);
    CHECK(most < before + 1024);
    CHECK(eventually([&] { return resident_mb(farm.server->pid()) < before + 256; }));
    CHECK(eventually([&] { return farm.log("server/audit.jsonl").find("a message without end") != std::string::npos; }));
    CurvePeer again(farm.worker_port(), server_key(farm), accepted_keys(farm), "127.0.0.7");
    CHECK_FALSE(again.ready());
    const auto job = farm.submit(farm.scene("x=1"), {{"size", "32x32"}, {"tile", "16"}});
    CHECK(farm.wait(job).state == "done");
}

TEST_CASE("many silent, half-shaken and rubbish connections at the workers' door keep no worker out and cost little memory") {
    allow_many_descriptors();
    TestFarm farm(1);
    const auto before = resident_mb(farm.server->pid());
    std::vector<RawSocket> idle;
    for (int i = 0; i < 600; ++i) {
        idle.emplace_back(farm.worker_port());
        if (i % 3 == 1) idle.back().send(std::string("\xff\0\0\0\0\0\0\0\0\x7f\3\1", 12));
        if (i % 3 == 2) idle.back().send(std::string(3000, static_cast<char>(i)));
    }
    const auto job = farm.submit(farm.scene("x=1"), {{"size", "32x32"}, {"tile", "16"}});
    CHECK(farm.wait(job).state == "done");
    CHECK(resident_mb(farm.server->pid()) < before + 64);
    CHECK(idle.front().closes(20000)); // a handshake has its time
}
