"""The dashboard: six pages over the hot and the cold tier.

A page is a folder of ``app_pages``: what it shows (``page``), its SQL and other queries (``queries``), how it draws
their results (``charts``) and its texts (``text``). What several pages share is in ``panels``.
"""
