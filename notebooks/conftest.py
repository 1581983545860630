import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the kernels: there are several, and more threads get in their way
