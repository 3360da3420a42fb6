"""What the peers' programs for drift_quality.py and drift_speed.py share: one question, one answer.

Questions come as lines of JSON on stdin, ``{"baseline": path, "current": path, "scores": [...]}``,
of Parquet files whose columns ``log_*`` nobody compares; answers go as lines of JSON to stdout:
what ``verdict`` found, the seconds it took from opening the files, and the peak memory of the
process so far in MB.
"""

import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable


def serve(verdict: Callable[[str, str, list[str]], dict]) -> None:
    """Answers with ``verdict(baseline, current, scores)`` until stdin ends.

    ``verdict`` returns ``alarms``, the columns on which the peer as it is delivered raises one,
    and, where ``scores`` asks for them (``marginal``, ``joint``), as ``scores`` by detector the
    score of each column or method, larger with drift.
    """
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the peer prints is no answer
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        start = time.perf_counter()
        found = verdict(question["baseline"], question["current"], question["scores"])
        found["seconds"] = time.perf_counter() - start
        found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found), file=answers, flush=True)
