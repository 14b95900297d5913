"""Prepare the backend as the jobs do, before any test creates a tensor."""

from stormcnn.models import backend

backend.prepare(threads=1, seed=0)
