"""Attacks on the toolkit, repeatable from a seed; docs/reliability.md has what they found."""
