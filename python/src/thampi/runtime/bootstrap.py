"""How a runtime layer starts: this file stands in it as `__main__.py`."""

from thampi.runtime.sandbox import main

main()
