"""Offline training: networks, losses, data, export. Imports ``mtl_perception``; never the other way round."""
