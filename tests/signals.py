"""What tests that send signals have in common."""

import signal


def hear_ctrl_c() -> None:
    """Have a child stop at Ctrl-C: a test run in the background may be told to ignore it, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
