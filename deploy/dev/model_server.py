"""The demo's model server: llama.cpp's own HTTP server in a process of its own.

`python -m deploy.dev.model_server --file MODEL.gguf --port 8082 --key-file KEY`. An assertion
inside llama.cpp ends the process, so it never runs inside the gateway. Names of parameters change
between versions of the package, which is why its exact version is locked.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.dev import places
from deploy.dev.keycloak import answers
from deploy.dev.supervisor import Part

ALIAS = "demo-small"
SLOTS = 4
_CONTEXT = 8192


def find_model_file() -> Path:
    """The GGUF file that PARVIS_MODEL_FILE names, else the fetched small one.

    Raises places.PartMissing when the named one is not there.
    """
    given = os.environ.get("PARVIS_MODEL_FILE", "")
    if not given:
        return places.cache_dir() / "models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    path = Path(given).expanduser().absolute()
    if not path.is_file():
        raise places.PartMissing(f"PARVIS_MODEL_FILE names no file: {path}")
    return path


def build_part(port: int, key_file: Path) -> Part:
    """The model server on loopback; its key is read from a file, never from the command line."""
    return Part(
        name="model-server",
        command=[
            *(sys.executable, "-m", "deploy.dev.model_server"),
            *("--file", str(find_model_file()), "--port", str(port), "--key-file", str(key_file)),
        ],
        ready=lambda: answers(f"http://127.0.0.1:{port}/health"),
        usual_s=2,
    )


def serve(file: Path, port: int, key: str) -> None:
    """Serve until SIGTERM."""
    import xllamacpp  # type: ignore[import-untyped]  # noqa: PLC0415 - this process alone

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(file)
    parameters.model_alias = {ALIAS}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.api_keys = [key]
    parameters.n_threads_http = 64  # more than can be in flight, or /health starves
    parameters.n_ctx = _CONTEXT
    parameters.n_parallel = SLOTS
    parameters.n_predict = 512
    threads = max(1, (os.cpu_count() or 1) - 1)  # its threads spin: leave one core to the others
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.endpoint_metrics = True
    parameters.endpoint_slots = False
    parameters.ui = False
    parameters.cache_ram_mib = 0  # it would keep old prompts of every agency
    server = xllamacpp.Server(parameters)
    print(f"model server: {server.listening_address}", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one model file until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dev.model_server")
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key-file", type=Path, required=True)
    options = parser.parse_args(arguments)
    # before llama.cpp starts its threads: they inherit the mask, so that sigwait gets the signal
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    serve(options.file, options.port, options.key_file.read_text(encoding="ascii").strip())
    return 0


if __name__ == "__main__":
    # the server's C++ threads outlive the interpreter's tidy shutdown: leave at once
    code = main()
    sys.stdout.flush()
    os._exit(code)
