"""The archive: the oldest events of the hot tier moved to Parquet on HDFS, proved, and only then deleted.

``protocol`` is the pure logic, ``stores`` everything outside it, ``runs`` what takes its steps.
"""
