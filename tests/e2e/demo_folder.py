"""The folder of a demo, for tests that run its first span again in a copy."""

import json
import shutil

FIRST, SECOND = "2014-01-01", "2014-07-01"


def before_the_first_span(out, folder):
    """A copy of the demo as it was before its first span ran."""
    for name in ("data", "logs", "truth", "keys", "history"):
        shutil.copytree(out / name, folder / name)
    shutil.copy(out / "vigil.yaml", folder)
    shutil.rmtree(folder / "history" / "spans")
    shutil.rmtree(folder / "logs" / SECOND)
    (folder / "truth" / f"{SECOND}.jsonl").unlink()
    baseline = folder / "history" / "baseline" / "record.json"
    record = json.loads(baseline.read_text())
    record["model"] = str(baseline.with_name("model"))
    baseline.write_text(json.dumps(record))
    return folder
