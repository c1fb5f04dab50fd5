"""`check FILE` and `unpack FILE DIR`: a zip as Python reads it, which is a reading that is not ours."""

import json
import os
import sys
import zipfile
import zlib

SYMLINK = 0o120000


def main(verb: str, file: str, directory: str = "") -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                raise zipfile.BadZipFile(damaged)
            members = archive.infolist()
            if verb == "unpack":
                for member in members:
                    unpack(archive, member, directory)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        print(json.dumps({"error": str(error)}))
    else:
        size = sum(member.file_size for member in members)
        print(json.dumps({"files": len(members), "unzippedBytes": size}))


def unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, directory: str) -> None:
    mode = member.external_attr >> 16
    if mode & 0o170000 == SYMLINK:
        target = os.path.join(directory, member.filename)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.symlink(archive.read(member).decode(), target)
        return
    path = archive.extract(member, directory)
    if not member.is_dir():
        os.chmod(path, mode & 0o555 or 0o444)


if __name__ == "__main__":
    main(*sys.argv[1:])
