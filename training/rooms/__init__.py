"""Synthetic furnished rooms: colour, exact depth, classes, objects and poses, by ray casting.

Layers, each importing only the ones before it: ``mesh`` and ``textures`` (plain arrays),
``furniture`` (objects built of them), ``layout`` and ``room_types`` (which object goes where),
``scene`` (one array of triangles), ``render`` and ``camera`` (pictures), ``generate`` and
``command`` (a data set folder of them). No torch, no OpenGL.
"""
