"""The dashboard: six pages over both tiers.

A page says what it shows: panels of a query (``queries``) and how to draw its answer (``charts``); ``panels`` does
the rest.
"""
