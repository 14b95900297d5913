"""Explanations of networks: permutation importance, attributions, and tests of both."""
