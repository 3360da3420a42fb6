"""Loaded by MLServer: its scikit-learn runtime, which also logs the calls it answers.

MLServer has no payload log of its own; what it offers is a runtime of one's own. What is logged is
what MLServer hands to any runtime, over HTTP and gRPC alike: its own types in its own JSON, with
the headers of the call and its CloudEvents attributes in ``parameters.headers``.
"""

from datetime import datetime, timezone

from mlserver.codecs.json import encode_to_json_bytes
from mlserver_sklearn import SKLearnModel


class LoggedModel(SKLearnModel):
    async def predict(self, payload):
        call = {"time": datetime.now(timezone.utc).isoformat(), "request": payload.model_dump()}
        response = await super().predict(payload)
        call["response"] = response.model_dump()
        with open(f"{self.name}.calls.jsonl", "ab") as log:
            log.write(encode_to_json_bytes(call) + b"\n")
        return response
