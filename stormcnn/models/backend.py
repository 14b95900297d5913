"""Import Keras quickly, and make its backend reproducible.

Import this module before any other that imports keras, and call `prepare` before the first tensor
is created.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")

# Keras and TensorFlow import these libraries, if they are installed, for features that stormcnn
# does not use. Hiding them reduces the start-up time of a job by a third.
UNUSED = {"sklearn", "matplotlib", "jax"} - {os.environ["KERAS_BACKEND"], *sys.modules}
ABOUT_THE_BUILD = (b"I0000 ", b"To enable the following", b"WARNING: All log messages before absl")
# The import creates many objects but no garbage. Collecting it now and at the end of the process
# would take a third as long as the import itself.
gc.disable()
sys.modules.update(dict.fromkeys(UNUSED))  # type: ignore[arg-type] # None hides them
filters = os.environ.get("HDF5_PLUGIN_PATH")
# TensorFlow describes its build before it reads TF_CPP_MIN_LOG_LEVEL. In a scheduled call, every
# line is a mail, so only warnings and errors are passed on.
with tempfile.TemporaryFile() as messages:
    sys.stderr.flush()
    stderr = os.dup(2)
    os.dup2(messages.fileno(), 2)
    try:
        import keras
    finally:
        sys.stderr.flush()
        os.dup2(stderr, 2)
        os.close(stderr)
        messages.seek(0)
        for line in messages:
            if not line.startswith(ABOUT_THE_BUILD):
                os.write(2, line)

# TensorFlow disables the filters of HDF5, also for run files that are read later.
os.environ.pop("HDF5_PLUGIN_PATH", None)
if filters is not None:
    os.environ["HDF5_PLUGIN_PATH"] = filters

for name in UNUSED:
    del sys.modules[name]
gc.freeze()
gc.enable()


def prepare(threads: int, seed: int) -> None:
    """Set the number of threads and all seeds, and enable deterministic operations only.

    Call it before the backend computes anything. With TensorFlow, equal seeds and thread counts
    then give bit-identical weights on machines of the same kind.
    """
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.experimental.enable_op_determinism()
        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)
    elif keras.config.backend() == "torch":
        import torch

        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True)
    start_over(seed)


def start_over(seed: int) -> None:
    """Forget all networks and set all seeds, as at the start of a process."""
    keras.utils.clear_session(free_memory=True)
    keras.utils.set_random_seed(seed)


def fused(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of tensors so that its steps are fused, if the backend can do that.

    TensorFlow compiles it with XLA; other backends get the function unchanged.
    """
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        compiled: Callable[..., Any] = tf.function(function, jit_compile=True)
        return compiled
    return function


def computes_on_cpu() -> bool:
    """Return whether the backend is TensorFlow and has no GPU."""
    if keras.config.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU")
