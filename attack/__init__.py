"""Attacks on the toolkit, repeatable from a seed: each module is a command; docs/reliability.md has what they found."""
