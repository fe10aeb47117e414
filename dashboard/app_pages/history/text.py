"""Historical Analytics."""

from __future__ import annotations

SCOPE = (
    "Flights that have ended: arrived, been cancelled or diverted. Days and hours are those of the scheduled "
    "departure, local at the origin."
)
CALENDAR, DRILL, COMPARE, CANCELLATIONS = VIEWS = "By time", "From airline to flight", "Comparison", "Cancellations"
MEASURE, MEASURE_HELP = "Show", "What the charts by day, hour and weekday and the one of the comparison show."
DELAYED, ARRIVAL, DEPARTURE, CANCELLED, FLIGHTS = (
    "Delayed share",
    "Arrival delay",
    "Departure delay",
    "Cancelled share",
    "Flights a day",
)
DELAYED_AXIS, CANCELLED_AXIS = "Delayed (% of arrived)", "Cancelled (% of flights)"
ARRIVAL_AXIS, DEPARTURE_AXIS = "Mean arrival delay (min)", "Mean departure delay (min)"
FLIGHTS_AXIS = "Flights a day"
NOTHING = "no value"

HEADLINE = "All flights of the selection"
TOTAL, TOTAL_NOTE = "Flights ended", "on {days} days"
TOTAL_HELP = "Flights that arrived, were cancelled or diverted."
DELAYED_HELP = "Arrived 15 minutes late or more, of those that arrived."
ARRIVAL_NOTE = "{} arrived"
DELAY_HELP = "Of the flights that arrived; early is negative."
DIVERTED = "Diverted share"

DAILY, HOURLY, WEEKDAY, HEAT = "By day", "By hour of departure", "By day of the week", "Hour by day of the week"
DAY_AXIS, HOUR_AXIS, WEEKDAY_AXIS = (
    "Flight date",
    "Scheduled hour of departure (local time)",
    "Day of the week",
)
DAYS_SHORT = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EACH_DAY, WEEK_MEAN, UNDER_WAY = "Day", "7 days together", "May still be under way"
OF_FLIGHTS = "{flights} flights"
DAILY_SAYS = (
    "{measure} from {first} to {last}: {overall} over all; highest {most} on {most_day}, lowest {least} on {least_day}."
)
DAILY_SAYS_FEW = "{measure} from {first} to {last}: {overall} over all."
NO_VALUES = "{measure}: no flight of the selection has it."
BARS_SAYS = "{measure}: {overall} over all; highest {most} ({most_name}), lowest {least} ({least_name})."
HEAT_SAYS = (
    "{measure}: highest {most} on {most_name}, lowest {least} on {least_name}, of the hours of the week with at least "
    "{flights} flights."
)
HEAT_SAYS_FEW = "{measure} by hour and day of the week: no hour of the week has {flights} flights yet."
HOUR, HOUR_SHORT = "{:02d}:00", "{:02d}"

ROOT, BELOW = "All airlines", "/"
ORIGIN_CRUMB, DESTINATION_CRUMB, NUMBER_CRUMB, ALL_CRUMB = "from {}", "to {}", "{} {}", "All flights"
STEPS = ("Airline", "Origin", "Destination", "Flight number")
KINDS = ("Airlines", "Origins", "Destinations", "Flight numbers of the route")
ALL_OF_ROUTE = "All flights"
DRILL_SAYS = (
    "{kind}: {number}. Flights: {flights}; {delayed} of the arrived were delayed, {cancelled} of all were cancelled. "
    "Press a name to go deeper, a step of the path to go back; the address keeps the place."
)
NOT_HERE = "No flight of the selection is here: go back a step, or widen the filters."
FLIGHTS_SAYS = "{number} flights from {first} to {last}, newest first. Times are UTC, dates local at the origin."
FLIGHTS_SAYS_CUT = "The newest " + FLIGHTS_SAYS

AIRLINE = "Airline"
COMPARE_SCOPE = (
    "What is left empty is as in the sidebar. Where A and B are the same then, the newest seven whole days (A) are "
    "compared with the seven before (B)."
)
SIDE_FROM, SIDE_TO, SIDE_AIRLINE, SIDE_ORIGIN = "{} from", "{} to", "{} airline", "{} origin"
AS_SIDEBAR = "as sidebar"
COMPARED, SIDE_BY_SIDE = "A against B", "A and B over time"
AXIS, BY_HOUR, BY_WEEKDAY, BY_DAY = "By", "Hour", "Weekday", "Day"
DAY_NUMBER_AXIS = "Day, counted from the first of each side"
SIDE_NAME, EVERYTHING = "{side}: {what}", "all"
PERIOD, SINCE, UNTIL = "{} to {}", "since {}", "until {}"
POINTS = "{:+.1f} points"
COMPARED_SAYS = "{a}. {b}. The difference is A minus B, of shares in percentage points."
SIDE_BY_SIDE_SAYS, SIDE_SAYS = "{measure}: {said}.", "{value} ({name})"
ONE_SIDE = "{} has no flights: choose other days, airlines or origins."

CANCELLED_DAYS, CANCELLED_AIRLINES = "Cancellations by day", "Cancellations by airline"
CANCELLED_FLIGHTS, CANCELLED_BAR, CANCELLED_LINE = (
    "Cancelled flights",
    "Flights (left axis)",
    "Share, of whole days (right axis)",
)
CANCELLED_DAYS_SAYS = (
    "{cancelled} of {flights} flights were cancelled ({share}); most on {day}: {most}. The events give no reasons."
)
CANCELLED_NONE = "None of {flights} flights was cancelled."
CANCELLED_AIRLINES_SAYS = (
    "Largest share: {airline} with {share} ({cancelled} of {flights} flights). Lines: 95% interval, as few flights say "
    "little."
)
OUT_OF = "{cancelled} of {flights} flights"
