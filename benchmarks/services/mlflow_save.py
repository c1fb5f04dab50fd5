"""Saves a model for MLflow: python mlflow_save.py KIND DIRECTORY."""

import sys

import mlflow.pyfunc
import models


class Bench(mlflow.pyfunc.PythonModel):
    def __init__(self, kind):
        self.model = models.load(kind)

    def predict(self, context, model_input, params=None):
        return self.model.predict_batch(model_input)


if __name__ == "__main__":
    kind, directory = sys.argv[1:]
    mlflow.pyfunc.save_model(directory, python_model=Bench(kind), pip_requirements=[])
