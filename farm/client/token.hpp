#pragma once
/// Where the bearer token comes from.
#include "farm/client/http.hpp"

#include <filesystem>

namespace raymill::farm::client {

struct TokenSources {
    std::string token;          ///< --token, as typed
    std::filesystem::path file; ///< --token-file; empty: none named
};

/// The first of: sources.token; $RAYMILL_TOKEN; the file named by sources.file or $RAYMILL_TOKEN_FILE; where `server` is this machine, the
/// token that a server of the same user leaves for that address (then looked for again while there is none); the user's own file,
/// $XDG_CONFIG_HOME/raymill/token or ~/.config/raymill/token. None of them: no token, and the server says what it thinks of that. A file
/// that others can read is an error, and so is a token that no header can carry.
Result<Credentials> find_token(const ServerAddress& server, const TokenSources& sources);

} // namespace raymill::farm::client
