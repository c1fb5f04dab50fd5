"""A directory is written as a whole: whoever looks sees the old files or the new ones, never a mixture.

The new files are written beside the directory and flushed to the disk; then the directory takes their place:

* there was none                  one rename, atomic everywhere
* there was one, Linux and macOS  the two directories trade places in one atomic system call
* there was one, elsewhere        two renames; killed between them, the old one stays as `.NAME.before-…`
* a mount point, or a parent      the files are written beside their names and take them one by one, each in a
  that may not be written         rename, `saved.json` last: killed in between, the digests in the old
                                  `saved.json` do not fit the new files and nobody loads the mixture

A reader that opens the files one by one while they change may still meet both; the digests tell. Other files
in the directory are kept: they are linked, or copied where links do not work, into the new one.
"""

import contextlib
import ctypes
import errno
import os
import shutil
import sys
import time
import uuid
from pathlib import Path

from thampi.errors import ThampiError

__all__ = ["write_directory"]

_FORGOTTEN_SECONDS = 24 * 3600


def write_directory(directory, files, replaces):
    """Makes `directory` hold `files` (name → bytes) instead of the files named in `replaces`.

    Raises ThampiError PERMISSION or DISK_FULL, or OSError; the directory is then as it was.
    """
    target = Path(os.path.realpath(directory))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            _write_beside(target, files, ())
        elif target.is_dir():
            try:
                _write_beside(target, files, replaces)
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EPERM, errno.EBUSY, errno.EXDEV, errno.EROFS):
                    raise
                _write_inside(target, files, replaces)
        else:
            raise ThampiError("MODEL_INVALID", f"{str(directory)!r} is a file; a model needs a directory.")
    except OSError as error:
        raise _explained(error, directory) from error


def _write_beside(target, files, replaces):
    _remove_forgotten(target)
    new = target.with_name(f".{target.name}.saving-{uuid.uuid4().hex[:12]}")
    new.mkdir()
    try:
        for name, data in files.items():
            _write(new / name, data)
        if replaces:
            _keep_others(target, new, {*replaces, *files})
            shutil.copymode(target, new)
        _sync_directory(new)
        _put_in_place(new, target)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _sync_directory(target.parent)


def _put_in_place(new, target):
    try:
        new.rename(target)  # an empty directory of that name is replaced as well
        return
    except OSError as error:
        if not target.is_dir():
            raise
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EACCES, errno.EPERM):
            raise
    if _exchange(new, target):
        return
    before = target.with_name(new.name.replace(".saving-", ".before-"))
    target.rename(before)
    try:
        new.rename(target)
    except OSError:
        before.rename(target)
        raise
    shutil.rmtree(before, ignore_errors=True)


def _exchange(first, second):
    """Lets two directories trade places in one step; False where the system cannot."""
    if sys.platform == "linux":
        symbol, flag, places = "renameat2", 2, True
    elif sys.platform == "darwin":
        symbol, flag, places = "renamex_np", 2, False
    else:
        return False
    function = getattr(ctypes.CDLL(None, use_errno=True), symbol, None)
    if function is None:  # an old C library
        return False
    paths = [os.fsencode(first), os.fsencode(second)]
    current = ctypes.c_int(-100)  # AT_FDCWD: both paths are absolute
    arguments = [current, paths[0], current, paths[1]] if places else paths
    if function(*arguments, ctypes.c_uint(flag)) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):  # an old kernel, some network file systems
        return False
    raise OSError(code, os.strerror(code), str(second))


def _write_inside(target, files, replaces):
    written = []
    try:
        for name, data in files.items():
            part = target / f".{name}.saving-{uuid.uuid4().hex[:12]}"
            written.append((part, target / name))
            _write(part, data)
        for part, final in sorted(written, key=lambda pair: pair[1].name == "saved.json"):
            os.replace(part, final)
        for name in set(replaces) - set(files):
            with contextlib.suppress(FileNotFoundError):
                (target / name).unlink()
        _sync_directory(target)
    finally:
        for part, _ in written:
            with contextlib.suppress(FileNotFoundError):
                part.unlink()


def _write(path, data):
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _keep_others(old, new, ours):
    for entry in os.scandir(old):
        if entry.name in ours:
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.copytree(entry.path, new / entry.name, symlinks=True, copy_function=_link)
        else:
            _link(entry.path, new / entry.name)


def _link(source, destination):
    try:
        os.link(source, destination, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(source, destination, follow_symlinks=False)


def _sync_directory(path):
    """Makes renames survive a loss of power, where directories can be flushed."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_forgotten(target):
    """What killed runs of long ago left behind."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(target.parent):
            is_ours = entry.name.startswith(f".{target.name}.saving-") and entry.is_dir(follow_symlinks=False)
            if is_ours and time.time() - entry.stat().st_mtime > _FORGOTTEN_SECONDS:
                shutil.rmtree(entry.path, ignore_errors=True)


def _explained(error, directory):
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ThampiError("PERMISSION", f"{str(directory)!r} cannot be written: {error.strerror}.")
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return ThampiError("DISK_FULL", f"{str(directory)!r} cannot be written: {error.strerror}.")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return ThampiError("MODEL_INVALID", f"{str(directory)!r} cannot be made: a file stands in the way.")
    return error
