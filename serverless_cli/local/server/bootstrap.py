"""Runs a function's handler inside its own process, as AWS's Python runtime does.

Started by `worker.py` as a script, with any Python from 3.9 on, without site-packages; so it uses the standard
library only and imports nothing of slx. Arguments: the descriptors to read from and to write to, the task root,
the folder of layers, and the folder with AWS's SDK. Messages are JSON behind a four-byte length.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import queue
import resource
import signal
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, cast

# Within one log event, a line break; the server turns it back. AWS's runtime frames its own events likewise.
BREAK = "\x1e"
TASK_ROOT = "/var/task"

Message = dict[str, Any]


class FaultError(Exception):
    """What AWS reports under a `Runtime.*` name."""

    def __init__(self, kind: str, message: str, trace: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.trace = list(trace)


class Channel:
    """The private line to the server; its descriptors are not inherited by what the handler starts."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        for handle in (read_fd, write_fd):
            os.set_inheritable(handle, False)
        self._read_fd = read_fd
        self._write_fd = write_fd
        self.orders: queue.Queue[Message] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True, name="slx-channel").start()

    def _exactly(self, count: int) -> bytes:
        chunks = []
        while count:
            chunk = os.read(self._read_fd, min(count, 1 << 20))
            if not chunk:
                # The server is gone: end with everything that the handler started.
                os.killpg(0, signal.SIGKILL)
                os._exit(1)
            chunks.append(chunk)
            count -= len(chunk)
        return b"".join(chunks)

    def _listen(self) -> None:
        while True:
            (length,) = struct.unpack(">I", self._exactly(4))
            self.orders.put(json.loads(self._exactly(length)))

    def send(self, message: Message) -> None:
        data = json.dumps(message).encode()
        data = struct.pack(">I", len(data)) + data
        while data:
            data = data[os.write(self._write_fd, data) :]


class Context:
    """The handler's second argument."""

    def __init__(self, order: Message, deadline: float) -> None:
        self.aws_request_id = order["request_id"]
        self.invoked_function_arn = order["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None
        self.tenant_id = None
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, message: object) -> None:
        sys.stdout.write(str(message))


class LogHandler(logging.Handler):
    """Writes records as AWS does: level, time, request id, text, with tabs between."""

    request_id = ""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            record.aws_request_id = LogHandler.request_id
            write_event(self.format(record))
        except Exception:  # noqa: BLE001 - logging's own contract: a record that cannot be written raises nothing
            self.handleError(record)


def write_event(text: str) -> None:
    sys.stdout.flush()
    sys.stdout.write(text.rstrip("\n").replace("\n", BREAK) + "\n")
    sys.stdout.flush()


def log_error(error: Message) -> None:
    lines = [f"[ERROR] {error['errorType']}: {error['errorMessage']}", "Traceback (most recent call last):"]
    for frame in error["stackTrace"]:
        # AWS indents with no-break spaces, which log viewers keep.
        lines += [line.replace("  ", "\u00a0\u00a0", 1) for line in frame.splitlines()]
    write_event("\n".join(lines))


def set_up_streams() -> None:
    for name, fd in (("stdout", 1), ("stderr", 2)):
        stream = os.fdopen(fd, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    handler = LogHandler()
    form = logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    form.converter = time.gmtime
    handler.setFormatter(form)
    logging.getLogger().addHandler(handler)


def set_up_path(task_root: str, layers: str, sdk: str) -> None:
    """The order of AWS: the function's own files, its layers, the standard library, the runtime's SDK."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    first = [task_root]
    if layers:
        first += [f"{layers}/python/lib/{version}/site-packages", f"{layers}/python"]
    extra = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:] = first + extra + sys.path + [sdk]


def load_handler(name: str) -> Callable[[Any, Any], Any]:
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        unpacking = "not enough values to unpack (expected 2, got 1)"
        raise FaultError("Runtime.MalformedHandlerName", f"Bad handler '{name}': {unpacking}")
    module_name = module_name.replace("/", ".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise FaultError("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from None
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        raise FaultError(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", trace
        ) from None
    handler = getattr(module, function_name, None)
    if handler is None:
        raise FaultError("Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'")
    return cast("Callable[[Any, Any], Any]", handler)


def error_of(error: Exception, request_id: str, task_root: str) -> Message:
    """AWS's error object, with the paths that the same code has on AWS."""
    if isinstance(error, FaultError):
        kind, message, frames = error.kind, error.message, error.trace
    else:
        kind, message = type(error).__name__, str(error)
        frames = traceback.format_list(
            [frame for frame in traceback.extract_tb(error.__traceback__) if not is_ours(frame.filename)]
        )
    frames = [frame.replace(task_root, TASK_ROOT) for frame in frames]
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": frames}


def is_ours(filename: str) -> bool:
    return filename == __file__ or filename.startswith("<frozen importlib") or filename == importlib.__file__


def run_once(handler: Callable[[Any, Any], Any], order: Message, task_root: str) -> Message:
    """One invocation: a JSON text, or AWS's error object."""
    LogHandler.request_id = order["request_id"]
    os.environ["_X_AMZN_TRACE_ID"] = order["trace_id"]
    context = Context(order, time.monotonic() + order["timeout_s"])
    try:
        result = handler(order["event"], context)
        return {"result": marshal(result)}
    except Exception as error:  # noqa: BLE001 - whatever the handler raises is the invocation's result
        found = error_of(error, order["request_id"], task_root)
        log_error(found)
        return {"error": found}


def marshal(result: object) -> str:
    try:
        return json.dumps(result, ensure_ascii=False, default=number)
    except (TypeError, ValueError) as error:
        raise FaultError("Runtime.MarshalError", f"Unable to marshal response: {error}") from None


def number(value: object) -> float:
    """AWS's runtime takes Decimal for a number, and nothing else that JSON has not."""
    if type(value).__name__ == "Decimal":
        found = float(cast("float", value))
        return int(found) if found.is_integer() else found
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def peak_kb() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes.
    return peak // 1024 if os.uname().sysname == "Darwin" else peak


def main() -> None:
    channel = Channel(int(sys.argv[1]), int(sys.argv[2]))
    task_root, layers, sdk = sys.argv[3:6]
    sys.argv = ["/var/runtime/bootstrap.py"]
    set_up_streams()
    set_up_path(task_root, layers, sdk)
    handler, broken = None, None
    try:
        handler = load_handler(os.environ["_HANDLER"])
    except Exception as error:  # noqa: BLE001 - whatever the import raises is the result of the invocation
        broken = error_of(error, "", task_root)
        log_error(broken)
    channel.send({"ready": handler is not None, "peak_kb": peak_kb()})
    while True:
        order = channel.orders.get()
        if handler is not None:
            found = run_once(handler, order, task_root)
        else:
            found = {"error": dict(broken or {}, requestId=order["request_id"])}
        sys.stdout.flush()
        sys.stderr.flush()
        # The server takes only the answer that repeats the order's token.
        channel.send(dict(found, token=order["token"], peak_kb=peak_kb()))


if __name__ == "__main__":
    main()
