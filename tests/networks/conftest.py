"""Prepare the backend as the jobs do, before any module imports Keras."""

from stormcnn.models import backend

backend.prepare(threads=1, seed=0)
