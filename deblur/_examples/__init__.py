"""Sample photographs, and the demonstration that restores two of them."""
