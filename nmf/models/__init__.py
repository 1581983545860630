"""The models: `NMF`, its convolutive forms, and probabilistic latent component analysis."""
