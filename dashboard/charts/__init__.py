"""How answers are drawn: pure functions from a DataFrame to what a panel shows."""
