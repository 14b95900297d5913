"""Make Keras's backend use the given threads and give equal results for equal inputs.

Import this before anything that imports keras, and call `prepare` before the first tensor.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")

# Keras and TensorFlow import these where they are installed, for wrappers, pictures and converters
# that nothing here uses. Without them a job starts in two thirds of the time.
UNUSED = {"sklearn", "matplotlib", "jax"} - {os.environ["KERAS_BACKEND"], *sys.modules}
# Thousands of modules make objects and no garbage; looking for it, now and at the end of the
# process, takes a third as long as the import itself.
gc.disable()
sys.modules.update(dict.fromkeys(UNUSED))  # type: ignore[arg-type] # None: not to be found
import keras  # noqa: E402

for name in UNUSED:
    del sys.modules[name]
gc.freeze()
gc.enable()


def prepare(threads: int, seed: int) -> None:
    """Set the number of threads and every seed, and forbid operations that vary by run.

    The thread count must be set before the backend has computed anything. With TensorFlow,
    equal seeds and thread counts then give bit-identical weights on one kind of machine.
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
    keras.utils.set_random_seed(seed)


def fused(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let the steps of a function of tensors be computed in one go through memory, if possible.

    TensorFlow compiles it with XLA; the other backends decide for themselves.
    """
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        compiled: Callable[..., Any] = tf.function(function, jit_compile=True)
        return compiled
    return function
