"""The archive: the oldest events of the hot tier moved to Parquet on HDFS, verified there, and only then deleted.

``target`` says what is archived and where to, ``protocol`` is the pure logic, ``ports`` what it needs of the servers,
``stores`` implements that, ``runs`` takes the steps.
"""
