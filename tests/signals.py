"""What tests that send signals have in common."""

import signal


def hear_ctrl_c() -> None:
    """Have a child stop at Ctrl-C: tests that run in the background may ignore it, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
