"""Imports what a model of scikit-learn needs, and asks it something: else nothing was worth timing."""

import sklearn.ensemble
import sklearn.linear_model

model = sklearn.linear_model.LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
if model.predict([[0.0], [3.0]]).tolist() != [0, 1]:
    raise SystemExit("scikit-learn was imported and answers wrongly")
