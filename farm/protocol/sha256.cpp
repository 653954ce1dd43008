#include "farm/protocol/sha256.hpp"

#include "renderer/base/check.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <vector>

namespace raymill::farm {
namespace {

std::string to_hex(std::span<const unsigned char> bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const auto byte : bytes) {
        text.push_back(digits[byte >> 4]);
        text.push_back(digits[byte & 15]);
    }
    return text;
}

} // namespace

struct Sha256::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    State() { start(); }
    ~State() { EVP_MD_CTX_free(context); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    void start() const {
        CHECK_TRUE(context != nullptr);
        CHECK_SAME(EVP_DigestInit_ex(context, EVP_sha256(), nullptr), 1);
    }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) { CHECK_SAME(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()), 1); }

void Sha256::update(std::string_view text) { update(std::as_bytes(std::span(text.data(), text.size()))); }

std::string Sha256::finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    CHECK_SAME(EVP_DigestFinal_ex(state_->context, digest.data(), &size), 1);
    CHECK_SAME(size, 32u);
    state_->start();
    return to_hex(std::span(digest).first(size));
}

std::string sha256_of(std::string_view bytes) {
    Sha256 hash;
    hash.update(bytes);
    return hash.finish();
}

Result<std::string> sha256_of_file(const std::filesystem::path& file) {
    std::FILE* in = std::fopen(file.c_str(), "rb");
    if (in == nullptr) return fail(Code::io, file.string(), "cannot be opened for reading");
    Sha256 hash;
    std::vector<std::byte> buffer(1u << 20);
    while (const auto got = std::fread(buffer.data(), 1, buffer.size(), in)) hash.update(std::span(buffer).first(got));
    const bool bad = std::ferror(in) != 0;
    std::fclose(in);
    if (bad) return fail(Code::io, file.string(), "reading failed");
    return hash.finish();
}

bool is_sha256(std::string_view text) {
    return text.size() == 64 && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string random_hex(std::size_t bytes) {
    std::vector<unsigned char> random(bytes);
    CHECK_SAME(RAND_bytes(random.data(), static_cast<int>(bytes)), 1);
    return to_hex(random);
}

} // namespace raymill::farm
