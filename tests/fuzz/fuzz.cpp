// Mutates good inputs and feeds them to the decoders. fuzz [--seed S] [--runs N | --seconds T] [--replay FILE] [TARGET...]: all targets
// where none is named. The same seed gives the same inputs. What crashes is written to fuzz-TARGET-SEED.bin in the current folder, for
// --replay.
#include "tests/fuzz/targets.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <fstream>
#include <random>
#include <unistd.h>

using namespace raymill::fuzz;

namespace {

// What the signal handler may look at.
const std::string* current_input = nullptr;
char crash_file[256];

void on_crash(int signal) {
    if (const int fd = ::open(crash_file, O_WRONLY | O_CREAT | O_TRUNC, 0600); fd >= 0 && current_input != nullptr) {
        [[maybe_unused]] const auto wrote = ::write(fd, current_input->data(), current_input->size());
        ::close(fd);
        [[maybe_unused]] const auto said = ::write(2, crash_file, std::strlen(crash_file));
    }
    ::signal(signal, SIG_DFL);
    ::raise(signal);
}

class Mutator {
  public:
    Mutator(std::uint64_t seed, std::vector<std::string> seeds) : random_(seed), seeds_(std::move(seeds)) {}
    std::string next() {
        auto bytes = seeds_[random_() % seeds_.size()];
        const auto changes = 1 + random_() % (random_() % 4 == 0 ? 32 : 4);
        for (std::uint64_t i = 0; i < changes; ++i) change(bytes);
        return bytes;
    }

  private:
    std::size_t place(const std::string& bytes) { return bytes.empty() ? 0 : random_() % bytes.size(); }
    void change(std::string& bytes) {
        static constexpr std::array<std::string_view, 22> words{
            "0",         "-1",         "1e999", "99999999999", "4294967295", "18446744073709551616",
            "null",      "true",       "[]",    "{}",          "\"\"",       "..",
            "/",         "\\u0000",    "NaN",   "\r\n",        "#",          "\xff\xff",
            "0.0000001", "2147483648", "%00",   "-0"};
        static constexpr std::array<std::uint32_t, 8> numbers{0, 1, 0x7f, 0xff, 0x7fffffff, 0x80000000, 0xffffffff, 0x10000};
        const auto at = place(bytes);
        switch (random_() % 9) {
        case 0: // a bit
            if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random_() % 8)));
            break;
        case 1: // a byte
            if (!bytes.empty()) bytes[at] = static_cast<char>(random_());
            break;
        case 2: // a number of four bytes
            if (bytes.size() >= at + 4) {
                const auto value = random_() % 2 == 0 ? numbers[random_() % numbers.size()] : static_cast<std::uint32_t>(random_() % 300);
                std::memcpy(bytes.data() + at, &value, 4);
            }
            break;
        case 3:
            bytes.erase(at, 1 + random_() % 16);
            break;
        case 4:
            if (!bytes.empty()) bytes.insert(at, bytes.substr(place(bytes), 1 + random_() % 64));
            break;
        case 5:
            bytes.insert(at, words[random_() % words.size()]);
            break;
        case 6: { // a number or word in a text becomes another
            auto begin = bytes.find_first_of("0123456789", at);
            if (begin == std::string::npos) break;
            const auto end = bytes.find_first_not_of("0123456789.eE+-", begin);
            bytes.replace(begin, std::min(end, begin + 24) - begin, words[random_() % words.size()]);
            break;
        }
        case 7: { // a piece of another
            const auto& other = seeds_[random_() % seeds_.size()];
            if (!other.empty())
                bytes.replace(at, std::min<std::size_t>(bytes.size() - at, random_() % 64),
                              other.substr(random_() % other.size(), random_() % 64));
            break;
        }
        default: // cut short
            if (random_() % 4 == 0) bytes.resize(at);
        }
    }
    std::mt19937_64 random_;
    std::vector<std::string> seeds_;
};

void feed(const Target& target, const std::string& input) {
    current_input = &input;
    try {
        target.run({reinterpret_cast<const std::uint8_t*>(input.data()), input.size()});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: an exception came out: %s\n", std::string(target.name).c_str(), error.what());
        std::abort();
    }
}

} // namespace

int main(int argc, char** argv) {
    std::uint64_t seed = std::random_device{}(), runs = 0;
    double seconds = 0;
    std::string replay;
    std::vector<std::string> names;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const auto value = [&] { return ++i < argc ? argv[i] : ""; };
        if (word == "--seed")
            seed = std::strtoull(value(), nullptr, 10);
        else if (word == "--runs")
            runs = std::strtoull(value(), nullptr, 10);
        else if (word == "--seconds")
            seconds = std::strtod(value(), nullptr);
        else if (word == "--replay")
            replay = value();
        else
            names.push_back(word);
    }
    std::vector<Target> all(scene_targets().begin(), scene_targets().end());
    all.insert(all.end(), farm_targets().begin(), farm_targets().end());
    for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL}) ::signal(signal, on_crash);
    std::size_t met = 0;
    for (const auto& target : all) {
        if (!names.empty() && std::ranges::find(names, target.name) == names.end()) continue;
        ++met;
        const std::string name(target.name);
        std::snprintf(crash_file, sizeof crash_file, "fuzz-%s-%llu.bin", name.c_str(), static_cast<unsigned long long>(seed));
        if (!replay.empty()) {
            std::ifstream in(replay, std::ios::binary);
            feed(target, {std::istreambuf_iterator<char>(in), {}});
            continue;
        }
        auto seeds = target.seeds();
        std::erase_if(seeds, [](const std::string& one) { return one.empty(); });
        if (seeds.empty()) {
            std::printf("fuzz %s: there is no good input to begin from (SCENES names the folder)\n", name.c_str());
            return 1;
        }
        for (const auto& good : seeds) feed(target, good);
        std::printf("fuzz %s: seed %llu\n", name.c_str(), static_cast<unsigned long long>(seed));
        std::fflush(stdout);
        Mutator mutator(seed, seeds);
        const auto begin = std::chrono::steady_clock::now();
        std::uint64_t done = 0;
        const auto passed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
        while (seconds > 0 ? passed() < seconds : done < (runs != 0 ? runs : target.usual_runs)) {
            feed(target, mutator.next());
            ++done;
        }
        std::printf("fuzz %s: %llu inputs in %.1f s\n", name.c_str(), static_cast<unsigned long long>(done), passed());
    }
    if (met == 0 || (!names.empty() && met != names.size())) {
        std::fprintf(stderr, "there is no such target; there are:");
        for (const auto& target : all) std::fprintf(stderr, " %s", std::string(target.name).c_str());
        std::fprintf(stderr, "\n");
        return 2;
    }
    return 0;
}
