#pragma once
/// farm/web: the page that `serve` shows at /: the jobs, and a frame growing tile by tile. Plain files without a build step, compiled into
/// the binary so that one file is the whole server. Depends on nothing; called by farm/coordinator, which serves each file at its path
/// without a token (the page itself asks for one and speaks the HTTP API of farm/protocol/api.hpp).
#include <span>
#include <string_view>

namespace raymill::farm::web {

struct File {
    std::string_view path;         ///< what the browser asks for: "/", "/web/page.js", ...
    std::string_view content_type; ///< for the header of that name
    std::string_view bytes;        ///< lives as long as the program
};

/// All files of the page. Safe from any thread.
std::span<const File> files() noexcept;

/// To be sent as Content-Security-Policy with each of them, beside "X-Content-Type-Options: nosniff" and "Referrer-Policy: no-referrer":
/// strings in the page come from strangers (names of jobs and hosts), so that nothing but the page's own files may run, and pictures come
/// from memory only.
inline constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src "
    "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

} // namespace raymill::farm::web
