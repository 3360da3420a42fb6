"""Run by the model server's Python: calls it over gRPC, and logs what goes over the wire.

``grpc_client.py PORT MODEL LOG`` reads its input, JSON ``[{"raw": ..., "body": ...}, ...]`` with
bodies as over HTTP, and appends to LOG each ModelInferRequest and ModelInferResponse in protobuf's
JSON mapping, with the time, as gRPC's payload loggers do. The messages are real; the interceptor
stands in for such a logger.
"""

import json
import sys
from datetime import datetime, timezone

import grpc
from google.protobuf.json_format import MessageToDict
from mlserver.grpc.converters import ModelInferRequestConverter
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub
from mlserver.types import InferenceRequest


class PayloadLog(grpc.UnaryUnaryClientInterceptor):
    def __init__(self, path):
        self._path = path

    def intercept_unary_unary(self, continuation, details, request):
        self._append(request)
        call = continuation(details, request)
        self._append(call.result())
        return call

    def _append(self, message):
        now = datetime.now(timezone.utc).isoformat()
        with open(self._path, "a") as log:
            log.write(json.dumps({"time": now, **MessageToDict(message)}) + "\n")


def message(model, raw, body):
    """raw: with the tensors in ``raw_input_contents``, as Triton's client sends them."""
    for tensor in body["inputs"]:
        if tensor["datatype"] == "BYTES":
            tensor["data"] = [text.encode() for text in tensor["data"]]
    request = InferenceRequest.model_validate(body)
    return ModelInferRequestConverter.from_types(request, model_name=model, use_raw=raw)


def main():
    port, model, log = sys.argv[1:]
    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        stub = GRPCInferenceServiceStub(grpc.intercept_channel(channel, PayloadLog(log)))
        for call in json.load(sys.stdin):
            stub.ModelInfer(message(model, **call), timeout=60, wait_for_ready=True)


if __name__ == "__main__":
    main()
