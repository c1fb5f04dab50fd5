"""How coroutines of a model run: one event loop for the life of the process, wherever it turns."""

import threading

__all__ = ["Elsewhere", "Here"]


class Here:
    """The loop turns in the thread that waits; nothing runs between two requests."""

    def __init__(self):
        self._loop = None

    def __call__(self, awaitable):
        """Runs something awaitable to its end; gives what it gives and raises what it raises."""
        import asyncio  # only async models pay for it

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        return self._loop.run_until_complete(_settled(awaitable))


class Elsewhere:
    """The loop turns in a thread of its own, for all threads that wait."""

    def __init__(self):
        self._loop = None
        self._starting = threading.Lock()

    def __call__(self, awaitable):
        """Runs something awaitable to its end; gives what it gives and raises what it raises."""
        import asyncio

        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="thampi-loop", daemon=True).start()
        result, error = asyncio.run_coroutine_threadsafe(_caught(awaitable), self._loop).result()
        if error is not None:
            raise error
        return result


async def _settled(awaitable):
    return await awaitable


async def _caught(awaitable):
    # A SystemExit that left the coroutine would end the loop for everybody.
    try:
        return await awaitable, None
    except BaseException as error:
        return None, error
