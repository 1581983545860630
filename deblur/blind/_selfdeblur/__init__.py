"""Blind restoration by two untrained networks: the method `selfdeblur` and its steps."""
