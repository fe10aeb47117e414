"""Prediction & Insights."""

from __future__ import annotations

ACCURACY, DELAYS, OUTLIERS, MODEL = VIEWS = "Accuracy", "Delays and confidence", "Largest errors", "Model"
STAGE, FLIGHTS, MEASURE, ORDER = "Predicted", "Flights", "Measure", "Furthest off"
SEEN = {True: "all", False: "without those of the training"}
SEEN_HELP = "The model is trained on past flights. When these are replayed, its errors on them are flattered."
ORDERS = {False: "in minutes", True: "against their interval"}
INTRODUCTION = (
    "Predicted arrival delays beside those that came, of flights that have arrived. Errors are actual minus predicted: "
    "above zero the flight came later than predicted. Days are flight dates, local at the origin. 'Test days' are days "
    "that the model never saw: the honest measure of it."
)

ALL_KNOWN = (
    "The model was trained on every flight here. Choose 'all' above, or look at the champion on its test days, under "
    f"'{MODEL}'."
)

EMPTY = "No flight with a prediction has arrived that matches the filters. Widen them, or wait for the next arrivals."

ERRORS, INTERVALS = "Errors", "Intervals and confidence"
OVER_TIME, BY_AIRLINE, VERSIONS = "Accuracy over time", "Accuracy by airline", "By stage and model version"
ACTUAL, DISTRIBUTION = "Actual against predicted", "Distribution of predictions"
CALIBRATION, BY_CONFIDENCE = "Confidence against accuracy", "Error by confidence"
COVERAGE, LARGEST = "Interval coverage by predicted delay", "Largest errors and anomalies"
IMPORTANCE, TEST_DAYS, DRIFT = "What the champion decides by", "The champion on its test days", "Drift of the features"

JUDGED, MAE, RMSE, BIAS, MAPE = "Judged", "MAE", "RMSE", "Bias", "MAPE"
KNOWN = "{} trained on"
RMSE_NOTE, WIDTH_NOTE = "weighs large errors", "lower to upper"
BIAS_NOTES = {True: "later than predicted", False: "earlier than predicted"}
STATED_SHARE, ANOMALIES_NOTE = "stated {}", "{} flights"
TEST_DAYS_NOTE = "test days {:.1f} min"
JUDGED_HELP = "Predictions of flights that have arrived since, and how many of these the model was trained on."
MAE_HELP = "Mean absolute error: so far a prediction is off on average."
RMSE_HELP = "Root mean squared error: a few large errors weigh more in it."
BIAS_HELP = "Mean of actual minus predicted: above zero, flights come later than predicted."
MAPE_ON = "on {} of flights"
MAPE_HELP = (
    "Mean absolute error as a share of the actual delay. A flight on time has an actual delay near zero, and a share "
    "of that means nothing, so it rests only on flights {:.0f} minutes late or more, or as much early."
)
IN_INTERVAL, WIDTH, ACCURATE, STATED, ANOMALIES = (
    "In the interval",
    "Mean interval",
    "Within 15 min",
    "Confidence",
    "Anomalies",
)
WANTED, WANTED_PCT = "wanted 90%", 90.0
IN_INTERVAL_HELP = "Flights whose delay lay within the predicted interval."
WIDTH_HELP = "From the lower to the upper bound of the interval: the narrower, the more it says."
ACCURATE_HELP = "Predictions off by no more than 15 minutes."
STATED_NOTE = "to be within 15 min"
STATED_HELP = "What the model stated, on average, as the probability to be within 15 minutes. It should be what came."
ANOMALIES_HELP = (
    "Off by at least {:.0f} times the distance from the prediction to that bound of its interval: nothing that the "
    "model knew hinted at it."
)

MEASURES = {
    "mean_absolute_error_minutes": "Mean absolute error (MAE)",
    "root_mean_squared_error_minutes": "Root mean squared error (RMSE)",
    "mean_error_minutes": "Bias (actual minus predicted)",
    "percentage_error_pct": "Percentage error (MAPE)",
    "in_interval_pct": "In the interval",
    "accurate_pct": "Within 15 minutes",
    "anomalies_pct": "Anomalies",
}
UNITS = {"minutes": "min", "pct": "%"}
DAY, PREDICTIONS, HOVER_PREDICTIONS = "Flight date", "Predictions", "{:,} predictions"
MEASURED, REFERENCE = "This day", {"mean_absolute_error_minutes": "Test days", "in_interval_pct": "Wanted"}
OVER_TIME_SAYS = "{measure} by flight date: {last} on {day}, {mean} over all; lowest {low}, highest {high}."
SMALL = " Small points: fewer than {} predictions."
HOLLOW = " Hollow points: most flights were known from the training."
BY_AIRLINE_SAYS = "{measure}: lowest {low_name} with {low}, highest {high_name} with {high}."
PERCENTAGE_SAYS = " It rests on {share} of the flights: those 15 minutes late or more, or as much early."

