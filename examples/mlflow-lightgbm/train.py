"""Prices of houses with LightGBM, saved by MLflow. The directory is served as it is.

pip install mlflow lightgbm scikit-learn pandas
python train.py
thampi serve dev --model_dir ./prices
"""

import mlflow
import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor


def houses(count=500):
    """Invented ones: what a square metre costs depends on the number of rooms and on the garden."""
    chance = np.random.default_rng(7)
    table = pd.DataFrame(
        {
            "area": chance.uniform(30, 250, count).round(1),
            "rooms": chance.integers(1, 9, count),
            "garden": chance.integers(0, 2, count).astype(bool),
        }
    )
    price = table["area"] * (1000 + 150 * table["rooms"]) + 40_000 * table["garden"]
    return table, price


if __name__ == "__main__":
    table, price = houses()
    model = LGBMRegressor(n_estimators=50, verbose=-1).fit(table, price)
    mlflow.lightgbm.save_model(
        model,
        "prices",
        signature=mlflow.models.infer_signature(table, model.predict(table)),
        input_example=table.head(2),
        # These alone: then Thampi asks LightGBM itself, and MLflow need not be installed to serve.
        pip_requirements=["lightgbm", "scikit-learn", "pandas", "skops"],
    )
