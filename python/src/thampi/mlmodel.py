"""The file `MLmodel` that `save` writes beside a model, so that `mlflow.pyfunc.load_model` opens it."""

import json

__all__ = ["mlmodel"]


def mlmodel(facts, python):
    """The bytes of the file, for the facts in `thampi.json` and a version of Python. JSON is YAML.

    The names are those of MLflow's model format: https://mlflow.org/docs/latest/ml/model/
    """
    time = str(facts["trained_time_utc"])
    document = {
        "flavors": {"python_function": {"loader_module": "thampi.mlflow", "python_version": python}},
        "model_uuid": facts["instance_id"],
        "utc_time_created": time.replace("T", " ", 1),
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
