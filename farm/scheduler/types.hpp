#pragma once
/// farm/scheduler: the core that decides who works on what: a pure state machine. It includes nothing of ours, knows no clock, socket,
/// disk, thread or random device, and iterates over ordered containers only, so that the same events give the same effects everywhere.
/// Called by the coordinator's shell, by tests and by the simulator. This file: what goes in (events) and what comes out (records to make
/// durable, sends to release after that).
#include <compare>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace raymill::farm::scheduler {

using Time = std::int64_t;   ///< microseconds; the shell's, never running backwards
using JobId = std::uint64_t; ///< grows with age: the smaller was submitted first
using WorkerId = std::string;

inline constexpr Time second = 1'000'000;
inline constexpr std::uint32_t finish_tile = 0xffffffff; ///< TaskId::tile of a frame's finish (assemble and encode)

struct TaskId {
    JobId job = 0;
    std::uint32_t frame = 0; ///< index among the job's frames
    std::uint32_t tile = 0;  ///< row by row, or finish_tile
    friend auto operator<=>(const TaskId&, const TaskId&) = default;
};

/// One attempt at a task. The n-th lease of a task has fence n, so the fence is also the number of the attempt.
struct LeaseRef {
    TaskId task;
    std::uint32_t fence = 0;
    friend auto operator<=>(const LeaseRef&, const LeaseRef&) = default;
};

/// A lease that a worker says it holds; `rendered`: its result waits on the worker's disk.
struct Held {
    LeaseRef lease;
    bool rendered = false;
};

struct Fault {
    std::string code;    ///< name of a raymill::Code
    std::string message; ///< for a person
    friend bool operator==(const Fault&, const Fault&) = default;
};

/// What a worker made, as it is kept: a tile's chunk and preview, or a frame's file (then `preview` is empty).
struct Output {
    std::string sha256, preview;
    std::uint64_t size = 0, preview_size = 0;
    std::uint64_t samples = 0, rays = 0;
    double trace_s = 0, trace_cpu_s = 0, prepare_s = 0, peak_rss_mb = 0;
    double score = 0; ///< of the host that made it, by `raymill bench`; 0: not measured. Device-seconds times score are what is billed
    friend bool operator==(const Output&, const Output&) = default;
};

/// What the core knows of a job.
struct JobSpec {
    JobId id = 0;
    std::string tenant;
    std::uint32_t frames = 1; ///< count
    std::uint32_t tiles = 1;  ///< of one frame
};

enum class FrameState : std::uint8_t { queued, running, assembling, done, failed };
enum class JobState : std::uint8_t { queued, running, done, failed, cancelled };

enum class FailureKind : std::uint8_t {
    genuine, ///< rendering was tried and failed: counts against the tile
    input,   ///< the scene or the settings are bad: the second report ends the job
    lost,    ///< the render process was killed, hung, ran out of memory or lost its device: counts separately, with a generous bound
};

// --- events: each is legal in each state ---
struct WorkerHello {
    WorkerId worker;
    std::string boot;        ///< new at each start of the worker
    std::uint32_t slots = 2; ///< leases it wants to hold that are not rendered yet
    std::vector<Held> held;  ///< all that it still works on or keeps; its other leases are over
};
struct WorkerHeartbeat {
    WorkerId worker;
    std::vector<Held> held; ///< exactly these are renewed
};
struct WorkerGoodbye {
    WorkerId worker;
};
struct TaskRendered {
    WorkerId worker;
    LeaseRef lease;
};
struct ResultOffered {
    WorkerId worker;
    LeaseRef lease;
};
struct ResultStored { ///< the output is durable in the store, its hash was checked
    WorkerId worker;
    LeaseRef lease;
    Output output;
};
struct ResultDamaged { ///< what arrived is not what was offered: it may be sent once more; then the lease is over, and its worker does not
                       ///< get the task again
    WorkerId worker;
    LeaseRef lease;
};
struct TaskFailed {
    WorkerId worker;
    LeaseRef lease;
    FailureKind kind = FailureKind::genuine;
    Fault fault;
};
struct JobSubmitted {
    JobSpec job;
};
struct JobCancelled {
    JobId job = 0;
};
struct Tick {}; ///< deadlines up to now have passed; the shell has handed in all that it had received before
using Event = std::variant<WorkerHello, WorkerHeartbeat, WorkerGoodbye, TaskRendered, ResultOffered, ResultStored, ResultDamaged,
                           TaskFailed, JobSubmitted, JobCancelled, Tick>;

// --- records: to be made durable in this order, before any send of the same batch goes out ---
struct TaskChanged { ///< of a task that is not done: its newest fence and what happened to it. A record without fence 0 means it was never
                     ///< leased
    TaskId task;
    std::uint32_t fence = 0;
    WorkerId holder;      ///< of the open lease; empty: none is open
    WorkerId last_holder; ///< who had the newest fence
    std::uint32_t failures = 0, losses = 0;
    std::vector<WorkerId> failed_by;
    friend bool operator==(const TaskChanged&, const TaskChanged&) = default;
};
struct TileAccepted {
    TaskId task;
    std::uint32_t fence = 0;
    WorkerId worker;
    Output output;
    std::uint64_t seq = 0;
    Time at = 0;
    friend bool operator==(const TileAccepted&, const TileAccepted&) = default;
};
struct FrameChanged {
    JobId job = 0;
    std::uint32_t frame = 0;
    FrameState state = FrameState::queued;
    Fault fault;   ///< where failed
    Output output; ///< where done
    Time at = 0;
    friend bool operator==(const FrameChanged&, const FrameChanged&) = default;
};
struct JobChanged {
    JobId job = 0;
    JobState state = JobState::queued;
    Fault fault;
    Time at = 0;
    friend bool operator==(const JobChanged&, const JobChanged&) = default;
};
/// For those who watch the job.
struct Logged {
    std::uint64_t seq = 0;
    Time at = 0;
    JobId job = 0;
    std::string what; ///< "tile", "frame" or "job"
    std::uint32_t frame = 0, tile = 0;
    std::string state; ///< of the frame or job
    Fault fault;
    std::uint64_t tiles_total = 0, tiles_done = 0; ///< of the job
    friend bool operator==(const Logged&, const Logged&) = default;
};
using Record = std::variant<TaskChanged, TileAccepted, FrameChanged, JobChanged, Logged>;

// --- sends: to one worker, after the records ---
struct SendWelcome {
    WorkerId worker;
    std::vector<LeaseRef> keep;
};
struct SendAssign {
    WorkerId worker;
    LeaseRef lease;
};
struct SendRevoke {
    WorkerId worker;
    LeaseRef lease;
};
struct SendGrant { ///< the offered result is wanted
    WorkerId worker;
    LeaseRef lease;
};
struct SendVerdict {
    WorkerId worker;
    LeaseRef lease;
    bool accepted = false; ///< else not needed
    bool again = false;    ///< not accepted, but wanted: it was damaged on its way
};
struct SendHelloAgain {
    WorkerId worker;
};
using Send = std::variant<SendWelcome, SendAssign, SendRevoke, SendGrant, SendVerdict, SendHelloAgain>;

struct Effects {
    std::vector<Record> records;
    std::vector<Send> sends;
};

} // namespace raymill::farm::scheduler
