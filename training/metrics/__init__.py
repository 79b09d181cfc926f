"""Metrics of the tasks that only training knows; those of depth and classes are ``mtl_perception.metrics``."""
