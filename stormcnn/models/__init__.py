"""Models: networks, their training and predictions, and simpler opponents."""
