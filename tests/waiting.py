"""Waiting for processes."""

import time
from collections.abc import Callable

import psutil


def wait_for(said: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def gone(pid: int) -> bool:
    """Say whether a process has ended, reaped or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
