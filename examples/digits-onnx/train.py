"""Handwritten digits: trained with scikit-learn, exported as ONNX. What serves them needs no Python.

pip install scikit-learn skl2onnx
python train.py
npm install onnxruntime-web
thampi serve dev --model_dir ./digits.onnx
"""

from pathlib import Path

from skl2onnx import to_onnx
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def train():
    digits = load_digits()
    # Images of 8 by 8 points, each as bright as a number from 0 to 16 says.
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(digits.data, digits.target)


if __name__ == "__main__":
    first = load_digits().data[:1].astype("float32")
    # Without `zipmap` the probabilities are a tensor, which every runtime can give.
    graph = to_onnx(train(), first, options={"zipmap": False})
    Path("digits.onnx").write_bytes(graph.SerializeToString())
