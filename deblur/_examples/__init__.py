"""Sample pictures, and the demonstration that restores two of them."""
