"""Processes that a story starts, kills and starts again; and waiting for what they bring about."""

import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

DEADLINE = 60  # seconds for any one condition


class Process:
    """A program with its log. Nothing that was started outlives the story: see `end_all`."""

    started = []

    def __init__(self, name, folder, *command, **environment):
        self.name, self.command, self.environment = name, [str(part) for part in command], environment
        self.log = Path(folder) / f"{name}.log"
        self.child = None
        Process.started.append(self)

    def start(self):
        with self.log.open("a") as log:
            self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.environment)
        return self

    def kill(self):
        """-9: nothing is finished, nothing is said goodbye to."""
        self.check()
        self.child.kill()
        self.child.wait(DEADLINE)

    @contextmanager
    def held(self):
        """Stopped in whatever it does, for a while."""
        self.check()
        self.child.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.child.send_signal(signal.SIGCONT)

    def stop(self):
        """As whoever runs it would: it has to end by itself, and content."""
        self.check()
        self.child.send_signal(signal.SIGTERM)
        code = self.child.wait(DEADLINE)
        assert code == 0, f"{self.name} ended with {code}"

    def check(self):
        assert self.child.poll() is None, f"{self.name} has ended with {self.child.returncode}"

    def said(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @classmethod
    def end_all(cls):
        for process in cls.started:
            if process.child and process.child.poll() is None:
                process.child.kill()
                process.child.wait()

    @classmethod
    def logs(cls):
        return "".join(f"-- {it.name} said:\n{''.join(it.said().splitlines(True)[-30:])}" for it in cls.started)


def until(what, condition, *alive):
    """Waits until the condition holds, while these processes live. Returns what it gave."""
    end = time.monotonic() + DEADLINE
    while True:
        found = condition()
        if found:
            return found
        for process in alive:
            process.check()
        assert time.monotonic() < end, f"not within {DEADLINE} seconds: {what}"
        time.sleep(0.02)


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def listens(port):
    with socket.socket() as it:
        return it.connect_ex(("127.0.0.1", port)) == 0
