"""The model as linear maps of its factors: matrix products and convolutions."""
