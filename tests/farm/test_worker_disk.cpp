// The worker's disk: a cache that keeps its bound, results that outlive the process.
#include "farm/protocol/files.hpp"
#include "farm/worker/cache.hpp"
#include "farm/worker/results.hpp"
#include "tests/farm/scratch.hpp"

#include <doctest/doctest.h>
#include <fstream>

using namespace raymill;
using namespace raymill::farm;

namespace {

/// A blob of `size` bytes, put into the cache; its hash.
std::string add(Cache& cache, char letter, std::size_t size) {
    const std::string bytes(size, letter);
    const auto hash = sha256_of(bytes);
    std::ofstream(cache.temporary(hash)) << bytes;
    REQUIRE(cache.add(cache.temporary(hash), hash).has_value());
    return hash;
}

Cache open(const std::filesystem::path& folder, std::uint64_t limit) {
    auto cache = Cache::open(folder, limit);
    REQUIRE(cache.has_value());
    return std::move(*cache);
}

wire::Offer offer_of(std::uint64_t job, std::uint32_t tile) {
    wire::Offer offer;
    offer.mutable_lease()->set_job(job);
    offer.mutable_lease()->set_tile(tile);
    offer.mutable_lease()->set_fence(1);
    auto& file = *offer.add_files();
    file.set_sha256(sha256_of("bytes"));
    file.set_size(5);
    return offer;
}

} // namespace

TEST_CASE("the cache keeps its bound by throwing the longest unused away, and never what is in use") {
    const Scratch folder;
    auto cache = open(folder, 300);
    const auto a = add(cache, 'a', 100), b = add(cache, 'b', 100), c = add(cache, 'c', 100);
    cache.trim({}, {});
    CHECK(cache.bytes() == 300); // at the bound nothing goes
    cache.use(a);
    const auto d = add(cache, 'd', 100);
    cache.trim({}, {});
    CHECK(cache.bytes() == 300);
    CHECK_FALSE(cache.has(b));
    CHECK_FALSE(std::filesystem::exists(folder.path / "cache" / b));
    CHECK((cache.has(a) && cache.has(c) && cache.has(d)));
    const auto e = add(cache, 'e', 250);
    cache.trim({a, c, d, e}, {});
    CHECK(cache.bytes() == 550); // all in use: the bound gives way
    cache.trim({e}, {});
    CHECK(cache.bytes() == 250);
}

TEST_CASE("the cache knows its blobs after a restart, and removes what was half-written") {
    const Scratch folder;
    std::string hash;
    {
        auto cache = open(folder, 1000);
        hash = add(cache, 'a', 10);
        std::ofstream(cache.temporary(sha256_of("half"))) << "ha";
        std::filesystem::create_directory(folder.path / "scenes" / (hash + ".tmp"));
    }
    auto cache = open(folder, 1000);
    CHECK(cache.has(hash));
    CHECK(cache.bytes() == 10);
    CHECK_FALSE(std::filesystem::exists(cache.temporary(sha256_of("half"))));
    CHECK(std::filesystem::is_empty(folder.path / "scenes"));
}

TEST_CASE("a scene is a folder of its files, made once, and goes before blobs do") {
    const Scratch folder;
    auto cache = open(folder, 25);
    const auto a = add(cache, 'a', 10), b = add(cache, 'b', 10);
    const Manifest manifest{"sub/x.gltf", {{"sub/x.gltf", a, 10}, {"sub/y.png", b, 10}, {"z.png", b, 10}}};
    const auto id = scene_id(manifest);
    const auto scene = cache.scene(id, manifest);
    REQUIRE(scene.has_value());
    CHECK(*read_small_file(*scene / "sub/x.gltf") == std::string(10, 'a'));
    CHECK(*read_small_file(*scene / "z.png") == std::string(10, 'b'));
    CHECK(*cache.scene(id, manifest) == *scene);
    const auto c = add(cache, 'c', 10);
    cache.trim({a, b, c}, {id});
    CHECK(std::filesystem::exists(*scene));
    cache.trim({c}, {});
    CHECK_FALSE(std::filesystem::exists(*scene));
    CHECK(cache.bytes() == 20);
}

