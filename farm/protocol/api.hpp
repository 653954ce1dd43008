#pragma once
// The table's rows are one line each.
// clang-format off
/// farm/protocol: what processes say to each other: the HTTP API (this file), worker messages (messages.proto), framing, limits, keys, manifests.
/// Depends on renderer/base only. This file is the reference of the HTTP API; the coordinator serves it, farm/client, tools/python and the page speak it.
///
/// JSON bodies, UTF-8; times are integer microseconds since 1970 (`*_us`); hashes are SHA-256 in lower-case hexadecimal; numbers of frames are signed.
/// Job ids are words of lower-case hexadecimal. Every request carries `Authorization: Bearer TOKEN`, but for /healthz, /readyz, /metrics and the page's static files.
/// A failure is `{"error": {"code": C, "message": M}}` with status 400 (usage, bad_input), 401/403 (no good token / not for this scope), 404, 409 (conflict),
/// 411 (chunked), 413/414/431 (too large), 415 (compressed, a form), 416, 429 (too many), 503 (not ready). C is a name of raymill::Code ("usage", "bad_input", "refused", "no_device", ...).
///
/// | request | answer |
/// | --- | --- |
/// | GET /healthz | {"status": "ok", "version"} |
/// | POST /v1/scenes/missing {"manifest"} | {"scene", "missing": [{"sha256", "size", "have": bytes already received}]} |
/// | PUT /v1/blobs/SHA?offset=O&size=S, body: the bytes from O on (at most 8 MiB) | {"have"}; the last piece checks the hash (400 on a mismatch, the blob is dropped); 409 with {"have"} where O is not what is there |
/// | POST /v1/scenes {"manifest"} | {"scene"}; 409 with {"missing"} while blobs lack |
/// | POST /v1/jobs {"scene", "settings": {name: word}, "name"?, "key"?} | {"job", "created": bool}; the same key twice is one job |
/// | GET /v1/jobs?limit=N | {"jobs": [JOB]}, newest first; N is 100 where absent, at most 1000 |
/// | GET /v1/jobs/J | JOB |
/// | POST /v1/jobs/J/cancel | JOB |
/// | GET /v1/jobs/J/frames?from=I&limit=N | {"frames": [FRAME], "next": I or null}: frames in ascending order from the I-th (0) on, at most N (1000, at most 10000); "next" is the I of the next page |
/// | GET /v1/jobs/J/frames/F | FRAME |
/// | GET /v1/jobs/J/frames/F/image | the finished file; Content-Type image/png or image/x-exr; honours Range; 409 until it is there |
/// | GET /v1/jobs/J/frames/F/tiles?after=SEQ | {"tiles": [TILE], "next": SEQ} accepted tiles with a seq above SEQ, at most 1000; "next" is the last one's seq (SEQ where none came) |
/// | GET /v1/jobs/J/frames/F/tiles/K/preview | 8-bit PNG of that tile, tone-mapped |
/// | GET /v1/jobs/J/events?after=SEQ&wait_s=W | {"events": [EVENT], "next": SEQ}; at most 1000; waits up to W (at most 30) seconds for a first one |
/// | GET /v1/workers | {"workers": [{"id", "host", "device", "state": idle|busy|lost, "tiles_done", "running", "score"}]} |
/// | GET /v1/self | {"tenant": T or null, "key": id, "rights": [read|submit|operate|enrol]}: whose token this is |
/// | GET /v1/usage?by=B&job=J&from=D&to=D&format=F | {"usage": [USAGE]}: the tenant's own, summed by B (tenant, job or day; job), of days D to D (YYYY-MM-DD, UTC, both with them); F is json or csv |
/// | GET /readyz | {"status": "ready"}; 503 while the server is stopping |
/// | GET /metrics | Prometheus' text format; from the coordinator's own machine only, without a token |
/// | GET / and /web/* | the page |
///
/// For operators (a key of scope "operator", or the user's own token on this machine); GET /v1/workers is theirs too:
/// | request | answer |
/// | --- | --- |
/// | GET /v1/tenants | {"tenants": [{"name", "keys": how many}]} |
/// | POST /v1/tenants {"name"}, DELETE /v1/tenants/NAME | {"name"}; 409 where it is there, or is not. Its keys go with a tenant |
/// | GET /v1/keys | {"keys": [{"id", "tenant" or null, "scope", "note", "created_us", "expires_us" or null}], "workers": [{"public_key", "note"}]} |
/// | POST /v1/keys {"scope": read|submit|operator|worker, "tenant"?, "note"?, "expires_s"?} | the key, and "token": told this once |
/// | DELETE /v1/keys?id=ID (or a worker's public key) | {"id"} |
/// | GET /v1/audit?after=SEQ&limit=N | {"records": [RECORD of coordinator/audit.hpp], "next": SEQ}; N is 1000 where absent, at most 10000 |
/// | POST /v1/enrol {"public_key", "name"} with a key of scope "worker", once | {"server_key"}: the server's public CURVE key |
///
/// MANIFEST {"main": "atrium.gltf", "files": [{"path", "sha256", "size"}]}: paths are relative, '/'-separated, without "." or ".." parts, sorted, unique.
///   A scene's id is the SHA-256 of its canonical manifest (see manifest.hpp). An environment file is one of `files`, and settings.env its path.
/// JOB {"job", "name", "key", "scene", "state": queued|running|done|failed|cancelled, "settings", "frames": {"total", "done", "failed"},
///   "tiles": {"total", "done", "leased"}, "created_us", "started_us"|null, "finished_us"|null, "error": {"code", "message"}|null,
///   "notes": [what is not drawn as meant], "device",
///   "stats": {"samples", "rays", "trace_s", "trace_cpu_s", "prepare_s", "peak_rss_mb"}}
///   A job without a frame list is one still: its only frame has the number 0. A failed frame does not stop the others; the job is failed at its end.
/// FRAME {"frame", "state": queued|running|assembling|done|failed|cancelled, "tiles": {"total", "done"}, "width", "height", "sha256"|null, "size"|null,
///   "error": {"code", "message"}|null}
/// TILE {"tile", "x", "y", "width", "height", "seq"}
/// USAGE {"tenant", "job"?, "day"?, "tiles", "frames", "device_s", "unscored_s", "bench_h", "bytes"}: accepted tiles only; bench_h are device-seconds
///   times their host's score, in hours; unscored_s are those of hosts without one.
/// EVENT {"seq", "time_us", "event": tile|frame|job, "frame"?, "tile"?, "state"?, "error"?: {"code", "message"}, "tiles": {"total", "done"}}
///   A job's last event has "event": "job" and state done, failed or cancelled. `seq` grows but has gaps.
// clang-format on
namespace raymill::farm {

inline constexpr unsigned default_http_port = 8080;
inline constexpr unsigned default_worker_port = 8081;       ///< control; the data socket is the next port
inline constexpr unsigned long max_piece_bytes = 8ul << 20; ///< of one PUT

} // namespace raymill::farm
