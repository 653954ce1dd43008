#pragma once
/// TLS for the HTTP door: a certificate that the operator gives, or one that the server makes for itself and clients pin by its fingerprint
/// ("https://HOST:PORT#sha256:HEX"). OpenSSL is seen in tls.cpp and gate_connection.cpp only. Any thread.
#include "renderer/base/error.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace raymill::farm {

class TlsContext {
  public:
    /// PEM files; the key's is its owner's alone. TLS 1.2 at least.
    static Result<std::unique_ptr<TlsContext>> load(const std::filesystem::path& certificate, const std::filesystem::path& key);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    [[nodiscard]] void* raw() const { return context_; }                          ///< SSL_CTX*
    [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; } ///< SHA-256 of the certificate (DER), hexadecimal

  private:
    TlsContext() = default;
    void* context_ = nullptr;
    std::string fingerprint_;
};

/// Makes `certificate` and `key` where they lack: ECDSA on P-256, for ten years, signed by itself.
Status make_certificate(const std::filesystem::path& certificate, const std::filesystem::path& key);

} // namespace raymill::farm
