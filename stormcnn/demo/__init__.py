"""The generator of made-up storms with a known true probability."""
