"""What everything else stands on: arrays, samples, tiling, files, memory, progress and errors."""
