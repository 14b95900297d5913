"""Input: run files, checked patches, inventory, events and scaling."""
