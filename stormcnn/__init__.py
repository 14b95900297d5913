"""Storm patches in, probabilities of strong low-level rotation out.

The library of the workflow: it knows storms, networks, scores and diagrams. It takes arrays,
paths and settings; which file comes from which is the business of the rules.
"""

__version__ = "0.1.0"
