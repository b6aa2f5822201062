"""What all tests share."""

import os

from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: small tests would fight for the cores
settings.register_profile("atlas", deadline=None, derandomize=True)  # no test fails because a machine is busy
settings.load_profile("atlas")
