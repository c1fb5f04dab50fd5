"""The tutorial's model: k nearest neighbours on the iris flowers, saved with one recorded example."""

import numpy as np
from sklearn import datasets
from sklearn.neighbors import KNeighborsClassifier

import thampi


class Iris(thampi.Model):
    def __init__(self, classifier):
        self.classifier = classifier
        super().__init__()

    def predict(self, args, context):
        measurements = np.array([args["input"]])
        return {"result": int(self.classifier.predict(measurements)[0])}


def train():
    iris = datasets.load_iris()
    return Iris(KNeighborsClassifier().fit(iris.data, iris.target))


if __name__ == "__main__":
    thampi.save(train(), "iris-sklearn", "./models", input_example={"input": [5.9, 3.2, 4.8, 1.8]})
