"""A program that wants a terminal: what it shows as text, and keys for it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

# What programs ask a terminal about itself: where the cursor is, its colours, its kind, its keyboard.
ANSWERS = {
    b"\x1b[6n": b"\x1b[1;1R",
    b"\x1b]10;?": b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
    b"\x1b]11;?": b"\x1b]11;rgb:0000/0000/0000\x1b\\",
    b"\x1b[c": b"\x1b[?62;c",
    b"\x1b[?u": b"\x1b[?0u",
}


class Terminal:
    """A window of 120 columns with a program in it."""

    def __init__(self, words: list[str], cwd: Path, env: dict[str, str]) -> None:
        self._end, own = pty.openpty()
        fcntl.ioctl(own, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        pipes = {"stdin": own, "stdout": own, "stderr": own}
        env = env | {"TERM": "xterm-256color"}
        self._popen = subprocess.Popen(["setsid", "--ctty", *words], cwd=cwd, env=env, start_new_session=True, **pipes)  # type: ignore[call-overload]
        os.close(own)
        self._seen = b""

    def shows(self, seconds: float = 1.5) -> str:
        """What it has shown since the last key, after so many more seconds; without colours and places."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not select.select([self._end], [], [], left)[0]:
                continue
            try:
                told = os.read(self._end, 65_536)
            except OSError:  # it has ended
                break
            self._seen += told
            for question, answer in ANSWERS.items():
                if question in told:
                    os.write(self._end, answer)
        plain = re.sub(rb"\x1b\[[0-9;?<>=]*[a-zA-Z]", b" ", self._seen)
        return re.sub(r" +", " ", plain.decode(errors="replace"))

    def type(self, keys: str) -> None:
        """Press keys."""
        self._seen = b""
        os.write(self._end, keys.encode())

    def close(self) -> None:
        """Shut the window."""
        os.killpg(self._popen.pid, signal.SIGKILL) if self._popen.poll() is None else None
        self._popen.wait(20)
        os.close(self._end)
