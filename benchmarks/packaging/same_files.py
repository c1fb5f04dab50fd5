"""
Compares an unpacked layer with what an installer made of the same wheels: python same_files.py LAYER TREE

Every file of the layer has to be there, byte for byte, but for bytecode and for `RECORD`, which installers
write anew.
"""

import sys
from pathlib import Path


def files(root: Path) -> dict[str, Path]:
    return {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}


def main(layer: Path, tree: Path) -> None:
    ours, theirs = files(layer), files(tree)
    compared = [name for name in ours if not name.endswith((".pyc", ".dist-info/RECORD"))]
    wrong = [
        name
        for name in compared
        if name not in theirs or theirs[name].read_bytes() != ours[name].read_bytes()
    ]
    if wrong or not compared:
        raise SystemExit(f"{layer} differs from {tree}: {wrong[:10]}")
    missing = [name for name in theirs if name.endswith(".so") and name not in ours and "/tests/" not in name]
    if missing:
        raise SystemExit(f"{layer} lacks libraries of {tree}: {missing[:10]}")
    bytecode = sum(name.endswith(".pyc") for name in ours)
    same = f"{len(compared):,} files of `{layer.parent.name}.zip` are those in `{tree.name}/`"
    print(f"{same}; bytecode of {bytecode:,} modules")


main(*map(Path, sys.argv[1:]))
