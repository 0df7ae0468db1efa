"""Regenerates everything that is made from the protos; `--check` only says what would differ.

The Buf registry is not needed: the descriptors of the imported files are taken from the installed
packages, handed to protoc, and `buf` runs on the image that protoc writes.
"""

import argparse
import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import protovalidate._gen.buf.validate.validate_pb as validate_descriptor
from google.api import annotations_pb2, http_pb2, httpbody_pb2
from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    duration_pb2,
    field_mask_pb2,
    struct_pb2,
    timestamp_pb2,
)
from google.rpc import error_details_pb2, status_pb2

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
GENERATED = Path("gen/python")
IMAGE = GENERATED / "headrace/v1/headrace.binpb"
VALIDATE = "buf/validate/validate.proto"
ERROR_DETAILS = "google/rpc/error_details.proto"
# buf.alpha.image.v1.ImageFile.buf_extension { is_import: true }, as unknown field 8042.
IS_IMPORT = bytes([0xD2, 0xF6, 0x03, 0x02, 0x08, 0x01])
IMPORTED_MODULES = (
    descriptor_pb2,
    any_pb2,
    duration_pb2,
    field_mask_pb2,
    struct_pb2,
    timestamp_pb2,
    http_pb2,
    annotations_pb2,
    httpbody_pb2,
    status_pb2,
    error_details_pb2,
)


def imported_descriptors() -> descriptor_pb2.FileDescriptorSet:
    """Descriptors of every file our protos import, in dependency order."""
    files = descriptor_pb2.FileDescriptorSet()
    for module in IMPORTED_MODULES:
        module.DESCRIPTOR.CopyToProto(files.file.add())
    files.file.add().ParseFromString(validate_descriptor._DESC.proto.to_binary())  # noqa: SLF001
    return files


def with_imports_marked(image: bytes, sources: set[str]) -> bytes:
    """Mark the files of a descriptor set that are not ours, as a Buf image does."""
    files = descriptor_pb2.FileDescriptorSet.FromString(image)
    for file in files.file:
        if file.name not in sources:
            file.MergeFromString(IS_IMPORT)
    return files.SerializeToString()


def run(*command: str | Path) -> None:
    """Run a tool of this environment, and stop with its words when it fails."""
    subprocess.run([str(part) for part in command], check=True, cwd=ROOT)  # noqa: S603


def protoc(imports: Path, *arguments: str | Path) -> None:
    run(sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_in={imports}",
        f"--proto_path={PROTO}", *arguments)  # fmt: skip


def generate(out: Path, imports: Path) -> None:
    """Write the Python modules, their types and the descriptor set for Envoy below `out`."""
    sources = sorted(path.relative_to(PROTO).as_posix() for path in PROTO.rglob("*.proto"))
    python = out / GENERATED
    python.mkdir(parents=True, exist_ok=True)
    protoc(imports, f"--python_out={python}", f"--pyi_out={python}", *sources, VALIDATE)
    protoc(imports, f"--grpc_python_out={python}", f"--mypy_grpc_out={python}", *sources)
    envoy = out / IMAGE
    protoc(imports, "--include_imports", f"--descriptor_set_out={envoy}", *sources, ERROR_DETAILS)
    lint = out / "lint.binpb"
    protoc(imports, "--include_imports", "--include_source_info",
           f"--descriptor_set_out={lint}", *sources)  # fmt: skip
    lint.write_bytes(with_imports_marked(lint.read_bytes(), set(sources)))
    for folder in (python / "headrace/v1", python / "buf/validate"):
        (folder / "py.typed").touch()
    for service in python.glob("headrace/v1/*_pb2_grpc.py*"):
        if not (PROTO / "headrace/v1" / f"{service.name.split('_pb2_grpc')[0]}.proto").exists() or (
            "_service" not in service.name
        ):
            service.unlink()


def differences(fresh: Path) -> list[str]:
    """Files below the generated tree that differ from, lack or exceed the committed ones."""
    names = {p.relative_to(fresh) for p in (fresh / GENERATED).rglob("*") if p.is_file()}
    committed = {
        p.relative_to(ROOT)
        for p in (ROOT / GENERATED).rglob("*")
        if p.is_file() and p.suffix in {".py", ".pyi", ".binpb"} and "__pycache__" not in p.parts
    }
    changed = [
        name
        for name in sorted(names | committed)
        if not (fresh / name).is_file()
        or not (ROOT / name).is_file()
        or not filecmp.cmp(fresh / name, ROOT / name, shallow=False)
    ]
    return [str(name) for name in changed]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    parser.add_argument("--against", metavar="IMAGE", help="also check for breaking changes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch)
        imports = fresh / "imports.binpb"
        imports.write_bytes(imported_descriptors().SerializeToString())
        generate(fresh, imports)
        run("buf", "format", "--exit-code", "--diff" if options.check else "--write", PROTO)
        run("buf", "lint", fresh / "lint.binpb", "--config", ROOT / "buf.yaml")
        if options.against:
            run("buf", "breaking", fresh / IMAGE, "--against", options.against,
                "--config", ROOT / "buf.yaml")  # fmt: skip
        changed = differences(fresh)
        if options.check:
            for name in changed:
                sys.stderr.write(f"{name} is stale: run python proto/generate.py\n")
            return 1 if changed else 0
        shutil.copytree(fresh / GENERATED, ROOT / GENERATED, dirs_exist_ok=True)
        for name in changed:
            if not (fresh / name).exists():
                (ROOT / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
