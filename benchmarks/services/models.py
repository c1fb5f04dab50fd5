"""The models that every service serves, written once, so that the same work is compared.

    model = load("tutorial")
    model.predict([5.9, 3.2, 4.8, 1.8])        # one input → one result
    model.predict_batch([[5.9, 3.2, 4.8, 1.8]])  # many inputs → as many results

Libraries are imported where they are used: a model without them must not pay for them.
"""

import time


class Tutorial:
    """K nearest neighbours on the iris flowers: almost all of its cost is fixed, whatever the batch."""

    def __init__(self):
        from sklearn import datasets
        from sklearn.neighbors import KNeighborsClassifier

        iris = datasets.load_iris()
        self.classifier = KNeighborsClassifier().fit(iris.data, iris.target)

    def predict(self, measurements):
        import numpy

        return int(self.classifier.predict(numpy.array([measurements]))[0])

    def predict_batch(self, batch):
        import numpy

        return self.classifier.predict(numpy.array(batch)).tolist()


class SlowTutorial(Tutorial):
    """The same answers, later: keeps every process busy, for counting what processes cost."""

    def predict(self, measurements):
        time.sleep(0.05)
        return super().predict(measurements)


class NoOp:
    """Does nothing: what remains is the service."""

    def predict(self, _):
        return 0

    def predict_batch(self, batch):
        return [0] * len(batch)


class Echo:
    """Gives back what it got: what remains is moving and translating bytes."""

    def predict(self, value):
        return value

    def predict_batch(self, batch):
        return batch


class Computing:
    """So much processor time for each row, however the rows come."""

    def __init__(self, seconds):
        self.seconds = seconds

    def predict(self, _):
        self._compute(1)
        return 1

    def predict_batch(self, batch):
        self._compute(len(batch))
        return [1] * len(batch)

    def _compute(self, rows):
        until = time.thread_time() + rows * self.seconds
        while time.thread_time() < until:
            pass


class Waiting:
    """Waits for somebody else, such as a database that answers many questions as fast as one."""

    def predict(self, _):
        time.sleep(0.02)
        return 1

    def predict_batch(self, batch):
        time.sleep(0.02)
        return [1] * len(batch)


_KINDS = {
    "tutorial": Tutorial,
    "slow-tutorial": SlowTutorial,
    "no-op": NoOp,
    "echo": Echo,
    "slow": lambda: Computing(0.050),
    "linear": lambda: Computing(0.0005),
    "waiting": Waiting,
}


def load(kind):
    """The model of that name, ready to predict."""
    return _KINDS[kind]()
