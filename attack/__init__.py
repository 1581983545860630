"""Attacks on the toolkit: each module is a command."""
