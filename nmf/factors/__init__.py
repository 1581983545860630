"""Templates and activations as the parameters of a module."""
