"""Recorded trajectories, replayed through a server that speaks the API of the OpenSky Network."""
