"""Internal foundations: arrays, samples, tiling, files, memory, devices, progress and errors."""
