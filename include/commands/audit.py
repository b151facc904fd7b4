"""Accounts for every captured line: `python -m include.commands.audit`, `make audit`."""

from include.commands.ending import end
from include.duration import counted
from include.load import audit
from include.settings import command_settings


def main() -> int:
    """Prints a line per file with an error, and the sums; 1 if lines are not accounted for."""
    sums = dict.fromkeys(("files", "lines", "loaded", "duplicates", "rejected", "events", "waiting"), 0)
    wrong = 0
    for file in audit.run(command_settings()):
        sums["files"] += 1
        sums["lines"] += file.line_count
        sums["loaded"] += file.loaded_count
        sums["duplicates"] += file.duplicate_count
        sums["rejected"] += file.rejected_count
        sums["events"] += file.event_count
        sums["waiting"] += file.waiting_lines
        for problem in file.problems:
            wrong += 1
            print(f"{file.landing_file}: {problem}")
    print(
        f"{counted(sums['files'], 'file')}, {counted(sums['lines'], 'line')}"
        f" = {sums['loaded']} trades and prices + {sums['duplicates']} duplicates"
        f" + {sums['rejected']} rejected + {sums['events']} events; {sums['waiting']} lines wait to be loaded"
    )
    print("every captured line is accounted for" if not wrong else counted(wrong, "problem"))
    return 1 if wrong else 0


if __name__ == "__main__":
    end(main)
