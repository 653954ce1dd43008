#pragma once
/// Bounds of everything that comes from outside. A test sits at each and one past it. Bytes unless said otherwise.
#include <cstddef>
#include <cstdint>

namespace raymill::farm::limits {

// A message between workers and the coordinator is one frame; ZMQ_MAXMSGSIZE is the part size and room for its header.
inline constexpr std::size_t part_bytes = 512u << 10;                 ///< of a blob or a result, in one message
inline constexpr std::size_t message_bytes = part_bytes + (4u << 10); ///< a larger one closes the connection
inline constexpr std::uint32_t upload_credit = 8;                     ///< parts of one result that may be under way
inline constexpr std::uint32_t uploads_a_worker = 2;                  ///< results one worker may be sending in parts at a time
inline constexpr std::uint32_t whole_offers_a_worker = 32;            ///< results that came with their offer and wait for their verdict
inline constexpr std::size_t results_ahead = 64;                      ///< kept by a worker; past it it asks for no more work
inline constexpr std::size_t whole_offers_bytes = 256u << 20;         ///< likewise, of all workers; past it they are told to come again
inline constexpr std::uint32_t fetches_a_worker = 8;                  ///< part requests one worker may have unanswered
inline constexpr std::size_t outbox_bytes = 16u << 20;                ///< unsent to one peer; past it the peer is dropped
inline constexpr std::size_t outbox_messages = 4096;                  ///< likewise
inline constexpr std::size_t peers = 20000;                           ///< connections remembered
inline constexpr std::size_t workers = 10000;                         ///< connected at a time
inline constexpr std::uint32_t slots_a_worker = 16;                   ///< tasks that one worker may hold unrendered
inline constexpr std::size_t leases_a_hello = 256;                    ///< leases that one worker may present
inline constexpr double best_score = 1e6;                             ///< of a worker's device, in benchmark units
inline constexpr std::size_t word = 256;                              ///< a host's, device's or worker's name
inline constexpr std::size_t reason = 2000;                           ///< the words of a failure

// Scenes and jobs.
inline constexpr std::size_t manifest_files = 65536;
inline constexpr std::size_t path = 1024;                 ///< of one file in a manifest
inline constexpr std::uint64_t blob = 64ull << 30;        ///< one file of a scene
inline constexpr std::uint64_t scene = 256ull << 30;      ///< all files of a scene
inline constexpr std::uint64_t chunk = 512ull << 20;      ///< one tile's pixels, or its preview
inline constexpr std::uint64_t frame_file = 256ull << 30; ///< one assembled frame
inline constexpr std::size_t json_body = 32u << 20;       ///< of one HTTP request
inline constexpr std::size_t job_name = 200;
inline constexpr std::size_t job_key = 200;
inline constexpr std::size_t settings_words = 64;
inline constexpr std::size_t unfinished_jobs_a_tenant = 10000;
inline constexpr std::uint32_t tiles_a_frame = 65536;
inline constexpr std::uint32_t tiles_a_job = 1u << 20;
inline constexpr std::uint64_t tiles_unfinished = 1u << 22; ///< of all jobs together
inline constexpr std::size_t tenants = 10000;
inline constexpr std::size_t access_keys = 20000; ///< bearer tokens, of all tenants and operators
inline constexpr std::size_t notes = 64;          ///< kept of a job, each at most `reason` bytes

// HTTP.
inline constexpr std::size_t http_threads = 96;
inline constexpr int long_polls = 64;          ///< waiting at a time; one more is answered 429
inline constexpr int long_polls_a_tenant = 16; ///< likewise, of one tenant
inline constexpr int longest_poll_s = 30;
inline constexpr std::size_t http_connections = 4096; ///< open at a time; past it the address with the most loses its oldest idle one
inline constexpr std::size_t http_connections_an_address = 512; ///< one more is closed at once
inline constexpr std::size_t http_head = 16u << 10;             ///< request line and headers together; 431
inline constexpr std::size_t http_target = 2048;                ///< path and query; 414
inline constexpr int http_head_s = 10;                          ///< from the first byte (or the connection) to the end of the headers
inline constexpr int http_idle_s = 5;                           ///< between two requests of a connection
inline constexpr int http_grace_s = 30;                         ///< a body, or an answer, may take so long, and its size at the pace below
inline constexpr std::size_t http_bytes_a_second = 16u << 10;   ///< slowest pace of who sends or takes much
inline constexpr int requests_a_tenant = 48;                    ///< being served at a time; one more is answered 429
inline constexpr std::uint64_t bodies_a_tenant = 96u << 20;     ///< bytes of bodies being received or handled; 429
inline constexpr std::uint64_t bodies = 384u << 20;             ///< likewise, of all tenants
inline constexpr unsigned json_depth = 16;                      ///< of a request's body

} // namespace raymill::farm::limits
