"""The texts of Historical Analytics."""

from __future__ import annotations

SCOPE = (
    "All completed flights: arrived, cancelled or diverted. Dates and hours are those of the scheduled departure, in "
    "local time of the origin."
)
CALENDAR, DRILL, COMPARE, CANCELLATIONS = VIEWS = "By time", "Drill-down", "Comparison", "Cancellations"
MEASURE, MEASURE_HELP = (
    "Measure",
    "The measure of the charts by day, hour and weekday, of the drill-down and the comparison.",
)
DELAYED, ARRIVAL, DEPARTURE, CANCELLED, FLIGHTS = (
    "Delayed share",
    "Arrival delay",
    "Departure delay",
    "Cancelled share",
    "Flights per day",
)
DELAYED_AXIS, CANCELLED_AXIS = "Delayed (% of arrived)", "Cancelled (% of flights)"
ARRIVAL_AXIS, DEPARTURE_AXIS = "Mean arrival delay (min)", "Mean departure delay (min)"
FLIGHTS_AXIS = "Flights per day"
NOTHING = "no value"

HEADLINE = "Summary of the selection"
TOTAL, TOTAL_NOTE = "Completed flights", "on {days} days"
TOTAL_HELP = "Flights that arrived, were cancelled or diverted."
DELAYED_HELP = "Share of arrived flights that were at least 15 minutes late."
ARRIVAL_NOTE = "{} arrived"
DELAY_HELP = "Mean over arrived flights; negative means early."
DIVERTED = "Diverted share"

DAILY, HOURLY, WEEKDAY, HEAT = "By day", "By hour of departure", "By day of the week", "Hour by day of the week"
DAY_AXIS, HOUR_AXIS, WEEKDAY_AXIS = (
    "Flight date",
    "Scheduled hour of departure (local time)",
    "Day of the week",
)
DAYS_SHORT = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EACH_DAY, WEEK_MEAN, UNDER_WAY = "Day", "7-day mean", "Incomplete day"
WORST = {
    DELAYED: "{name} is worst: {value} of arrivals late",
    ARRIVAL: "{name} is worst: {value} at arrival",
    DEPARTURE: "{name} is worst: {value} at departure",
    CANCELLED: "{name} is worst: {value} of flights cancelled",
    FLIGHTS: "{name} is busiest: {value} flights a day",
}
CANCELLED_DAYS_WORST = "{day} is worst: {cancelled} of {flights} flights cancelled"
SIDES_DIFFER = "A {a}, B {b}: {difference}"
OF_FLIGHTS = "{flights} flights"
VALUE_HOVER, PER_DAY_HOVER = "{value} of {flights} flights", "{value} per day, {flights} flights"
DAILY_SAYS = (
    "{measure} from {first} to {last}: {overall} overall; maximum {most} on {most_day}, minimum {least} on {least_day}."
)
DAILY_SAYS_FEW = "{measure} from {first} to {last}: {overall} overall."
NO_VALUES = "{measure}: no flight of the selection has a value."
BARS_SAYS = "{measure}: {overall} overall; maximum {most} ({most_name}), minimum {least} ({least_name})."
FEW = "n={:.0f}"
BARS_SAYS_FEW = "{measure}: {overall} overall. Grey bars: fewer than {flights} flights."
HEAT_SAYS = (
    "{measure}: maximum {most} on {most_name}, minimum {least} on {least_name}, over the hours of the week with at "
    "least {flights} flights."
)
HEAT_SAYS_FEW = "{measure} by hour and day of the week: no hour of the week has at least {flights} flights."
HOUR, HOUR_SHORT = "{:02d}:00", "{:02d}"

ROOT, BELOW = "All airlines", "/"
ORIGIN_CRUMB, DESTINATION_CRUMB, NUMBER_CRUMB, ALL_CRUMB = "from {}", "to {}", "{} {}", "All flights"
STEPS = ("Airline", "Origin", "Destination", "Flight number")
KINDS = ("Airlines", "Origins", "Destinations", "Flight numbers of the route")
ALL_OF_ROUTE = "All flights"
DRILL_SAYS = (
    "{kind}: {number}. {flights} flights; {delayed} of the arrived flights were delayed, {cancelled} of all flights "
    "were cancelled. Select a name to drill down, and a step of the path to go back up. The address contains the path."
)
NOT_HERE = "No flight matches this path and the filters. Go back up, or widen the filters."
DRILL_CHART, DELAYED_FROM = "Chart of this level", "Delayed from here"
DRILL_CHART_SAYS = (
    "{measure}: {overall} overall. Shown: {shown} of {all}, those with the most flights on top; grey: fewer than "
    "{least} flights."
)
NO_ARRIVALS = "None of these flights has arrived."
FLIGHT_HOVER, FLIGHTS_HEADLINE = "{day}: {delay}", "{late} of {arrived} arrivals delayed"
FLIGHTS_CHART_AXIS, FLIGHT_DELAY_AXIS = "Scheduled departure (UTC)", "Arrival delay (min)"
FLIGHTS_CHART_SAYS = "Each point is a flight that arrived; from 15 minutes on it counts as delayed."
FLIGHTS_SAYS = "{number} flights from {first} to {last}, newest first. Times are UTC; dates are local to the origin."
FLIGHTS_SAYS_CUT = "The newest " + FLIGHTS_SAYS

AIRLINE = "Airline"
COMPARE_SCOPE = (
    "Empty fields use the filters of the sidebar. If A and B are the same, the newest seven complete days (A) are "
    "compared with the seven days before them (B)."
)
SIDE_FROM, SIDE_TO, SIDE_AIRLINE, SIDE_ORIGIN = "{} from", "{} to", "{} airline", "{} origin"
AS_SIDEBAR = "as sidebar"
COMPARED, SIDE_BY_SIDE = "A versus B", "A and B over time"
AXIS, BY_HOUR, BY_WEEKDAY, BY_DAY = "By", "Hour", "Weekday", "Day"
DAY_NUMBER_AXIS = "Day of the selection"
SIDE_NAME, EVERYTHING = "{side}: {what}", "all"
PERIOD, SINCE, UNTIL = "{} to {}", "since {}", "until {}"
POINTS = "{:+.1f} points"
COMPARED_SAYS = "{a}. {b}. The difference is A minus B; shares differ by percentage points."
SIDE_BY_SIDE_SAYS, SIDE_SAYS = "{measure}: {said}.", "{value} ({name})"
ONE_SIDE = "{} has no flights. Choose other dates, airlines or origins."

CANCELLED_DAYS, CANCELLED_AIRLINES = "Cancellations by day", "Cancellations by airline"
CANCELLED_FLIGHTS, CANCELLED_BAR, CANCELLED_LINE = (
    "Cancelled flights",
    "Flights (left axis)",
    "Share of complete days (right axis)",
)
CANCELLED_DAYS_SAYS = (
    "{cancelled} of {flights} flights were cancelled ({share}); maximum {most} on {day}. Events contain no reasons."
)
CANCELLED_NONE = "None of {flights} flights was cancelled."
CANCELLED_AIRLINES_FEW = "No airline has at least {least} flights. Lines: 95% confidence interval."
CANCELLED_AIRLINES_SAYS = (
    "Maximum share: {airline} with {share} ({cancelled} of {flights} flights). Lines: 95% confidence interval, "
    "which is wide for few flights."
)
OUT_OF = "{cancelled} of {flights} flights"
