"""The archive: the oldest events of the hot tier moved to Parquet on HDFS, proved, and only then deleted.

``protocol`` is the pure logic, ``steps`` what each step does to the stores, the modules beside them the stores.
"""
