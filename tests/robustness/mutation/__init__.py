"""Mutation testing of the modules that compute."""