PREDICTED_DELAY, ACTUAL_DELAY, DELAY = "Predicted delay (min)", "Actual delay (min)", "Delay (min)"
EARLIER, LATER = "earlier", "later"
SAME, MEAN_ACTUAL, COUNT_BAR = "Actual = predicted", "Mean actual delay", "Flights"
CELL_HOVER = "predicted {x} to {x_end} min, actual {y} to {y_end} min: {n:,} flights"
ACTUAL_SAYS = (
    "{n} flights; on the dashed line, actual equals predicted. {near} lie within one step of {step} min of it. "
    "The first and last steps hold all beyond."
)
PREDICTED, ACTUALLY = "Predicted", "Actual"
DISTRIBUTION_SAYS = (
    "{predicted} of flights were predicted 30 minutes late or more, {actual} were. Steps of {step} min; the first and "
    "last hold all beyond. Predictions lie closer together than what comes: they are means over what may happen."
)
SHARE_OF_FLIGHTS = "Flights (%)"
CONFIDENCE, AS_STATED, FOUND = "Stated confidence (%)", "As stated", "Within 15 min"
WITHIN = "Within 15 min (%)"
CALIBRATION_SAYS = (
    "On average the share within 15 minutes is {gap:.1f} percentage points off the stated confidence. At the most "
    "frequent confidence, {stated:.0f}%, it is {found:.0f}%. Larger points: more predictions."
)
MEAN_ERROR = "MAE (min)"
BY_CONFIDENCE_SAYS = (
    "Where the model is least sure ({low:.0f}%) it is off by {low_error:.1f} min on average, where it is most sure "
    "({high:.0f}%) by {high_error:.1f} min."
)
COVERAGE_SHARE, FOUND_INSIDE = "In the interval (%)", "Found"
COVERAGE_SAYS = (
    "{share} of all delays lay in their interval; wanted are 90% at every predicted delay. Lowest: {low} where "
    "{low_bin} min were predicted. Steps with fewer than {fewest} predictions are left out."
)

NO_CHAMPION = "There is no model yet: run 'skytier train'."
NO_DRIFT = "No drift was computed for these days yet: the DAG of the drift does so every hour, with a full day."
LARGEST_SAYS = (
    "Times the margin: the error over the distance from the prediction to the bound of its interval on that side. "
    "Above 1 the delay lay outside; from {:.0f} on it is an anomaly."
)
TEST_DAYS_SAYS = "Flights of {first} to {last}, which {version} never saw. The baselines need no model."
PREDICTORS = {
    "model": "the champion",
    "train_median": "median of the training days",
    "airline_hour_mean": "mean of airline and hour",
}
GAIN = "Gain (%)"
IMPORTANCE_SAYS = (
    "Of {count} features, {first} decides most ({share:.0f}% of the gain); the first five make {five:.0f}%. Gain is "
    "what the splits on a feature took off the loss in training."
)
BEYOND = "▲"
BANDS = (
    "below 0.1:<br>stable",
    "0.1 to 0.25:<br>moved",
    "above 0.25:<br>shifted",
    f"{BEYOND} above any day<br>of the training",
)
STABILITY = "Stability index"
DRIFT_SAYS = (
    "On {day}, {shifted} of {all} features were above 0.25 and {moved} between 0.1 and 0.25. One day is always some "
    "way from the months of the training; {beyond} ({mark}) were further than any single day of it, which is what "
    "counts. The index of the errors: {errors}. Shown are the {shown} features that moved most; the calendar, which "
    "moves by nature, is left out. All airlines and origins."
)
DRIFT_HOVER = "{name}, {day}: {value:.2f}{reference}, {flights:,} flights"
DRIFT_REFERENCE = ", worst day of the training {:.2f}"
UNKNOWN = "not known"
