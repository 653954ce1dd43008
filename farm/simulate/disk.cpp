#include "farm/simulate/disk.hpp"

#include "farm/protocol/sha256.hpp"

namespace raymill::farm::simulate {

bool SimStore::put(const std::string& tenant, const std::string& sha256, std::string bytes) {
    if (sha256_of(bytes) != sha256) return false;
    blobs_[tenant + "/" + sha256] = std::move(bytes);
    return true;
}

const std::string* SimStore::find(const std::string& tenant, const std::string& sha256) const {
    const auto found = blobs_.find(tenant + "/" + sha256);
    return found == blobs_.end() ? nullptr : &found->second;
}

} // namespace raymill::farm::simulate
