"""All settings classes, for the generated documentation and for tests."""

from __future__ import annotations

from skytier.settings.airflow import AirflowSettings
from skytier.settings.alerts import AlertSettings
from skytier.settings.archive import ArchiveSettings
from skytier.settings.base import Settings
from skytier.settings.cache import CacheSettings
from skytier.settings.dashboard import DashboardSettings
from skytier.settings.feed import FeedSettings
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.hosts import BindSettings, HostSettings
from skytier.settings.kafka import KafkaSettings
from skytier.settings.leases import LeaseSettings
from skytier.settings.maintenance import MaintenanceSettings
from skytier.settings.metastore import MetastoreSettings
from skytier.settings.mongodb import MongoSettings
from skytier.settings.opensky import OpenSkySettings
from skytier.settings.ports import PortSettings
from skytier.settings.postgres import PostgresSettings
from skytier.settings.processing import ProcessingSettings
from skytier.settings.redis import RedisSettings
from skytier.settings.spark import SparkSettings
from skytier.settings.sql import SqlSettings
from skytier.settings.tls import TlsSettings
from skytier.settings.training import TrainingSettings

ALL_SETTINGS: tuple[type[Settings], ...] = (
    PortSettings,
    HostSettings,
    BindSettings,
    TlsSettings,
    KafkaSettings,
    HdfsSettings,
    MongoSettings,
    PostgresSettings,
    RedisSettings,
    SqlSettings,
    MetastoreSettings,
    AirflowSettings,
    SparkSettings,
    ProcessingSettings,
    MaintenanceSettings,
    LeaseSettings,
    ArchiveSettings,
    AlertSettings,
    TrainingSettings,
    FeedSettings,
    OpenSkySettings,
    CacheSettings,
    DashboardSettings,
)
