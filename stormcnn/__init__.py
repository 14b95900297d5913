"""Forecast the probability of an event, such as large hail, from storm patches.

This package is the library of the workflow: storms, models, scores and figures. Its functions take
arrays, paths and settings; the rules of the workflow decide which file is made from which.
"""

__version__ = "0.2.0"
