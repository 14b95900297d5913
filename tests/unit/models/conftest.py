"""Import and prepare the backend as the jobs do, before any module imports Keras.

This takes half as long as a plain import of Keras. Tests of `stormcnn` are therefore collected
after those of this folder.
"""

from stormcnn.models import backend

backend.prepare(threads=1, seed=0)