TEST_CASE("a kept result is offered again after a restart, and one that was half-kept or damaged is not") {
    const Scratch folder;
    const auto keep = [&](Results& results, std::uint32_t tile) {
        std::ofstream(folder / "file") << "bytes";
        const auto offer = offer_of(7, tile);
        REQUIRE(results.keep(LeaseKey(offer.lease()), {folder / "file"}, offer).has_value());
    };
    {
        auto results = Results::open(folder / "results");
        REQUIRE(results.has_value());
        for (const std::uint32_t tile : {1u, 2u, 3u}) keep(*results, tile);
        results->drop(LeaseKey(offer_of(7, 3).lease()));
    }
    std::filesystem::resize_file(folder / "results/7-0-2-1/0", 4);
    std::filesystem::create_directory(folder / "results/7-0-9-1.tmp");
    auto results = Results::open(folder / "results");
    REQUIRE(results.has_value());
    CHECK(results->leases() == std::vector{LeaseKey(offer_of(7, 1).lease())});
    CHECK(std::distance(std::filesystem::directory_iterator(folder / "results"), {}) == 1);

    // Offered, granted, sent, offered again when the verdict says so, and gone with the last one.
    std::vector<wire::FromWorkerData> sent;
    const auto send = [&](const wire::FromWorkerData& message) {
        sent.push_back(message);
        return true;
    };
    results->pump(send);
    results->pump(send);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].has_offer());
    wire::Grant grant;
    *grant.mutable_lease() = sent[0].offer().lease();
    grant.set_number(sent[0].offer().number());
    grant.set_parts(8);
    results->on_grant(grant);
    results->pump(send);
    REQUIRE(sent.size() == 2);
    CHECK(sent[1].part().data() == "bytes");
    CHECK(sent[1].part().number() == grant.number());
    wire::Verdict verdict;
    *verdict.mutable_lease() = sent[0].offer().lease();
    verdict.set_number(grant.number());
    verdict.set_outcome(wire::Verdict::DAMAGED);
    CHECK_FALSE(results->on_verdict(verdict));
    results->restart();
    CHECK(results->leases().size() == 1);
    verdict.set_outcome(wire::Verdict::ACCEPTED);
    CHECK(results->on_verdict(verdict));
    CHECK(results->leases().empty());
    CHECK(std::filesystem::is_empty(folder / "results"));
}

TEST_CASE("an answer to an offer that a newer one replaced moves nothing") {
    // Else a grant that was under way when the connection was made anew lets parts go to an upload that has not been granted: the server
    // drops them, and both sides wait for each other until their patience ends.
    const Scratch folder;
    auto results = Results::open(folder / "results");
    REQUIRE(results.has_value());
    std::ofstream(folder / "file") << "bytes";
    REQUIRE(results->keep(LeaseKey(offer_of(7, 1).lease()), {folder / "file"}, offer_of(7, 1)).has_value());
    std::vector<wire::FromWorkerData> sent;
    const auto send = [&](const wire::FromWorkerData& message) {
        sent.push_back(message);
        return true;
    };
    results->pump(send);
    results->restart();
    results->pump(send);
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].offer().number() != sent[1].offer().number());
    wire::Grant grant;
    *grant.mutable_lease() = sent[0].offer().lease();
    grant.set_parts(8);
    grant.set_number(sent[0].offer().number());
    results->on_grant(grant);
    wire::Verdict verdict;
    *verdict.mutable_lease() = sent[0].offer().lease();
    verdict.set_number(sent[0].offer().number());
    verdict.set_outcome(wire::Verdict::BUSY);
    CHECK_FALSE(results->on_verdict(verdict));
    results->pump(send);
    CHECK(sent.size() == 2);
    grant.set_number(sent[1].offer().number());
    results->on_grant(grant);
    results->pump(send);
    REQUIRE(sent.size() == 3);
    CHECK(sent[2].part().number() == grant.number());
}
