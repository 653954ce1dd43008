// Blobs: never a wrong one, nothing sent twice, nothing of another tenant.
#include "farm/protocol/sha256.hpp"
#include "farm/store/store.hpp"
#include "tests/farm/scratch.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <fstream>

using namespace raymill;
using namespace raymill::farm;

namespace {

const std::string bytes = "0123456789";
const std::string hash = sha256_of(bytes);

std::unique_ptr<Store> open(const std::filesystem::path& folder) {
    auto store = Store::open(folder);
    REQUIRE_MESSAGE(store.has_value(), store.error().message());
    return std::move(*store);
}

std::size_t files_in(const std::filesystem::path& folder) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) count += entry.is_regular_file() ? 1 : 0;
    return count;
}

} // namespace

TEST_CASE("SHA-256 is that of FIPS 180-4") {
    CHECK(sha256_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    Sha256 pieces;
    pieces.update("a");
    pieces.update("bc");
    CHECK(pieces.finish() == sha256_of("abc"));
    CHECK(is_sha256(sha256_of("")));
    CHECK_FALSE(is_sha256(sha256_of("").substr(1)));
    CHECK_FALSE(is_sha256("E" + sha256_of("").substr(1)));
    CHECK_FALSE(is_sha256("../" + sha256_of("").substr(3)));
}

TEST_CASE("an upload goes on where it stopped, over a restart, and no byte is asked for twice") {
    const Scratch folder;
    {
        auto store = open(folder / "s");
        CHECK(store->received("t", hash, 10) == 0);
        CHECK(store->append("t", hash, 10, 0, "0123")->have == 4);
        CHECK_FALSE(store->has("t", hash));
    }
    auto store = open(folder / "s");
    CHECK(store->received("t", hash, 10) == 4);
    const auto early = store->append("t", hash, 10, 3, "3456789");
    CHECK(early->conflict);
    CHECK(early->have == 4);
    CHECK(store->append("t", hash, 10, 5, "56789")->conflict);
    const auto last = store->append("t", hash, 10, 4, "456789");
    CHECK_FALSE(last->conflict);
    CHECK(last->have == 10);
    CHECK(store->received("t", hash, 10) == 10);
    CHECK(store->size("t", hash) == 10);
    CHECK(*store->read("t", hash, 3, 4) == "3456");
    CHECK(*store->read("t", hash, 8, 100) == "89");
    CHECK(store->read("t", hash, 10, 100)->empty());
    CHECK(*store->read("t", hash, 1ull << 40, 1) == "");
    CHECK(store->append("t", hash, 10, 10, "")->have == 10);
}

TEST_CASE("an upload whose bytes have another hash leaves nothing") {
    const Scratch folder;
    auto store = open(folder / "s");
    const auto wrong = store->append("t", hash, 10, 0, "0123456780");
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().code == Code::bad_input);
    CHECK_FALSE(store->has("t", hash));
    CHECK(store->received("t", hash, 10) == 0);
    CHECK(files_in(folder / "s") == 0);
    CHECK(store->append("t", hash, 10, 0, bytes)->have == 10);
}

TEST_CASE("a piece may end at the size and not one byte past it") {
    const Scratch folder;
    auto store = open(folder / "s");
    CHECK(store->append("t", hash, 10, 0, "01234567")->have == 8);
    const auto past = store->append("t", hash, 10, 8, "89x");
    REQUIRE_FALSE(past.has_value());
    CHECK(past.error().code == Code::bad_input);
    CHECK(store->received("t", hash, 10) == 8);
    CHECK(store->append("t", hash, 10, 8, "89")->have == 10);
    CHECK(store->append("t", sha256_of(""), 0, 0, "")->have == 0); // an empty file is a file
    CHECK(store->has("t", sha256_of("")));
}

TEST_CASE("tenants do not see each other's blobs, whatever their names") {
    const Scratch folder;
    auto store = open(folder / "s");
    for (const std::string tenant : {"a", "../a", "a/b", "", ".", "..", "A", "é", "%2e"}) {
        CHECK_FALSE(store->has(tenant, hash));
        CHECK(store->received(tenant, hash, 10) == 0);
        if (tenant.empty()) continue;
        REQUIRE(store->put(tenant, hash, bytes).has_value());
        CHECK(store->has(tenant, hash));
        const auto inside = std::filesystem::relative(store->path_of(tenant, hash), folder / "s").string();
        CHECK(inside.find("..") == std::string::npos);
        CHECK(std::ranges::count(inside, '/') == 2);
    }
    CHECK(files_in(folder.path) == 8);
}

TEST_CASE("a result is there whole or not at all") {
    const Scratch folder;
    auto store = open(folder / "s");
    {
        auto writer = store->write("t", hash, 10);
        REQUIRE(writer->write("01234").has_value());
        CHECK_FALSE(writer->write("567890").has_value()); // one byte past the announced size
    }
    CHECK(files_in(folder / "s") == 0);
    {
        auto writer = store->write("t", hash, 10);
        REQUIRE(writer->write("01234").has_value());
        CHECK_FALSE(writer->finish().has_value()); // too few
    }
    {
        auto writer = store->write("t", hash, 10);
        REQUIRE(writer->write("012345678x").has_value());
        CHECK(writer->finish().error().code == Code::bad_input);
    }
    CHECK_FALSE(store->has("t", hash));
    CHECK(files_in(folder / "s") == 0);
    auto one = store->write("t", hash, 10);
    auto two = store->write("t", hash, 10); // two workers with the same pixels
    REQUIRE(one->write(bytes).has_value());
    REQUIRE(two->write(bytes).has_value());
    CHECK(one->finish().has_value());
    CHECK(two->finish().has_value());
    CHECK(*store->read("t", hash, 0, 100) == bytes);
}

TEST_CASE("what a crash left half-done is removed at the next start, but for parts that can go on") {
    const Scratch folder;
    {
        auto store = open(folder / "s");
        REQUIRE(store->append("t", hash, 10, 0, "01").has_value());
        REQUIRE(store->put("t", sha256_of("x"), "x").has_value());
        std::ofstream(folder.path / "s" / "t" / "new" / "left.behind") << "half";
    }
    auto store = open(folder / "s");
    CHECK(files_in(folder / "s") == 2);
    CHECK(store->received("t", hash, 10) == 2);
    CHECK(store->has("t", sha256_of("x")));
}
