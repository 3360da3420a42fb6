"""ModelInferRequest and ModelInferResponse of the Open Inference Protocol's gRPC service."""

from __future__ import annotations

from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message_factory import GetMessages

_CONTENTS = {
    "bool_contents": Field.TYPE_BOOL,
    "int_contents": Field.TYPE_INT32,
    "int64_contents": Field.TYPE_INT64,
    "uint_contents": Field.TYPE_UINT32,
    "uint64_contents": Field.TYPE_UINT64,
    "fp32_contents": Field.TYPE_FLOAT,
    "fp64_contents": Field.TYPE_DOUBLE,
    "bytes_contents": Field.TYPE_BYTES,
}


def messages() -> dict[str, type]:
    """The message classes by name; their maps of parameters are left out."""
    file = FileDescriptorProto(name="grpc_predict_v2.proto", package="inference", syntax="proto3")
    contents = file.message_type.add(name="InferTensorContents")
    for number, (name, kind) in enumerate(_CONTENTS.items(), start=1):
        _field(contents, name, number, kind, repeated=True)
    tensor = file.message_type.add(name="InferTensor")
    _field(tensor, "name", 1)
    _field(tensor, "datatype", 2)
    _field(tensor, "shape", 3, Field.TYPE_INT64, repeated=True)
    _field(tensor, "contents", 5, Field.TYPE_MESSAGE, type_name="InferTensorContents")
    for message, tensors, raw in (("Request", "inputs", 7), ("Response", "outputs", 6)):
        call = file.message_type.add(name=f"ModelInfer{message}")
        for number, name in enumerate(("model_name", "model_version", "id"), start=1):
            _field(call, name, number)
        _field(call, tensors, 5, Field.TYPE_MESSAGE, repeated=True, type_name="InferTensor")
        _field(call, f"raw_{tensors[:-1]}_contents", raw, Field.TYPE_BYTES, repeated=True)
    return {name.removeprefix("inference."): each for name, each in GetMessages([file]).items()}


def _field(
    message, name, number, kind=Field.TYPE_STRING, *, repeated=False, type_name=None
) -> None:
    label = Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, type=kind, label=label)
    if type_name:
        field.type_name = f".inference.{type_name}"
