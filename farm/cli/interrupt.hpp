#pragma once
/// Ctrl-C, SIGTERM and SIGHUP as a stop token: what is under way ends by itself, removes what is half done, and the program leaves in
/// order. A second signal ends the program at once. SIGPIPE is ignored while one exists: a broken connection is an error like others.
#include <stop_token>

namespace raymill::cli {

class Interrupt {
  public:
    /// Installs the handlers and starts the thread that turns them into a stop. One at a time.
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
    /// The signal that came; 0: none.
    static int signal();
    /// The reader of our output has gone: stops as a SIGPIPE would, but in order.
    static void output_lost();

  private:
    std::stop_source source_;
};

} // namespace raymill::cli
