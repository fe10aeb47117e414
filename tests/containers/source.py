"""Run in a container of the feed that is not running: count the events that it has published, by its own position.

What is counted is the source, flights of 2013, up to the last event that Kafka acknowledged; not the topic.
"""

import json
import sys
from datetime import timedelta

import pandas as pd

from generator import flights
from generator.position import PositionFile
from local_stack.feed import first_live_day
from skytier.settings.base import home
from skytier.settings.feed import FeedSettings
from skytier.settings.kafka import KafkaSettings

settings, live = FeedSettings(), first_live_day()
ids = {record.event_id for batch in flights.replay(settings.start, live - timedelta(days=1)) for record in batch}
last = PositionFile(home() / "replay", KafkaSettings().topic, live, flights.LAST_DAY).read()
if last is not None:
    until = (pd.Timestamp(last.event_time).timestamp(), last.event_id)
    for batch in flights.replay(live, last.event_time.date() + timedelta(days=1)):
        reached = [record for record in batch if (record.event_time, record.event_id) <= until]
        ids.update(record.event_id for record in reached)
        if len(reached) < len(batch):
            break
json.dump(len(ids), sys.stdout)
