"""The texts of sign-in and of the operators' page."""

from __future__ import annotations

TITLE, PASSWORD, SIGN_IN, SIGN_OUT = "Sign in", "Password", "Sign in", "Sign out"
WRONG = "Wrong password."
SIGNED_IN = "Signed in as {}"
ROLES = {"viewer": "viewer", "operator": "operator"}
NAMES = {"viewer": "anonymous", "operator": "local operator"}
"""Names of users who did not have to sign in"""
TOO_MANY = "Too many failed attempts. Try again at {}."
BECOME, IS_OPERATOR = "Sign in as operator", "You are signed in as operator"
OPERATOR_TITLE, OPERATOR_FIELD, OPERATOR_USE = "Skytier operator", "Operator token", "Sign in as operator"
OPERATOR_LEAVE, OPERATOR_BACK = "Sign out", "To the dashboard"
OPERATOR_HINT = (
    "Operators can acknowledge alerts and start runs. The token is SKYTIER_DASHBOARD_OPERATOR_TOKEN in stack.env; on a "
    "terminal 'skytier stack up' prints a link that contains it. This browser stays signed in for 30 days."
)
OPERATOR_WRONG = "Wrong operator token."
OPERATOR_ONLY_HERE = (
    "The token is accepted only from a browser on the machine that runs the dashboard, without a proxy. For access "
    "over a network, set SKYTIER_DASHBOARD_SIGN_IN (see docs/dashboard.md)."
)
OPERATOR_NOT_USED = "This dashboard requires sign-in: the operator token is not used."
FOREIGN_HOST = (
    "The host name {!r} is not allowed. Behind a proxy, add it to SKYTIER_DASHBOARD_ALLOWED_HOSTS and restart the "
    "dashboard."
)
FOREIGN_ORIGIN = (
    "Requests of the origin {!r} are not allowed: the dashboard accepts those of its own pages only. A proxy must "
    "forward the Host header of the browser."
)
NOT_INVITED = "{name} has no access to this dashboard. Ask an operator for access."
NOTHING_SET = (
    "Sign-in by password is on, but no password of at least {least} characters is set: set "
    "SKYTIER_DASHBOARD_OPERATOR_PASSWORD for operators, and SKYTIER_DASHBOARD_VIEWER_PASSWORD for viewers."
)
NO_PROVIDER = (
    "Sign-in by OpenID Connect is on, but no provider is configured: .streamlit/secrets.toml needs a section [auth] "
    "(see docs/dashboard.md)."
)
OPERATORS_ONLY = "This action requires the operator role."
