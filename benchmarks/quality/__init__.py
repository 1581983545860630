"""How good the results are, and where the tuned constants come from."""
