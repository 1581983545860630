"""Numerics that several methods share, each written once."""
