"""Imports what a model of scikit-learn needs and says how long that took.

Then asks it something: else nothing was worth timing.
"""

import json
import time

start, worked = time.perf_counter(), time.process_time()

import sklearn.ensemble  # noqa: E402
import sklearn.linear_model  # noqa: E402

took = {"seconds": time.perf_counter() - start, "processors": time.process_time() - worked}

model = sklearn.linear_model.LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
if model.predict([[0.0], [3.0]]).tolist() != [0, 1]:
    raise SystemExit("scikit-learn was imported and answers wrongly")
print(json.dumps(took))
