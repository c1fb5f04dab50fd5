"""`thampi replay --pdb`: a kept request in the foreground, and the debugger where the model raises.

main(["MODEL_DIR", "CODE_DIR", "NAME", "FILE WITH THE REQUEST"])
"""

import os
import pdb
import sys

from thampi.context import ThampiContext
from thampi.runtime.ask import Asker
from thampi.runtime.awaiting import Here
from thampi.runtime.blame import report
from thampi.runtime.body import read_data
from thampi.runtime.encode import encode
from thampi.runtime.load import initialize, read_saved, unpickle

__all__ = ["main"]


def main(arguments):
    """Asks the model; gives the exit status. Standard input is the terminal: `breakpoint()` works as well."""
    model_dir, code_dir, name, request = arguments
    with open(request, "rb") as given:
        body = given.read()
    saved = read_saved(model_dir)
    model = unpickle(saved, code_dir)
    ask = Asker(model, Here())
    context = ThampiContext(model=name, properties=dict(saved.properties))
    initialize(model, context, ask.wait)
    try:
        result = ask.one(read_data(body), context)
    except Exception as error:
        print(report(error), file=sys.stderr)
        pdb.post_mortem(_from_the_model(error.__traceback__))
        return 1
    print(f"The model did not raise. It gave {encode(result)}", file=sys.stderr)
    return 0


def _from_the_model(trace):
    """Without our own frames, unless there are no others."""
    ours = os.path.dirname(os.path.abspath(__file__)) + os.sep
    while trace.tb_next is not None and trace.tb_frame.f_code.co_filename.startswith(ours):
        trace = trace.tb_next
    return trace
