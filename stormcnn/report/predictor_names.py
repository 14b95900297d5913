"""Names of predictors, and of sets of them, within a sentence."""

from __future__ import annotations

from stormcnn.explanation.predictor_sets import wind_pairs
from stormcnn.report.words import join
from stormcnn.storms.event_texts import name_of


def predictor_name(predictors: str) -> str:
    """Return the name of some predictors, which are joined by `+`, in words.

    >>> predictor_name("U10_curr+V10_curr"), predictor_name("U10_curr+REFL_COM_curr")
    ('10 m wind', '10 m wind along x and composite reflectivity')
    """
    variables = predictors.split("+")
    names = [name_of(variable) for variable in variables]
    if len(names) == 2 and wind_pairs(variables):
        winds = {name.removesuffix(" along x").removesuffix(" along y") for name in names}
        if len(winds) == 1:
            return winds.pop()
    return join(names)
