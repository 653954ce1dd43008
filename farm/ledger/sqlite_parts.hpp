#pragma once
/// SQLite's connections and statements as values. Seen by this room's sqlite files only; each object belongs to one thread at a time.
#include "renderer/base/error.hpp"

#include <filesystem>
#include <memory>
#include <sqlite3.h>
#include <string>
#include <type_traits>

namespace raymill::farm {

struct CloseConnection {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
};
struct FinishStatement {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;

inline std::unexpected<Error> sql_error(sqlite3* db, const char* where) {
    return fail(Code::io, std::string("ledger: ") + where, sqlite3_errmsg(db));
}

/// A prepared statement; bind in order, then step. Reset on destruction of its Run.
class Statement {
  public:
    Statement() = default;
    Status prepare(sqlite3* db, const char* sql) {
        db_ = db;
        sqlite3_stmt* raw = nullptr;
        if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr) != SQLITE_OK) return sql_error(db, sql);
        statement_.reset(raw);
        return {};
    }
    template<class... Values> Statement& bind(const Values&... values) {
        sqlite3_reset(statement_.get());
        int at = 0;
        (bind_one(++at, values), ...);
        return *this;
    }
    /// True while there is a row.
    Result<bool> step() {
        const int code = sqlite3_step(statement_.get());
        if (code == SQLITE_ROW) return true;
        const auto error = code == SQLITE_DONE ? std::string() : std::string(sqlite3_errmsg(db_));
        sqlite3_reset(statement_.get());
        if (code == SQLITE_DONE) return false;
        return fail(Code::io, "ledger", error);
    }
    Status run() {
        const auto row = step();
        if (!row) return std::unexpected(row.error());
        return {};
    }
    [[nodiscard]] std::string text(int column) const {
        const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
        return {bytes != nullptr ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
    }
    [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
    [[nodiscard]] std::uint32_t small(int column) const { return static_cast<std::uint32_t>(integer(column)); }
    [[nodiscard]] std::uint64_t big(int column) const { return static_cast<std::uint64_t>(integer(column)); }
    [[nodiscard]] double real(int column) const { return sqlite3_column_double(statement_.get(), column); }

    [[nodiscard]] int changes() const { return sqlite3_changes(db_); } ///< rows that the latest run of the connection wrote

  private:
    // The texts outlive the step: they are the callers' arguments.
    void bind_one(int at, const std::string& value) {
        sqlite3_bind_text(statement_.get(), at, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
    }
    void bind_one(int at, double value) { sqlite3_bind_double(statement_.get(), at, value); }
    template<class T>
    requires std::is_integral_v<T> || std::is_enum_v<T>
    void bind_one(int at, T value) { sqlite3_bind_int64(statement_.get(), at, static_cast<sqlite3_int64>(value)); }

    sqlite3* db_ = nullptr;
    std::unique_ptr<sqlite3_stmt, FinishStatement> statement_;
};

/// Brings a ledger's file to the schema that this raymill speaks: a new one, and one of an older schema, in one transaction.
/// Code::unsupported for one of a newer.
Status set_up_schema(sqlite3* db, const std::filesystem::path& file);

} // namespace raymill::farm
