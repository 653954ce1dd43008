// Small blobs in packs: nothing that was acknowledged is lost, nothing that was not is believed.
#include "farm/protocol/sha256.hpp"
#include "farm/store/packs.hpp"
#include "farm/store/store.hpp"
#include "tests/farm/scratch.hpp"

#include <doctest/doctest.h>
#include <fstream>
#include <set>
#include <thread>

using namespace raymill;
using namespace raymill::farm;

namespace {

std::unique_ptr<Packs> open(const std::filesystem::path& folder, std::uint64_t full = Packs::full) {
    auto packs = Packs::open(folder, full);
    REQUIRE_MESSAGE(packs.has_value(), packs.error().message());
    return std::move(*packs);
}

void append(Packs& packs, const std::vector<std::string>& blobs) {
    std::vector<Packs::Blob> list;
    for (const auto& blob : blobs) list.push_back({sha256_of(blob), blob});
    const auto ok = packs.append(list);
    REQUIRE_MESSAGE(ok.has_value(), ok.error().message());
}

bool has(const Packs& packs, const std::string& blob) {
    const auto bytes = packs.read(sha256_of(blob), 0, 1u << 20);
    return bytes && *bytes && **bytes == blob && packs.size(sha256_of(blob)) == blob.size();
}

std::string blob(int i, std::size_t size = 1000) {
    auto text = "blob " + std::to_string(i) + " ";
    text.resize(size, static_cast<char>('a' + i % 26));
    return text;
}

std::vector<std::filesystem::path> files(const std::filesystem::path& folder, const char* extension) {
    std::set<std::filesystem::path> list;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().extension() == extension) list.insert(entry.path());
    return {list.begin(), list.end()};
}

} // namespace

TEST_CASE("blobs in packs come back after a restart, from any offset, each once however often it came") {
    const Scratch folder;
    {
        auto packs = open(folder / "p", 5000);
        for (int i = 0; i < 20; ++i) append(*packs, {blob(i), blob(i), blob(0), ""});
        CHECK(files(folder / "p", ".pack").size() == 4);
        CHECK(packs->bytes() == 20 * (1000 + 40) + 40);
    }
    auto packs = open(folder / "p", 5000);
    for (int i = 0; i < 20; ++i) CHECK(has(*packs, blob(i)));
    CHECK(has(*packs, ""));
    CHECK(**packs->read(sha256_of(blob(7)), 990, 100) == blob(7).substr(990));
    CHECK((**packs->read(sha256_of(blob(7)), 1000, 5)).empty());
    CHECK((**packs->read(sha256_of(blob(7)), ~0ull, 5)).empty());
    CHECK_FALSE(packs->read(sha256_of("never"), 0, 1).has_value());
    append(*packs, {blob(20)});
    CHECK(has(*packs, blob(20)));
}

TEST_CASE("a pack that ends anywhere, as after a power cut, keeps what was whole and forgets the rest") {
    // Three records; the file is cut at each of its lengths, and also ended with rubbish of the right length. A wrong blob must never show.
    const Scratch folder;
    {
        auto packs = open(folder / "p");
        append(*packs, {blob(1, 50), blob(2, 60), blob(3, 70)});
    }
    std::ifstream in(folder / "p/1.pack");
    const std::string whole{std::istreambuf_iterator<char>(in), {}};
    REQUIRE(whole.size() == 3 * 40 + 180);
    const std::size_t ends[] = {90, 190, 300};
    for (std::size_t cut = 0; cut <= whole.size(); ++cut)
        for (const bool rubbish : {false, true}) {
            std::filesystem::remove_all(folder / "q");
            std::filesystem::create_directory(folder / "q");
            std::filesystem::permissions(folder / "q", std::filesystem::perms::owner_all);
            auto bytes = whole.substr(0, cut);
            if (rubbish) bytes.resize(whole.size() + 7, '\x5a');
            std::ofstream(folder / "q/1.pack") << bytes;
            auto packs = open(folder / "q");
            for (int i = 0; i < 3; ++i) CHECK(has(*packs, blob(i + 1, 50 + 10 * static_cast<std::size_t>(i))) == (cut >= ends[i]));
            append(*packs, {blob(4)});
            CHECK(has(*packs, blob(4)));
        }
}

