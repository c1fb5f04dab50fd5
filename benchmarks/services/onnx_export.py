"""Writes the tutorial's model as an ONNX file: `python onnx_export.py FILE`."""

import sys

import models
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs

graph = to_onnx(
    models.load("tutorial").classifier,
    initial_types=[("input", FloatTensorType([None, 4]))],
    options={"zipmap": False},
)
label = graph.graph.output[0].name
with open(sys.argv[1], "wb") as file:
    file.write(select_model_inputs_outputs(graph, label).SerializeToString())
