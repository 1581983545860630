"""The objective: the beta-divergence of the model from the data, and penalties on the factors."""
