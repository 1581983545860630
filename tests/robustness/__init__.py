"""Attempts to break the toolkit, repeatable from a seed.

The modules without an underscore are commands (``python -m tests.robustness.fuzz``); docs/reliability.md has what they
found. The tests beside them run a sample of each, and one case of every fault that was ever found.
"""
