#!/usr/bin/env python3
"""simulate_test.py PROGRAM seeds|caught: the simulator's promises as a test. With `seeds` the unchanged core passes and each seed is one run; with
`caught` PROGRAM has a planted mutant, which must fail within the seeds stated here."""
import subprocess
import sys

SEEDS = "1-12"
CAUGHT_WITHIN = "1-60"


def run(*words: str) -> tuple[int, str]:
    done = subprocess.run([sys.argv[1], *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def hashes(text: str) -> list[str]:
    return sorted(line.split(",")[0] for line in text.splitlines() if line.startswith("seed "))


def main() -> int:
    if sys.argv[2] == "caught":
        code, text = run("--seeds", CAUGHT_WITHIN, "--until-failure", "--limit", "60")
        print(text)
        # A broken promise or a failed check; not any way of ending.
        return 0 if code == 0 and ("promise broken" in text or "check failed" in text) else 1
    code, text = run("--seeds", SEEDS, "--verbose")
    print(text)
    if code != 0 or not text.endswith("12 seeds, 0 failed\n"):
        return 1
    again = run("--seeds", "1-3", "--verbose")[1]
    same = hashes(again) == [line for line in hashes(text) if line.split(":")[0] in ("seed 1", "seed 2", "seed 3")]
    print("the same seed is the same run" if same else "the same seed is not the same run:\n" + again)
    wrong = run("--seeds", "5-1")[0]
    print(f"wrong usage gives exit status {wrong}")
    return 0 if same and wrong == 2 else 1


if __name__ == "__main__":
    sys.exit(main())
