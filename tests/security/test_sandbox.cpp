// A render process that somebody has taken over by a scene: what it can reach.
#include "farm/worker/sandbox.hpp"
#include "tests/farm/test_farm.hpp"
#include "tests/security/escapes.hpp"
#include "tests/skip.hpp"

using namespace raymill;
using namespace raymill::farm;

namespace {

/// What came of each attempt, as notes of a job that a worker with these options did.
std::map<std::string, bool> attempts(const std::vector<std::string>& worker_options) {
    TestFarm farm(1, worker_options);
    const auto secret = farm.folder / "worker0/worker.key";
    REQUIRE(eventually([&] { return std::filesystem::exists(farm.folder / "worker0/name"); }));
    std::ofstream(secret) << "secret";
    const auto job = farm.submit(farm.scene("escape=" + secret.string() + " port=" + std::to_string(farm.http_port())),
                                 {{"size", "16x16"}, {"tile", "16"}});
    const auto info = farm.wait(job);
    REQUIRE_MESSAGE(info.state == "done", info.json << farm.log("worker0.log")); // it still renders, and answers
    std::map<std::string, bool> done;
    for (const auto& note : info.notes)
        if (const auto colon = note.rfind(": "); colon != std::string::npos) done[note.substr(0, colon)] = note.substr(colon + 2) == "done";
    REQUIRE(done.size() >= 20);
    CHECK(std::filesystem::exists(secret.string() + ".new") == done["write beside it"]);
    return done;
}

} // namespace

TEST_CASE("a render process that was taken over reads, writes, reaches and starts nothing that is not its job's") {
    const auto held = probe_sandbox();
    MESSAGE(held.text());
    if (!held.all()) RAYMILL_SKIP(held.text().c_str());
    for (const auto& [name, done] : attempts({"--strict", "yes"})) CHECK_MESSAGE(!done, "it could " << name);
}

TEST_CASE("without the sandbox the same attempts succeed: they are real") {
    auto done = attempts({"--sandbox", "off"});
    for (const char* name :
         {"read a file of the worker's", "list its folder", "read the users of this host", "write to /tmp", "link it into its own folder",
          "make an Internet socket", "make a local socket", "make a process", "start a program", "signal the supervisor"})
        CHECK_MESSAGE(done[name], "it could not " << std::string(name));
}

TEST_CASE("a plan crosses to the render process whole, whatever letters its paths have") {
    const SandboxPlan plan{.read = {"/a b:c", "/r\xc3\xa4"}, .write = {"/w=x", "r"}};
    const auto back = plan_of(to_text(plan));
    CHECK(back.read == plan.read);
    CHECK(back.write == plan.write);
    CHECK(plan_of("").read.empty());
    CHECK(plan_of("x/a\nr\n\nw").write.empty());
}