TEST_CASE("a write that fails shows nothing, and the next one is good") {
    const Scratch folder;
    auto packs = open(folder / "p");
    append(*packs, {blob(1)});
    // The folder's bytes are taken away from under it: the open file can be written still, but the next pack cannot be made.
    auto full = open(folder / "f", 1);
    append(*full, {blob(1)});
    std::filesystem::permissions(folder / "f", std::filesystem::perms::owner_read);
    std::filesystem::rename(folder / "f", folder / "g");
    const auto bytes = blob(2);
    const Packs::Blob one{sha256_of(bytes), bytes};
    CHECK_FALSE(full->append(std::span(&one, 1)).has_value());
    CHECK_FALSE(full->size(one.sha256).has_value());
    std::filesystem::permissions(folder / "g", std::filesystem::perms::owner_all);
    std::filesystem::rename(folder / "g", folder / "f");
    append(*full, {blob(2)});
    CHECK(has(*full, blob(1)));
    CHECK(has(*full, blob(2)));
}

TEST_CASE("a sweep frees packs without wanted blobs, moves the wanted ones out of mostly empty packs, and loses none") {
    const Scratch folder;
    std::set<std::string> wanted;
    {
        auto packs = open(folder / "p", 10000);
        for (int i = 0; i < 100; ++i) append(*packs, {blob(i)});
        for (int i = 0; i < 100; ++i)
            if (i < 20 || i % 10 == 5) wanted.insert(sha256_of(blob(i))); // the first packs wholly, the others a tenth
        const auto before = packs->bytes();
        // Beside it somebody reads all the time.
        std::atomic<bool> over = false, missed = false;
        std::thread reader([&] {
            while (!over)
                for (int i = 25; i < 100; i += 10)
                    if (!has(*packs, blob(i))) missed = true;
        });
        const auto freed = packs->sweep([&](const std::string& sha256) { return wanted.contains(sha256); });
        over = true;
        reader.join();
        REQUIRE_MESSAGE(freed.has_value(), freed.error().message());
        CHECK_FALSE(missed);
        CHECK(*freed > before / 2);
        CHECK(packs->bytes() == before - *freed);
        // What was the newest pack then is full by now; after that there is nothing left to do.
        CHECK(packs->sweep([&](const std::string& sha256) { return wanted.contains(sha256); }).has_value());
        CHECK(*packs->sweep([&](const std::string& sha256) { return wanted.contains(sha256); }) == 0);
    }
    auto packs = open(folder / "p", 10000);
    for (int i = 0; i < 100; ++i)
        if (wanted.contains(sha256_of(blob(i)))) CHECK(has(*packs, blob(i)));
    CHECK_FALSE(has(*packs, blob(50)));
}

TEST_CASE("the store takes small blobs by their hash only, up to the bound, and keeps tenants apart") {
    const Scratch folder;
    {
        auto store = std::move(*Store::open(folder / "s"));
        const std::string largest(Store::largest_small, 'x'), larger(Store::largest_small + 1, 'x');
        const Store::Small blobs[] = {{"a", sha256_of("one"), "one"},
                                      {"b", sha256_of("two"), "two"},
                                      {"a", sha256_of("two"), "not two"},
                                      {"a", sha256_of(largest), largest},
                                      {"a", sha256_of(larger), larger}};
        const auto outcomes = store->put_small(blobs);
        CHECK(outcomes[0].has_value());
        CHECK(outcomes[1].has_value());
        CHECK(outcomes[2].error().code == Code::bad_input);
        CHECK(outcomes[3].has_value());
        CHECK(outcomes[4].error().code == Code::bad_input);
    }
    auto store = std::move(*Store::open(folder / "s"));
    CHECK(*store->read("a", sha256_of("one"), 0, 10) == "one");
    CHECK(store->size("b", sha256_of("two")) == 3u);
    CHECK_FALSE(store->has("a", sha256_of("two")));
    CHECK_FALSE(store->has("b", sha256_of("one")));
}
