"""Signing in."""

from __future__ import annotations

TITLE, PASSWORD, SIGN_IN, SIGN_OUT = "Sign in", "Password", "Sign in", "Sign out"
WRONG = "This is not the password of a viewer or an operator."
SIGNED_IN = "Signed in as {}"
ROLES = {"viewer": "viewer", "operator": "operator"}
NAMES = {"viewer": "somebody", "operator": "operator here"}
"""Who has not had to sign in"""
TOO_MANY = "Too many wrong tries. Try again at {}."
BECOME, IS_OPERATOR = "Operator? Give the token", "You are an operator here"
OPERATOR_TITLE, OPERATOR_FIELD, OPERATOR_USE = "Skytier's operator", "Operator token", "Become an operator"
OPERATOR_LEAVE, OPERATOR_BACK = "Be a viewer again", "To the dashboard"
OPERATOR_HINT = (
    "Operators acknowledge alerts and start runs. The token is SKYTIER_DASHBOARD_OPERATOR_TOKEN in stack.env; on a "
    "terminal 'skytier stack up' shows a link with it. This browser keeps it for 30 days."
)
OPERATOR_WRONG = "This is not the operator's token."
OPERATOR_ONLY_HERE = (
    "The token counts only in a browser on the machine that the dashboard runs on, without a proxy between. Who comes "
    "over a network signs in: set SKYTIER_DASHBOARD_SIGN_IN (see docs/dashboard.md)."
)
OPERATOR_NOT_USED = "People sign in to this dashboard: the operator's token is not used."
FOREIGN_HOST = (
    "The dashboard does not answer to the name {!r}. Behind a proxy, name it in SKYTIER_DASHBOARD_ALLOWED_HOSTS and "
    "start the dashboard again."
)
FOREIGN_ORIGIN = (
    "The dashboard answers to its own pages only, and the request came from one of {!r}. A proxy has to pass on the "
    "Host that the browser sent."
)
NOT_INVITED = "{name} has signed in, but may not see this dashboard. Ask its operators."
NOTHING_SET = (
    "Sign-in with a password is switched on, but no password is set that has {least} characters or more: set "
    "SKYTIER_DASHBOARD_OPERATOR_PASSWORD, and SKYTIER_DASHBOARD_VIEWER_PASSWORD for those who may only look."
)
NO_PROVIDER = (
    "Sign-in with OpenID Connect is switched on, but there is no provider: .streamlit/secrets.toml needs a section "
    "[auth] (see docs/dashboard.md)."
)
OPERATORS_ONLY = "Only operators may do this."
