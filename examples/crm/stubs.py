"""Python stubs of the contract, generated when they are asked for: `ticketing.v1` can be imported after `generate`."""

import sys
import tempfile
from pathlib import Path

PROTO = Path(__file__).resolve().parents[2] / "proto"


def generate(folder=PROTO):
    from grpc_tools import protoc

    out = tempfile.TemporaryDirectory(prefix="ticketing-stubs-")
    google = Path(protoc.__file__).with_name("_proto")
    files = sorted(str(file) for file in Path(folder).glob("ticketing/v1/*.proto"))
    if not files or protoc.main(["", f"-I{folder}", f"-I{google}", f"--python_out={out.name}", f"--grpc_python_out={out.name}", *files]):
        sys.exit(f"no stubs could be made of {folder}/ticketing/v1/*.proto")
    sys.path.insert(0, out.name)
    return out  # whoever holds it keeps the folder
