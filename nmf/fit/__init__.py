"""Fitting: options, problems, solvers and the loop that runs them."""
