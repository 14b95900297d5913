"""Models: networks, their training and predictions, and the opponents they are compared with."""
