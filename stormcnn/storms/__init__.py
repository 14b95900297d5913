"""Input: archives and run files, checked patches, inventory, tracks, events and scaling."""
