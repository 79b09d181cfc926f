"""Furniture composed of simple shapes, one kind of room or use a file."""
