#include "farm/coordinator/tls.hpp"

#include "farm/protocol/files.hpp"
#include "farm/protocol/sha256.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

namespace raymill::farm {
namespace {

std::string tls_error() {
    char text[256];
    const auto code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) return "unknown reason";
    ERR_error_string_n(code, text, sizeof text);
    return text;
}

template<auto Free> struct Freer {
    template<class T> void operator()(T* thing) const { Free(thing); }
};
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Pkey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;

template<class Write> std::string pem(Write&& write) {
    const Bio out(BIO_new(BIO_s_mem()));
    if (!out || write(out.get()) != 1) return {};
    char* bytes = nullptr;
    const auto size = BIO_get_mem_data(out.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

} // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::load(const std::filesystem::path& certificate, const std::filesystem::path& key) {
    // Asked first for its own error: a key that others can read is no secret.
    if (auto secret = read_private_file(key); !secret) return std::unexpected(secret.error());
    std::unique_ptr<TlsContext> tls(new TlsContext);
    auto* context = SSL_CTX_new(TLS_server_method());
    tls->context_ = context;
    if (context == nullptr) return fail(Code::failed, "TLS", tls_error());
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
        return fail(Code::usage, certificate.string(), "it is not a certificate in PEM: " + tls_error());
    if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(context) != 1)
        return fail(Code::usage, key.string(), "it is not the certificate's key in PEM: " + tls_error());
    unsigned char* der = nullptr;
    const int size = i2d_X509(SSL_CTX_get0_certificate(context), &der);
    if (size <= 0) return fail(Code::failed, certificate.string(), tls_error());
    tls->fingerprint_ = sha256_of({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
    OPENSSL_free(der);
    return tls;
}

TlsContext::~TlsContext() { SSL_CTX_free(static_cast<SSL_CTX*>(context_)); }

Status make_certificate(const std::filesystem::path& certificate, const std::filesystem::path& key) {
    std::error_code error;
    if (std::filesystem::exists(certificate, error) && std::filesystem::exists(key, error)) return {};
    const auto bad = [&] { return fail(Code::failed, certificate.string(), "no certificate could be made: " + tls_error()); };
    const Pkey pair(EVP_EC_gen("P-256"));
    const Certificate made(X509_new());
    if (!pair || !made) return bad();
    std::uint64_t serial = 0;
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return bad();
    auto* name = X509_get_subject_name(made.get());
    const auto* words = reinterpret_cast<const unsigned char*>("raymill");
    if (X509_set_version(made.get(), X509_VERSION_3) != 1 ||
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), (serial >> 1) | 1) != 1 ||
        X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600) == nullptr ||
        X509_gmtime_adj(X509_getm_notAfter(made.get()), 3650L * 24 * 3600) == nullptr || X509_set_pubkey(made.get(), pair.get()) != 1 ||
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, words, -1, -1, 0) != 1 || X509_set_issuer_name(made.get(), name) != 1 ||
        X509_sign(made.get(), pair.get(), EVP_sha256()) == 0)
        return bad();
    const auto secret =
        pem([&](BIO* out) { return PEM_write_bio_PKCS8PrivateKey(out, pair.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    const auto open = pem([&](BIO* out) { return PEM_write_bio_X509(out, made.get()); });
    if (secret.empty() || open.empty()) return bad();
    // The key first: a crash between the two makes both anew.
    if (auto ok = write_private_file(key, secret); !ok) return ok;
    if (auto ok = write_private_file(certificate, open); !ok) return ok;
    ::chmod(certificate.c_str(), 0644);
    return {};
}

} // namespace raymill::farm
